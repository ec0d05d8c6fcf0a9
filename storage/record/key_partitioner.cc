#include "storage/record/key_partitioner.h"

#include "storage/base/bytes.h"
#include "storage/base/check.h"

namespace weir {

uint32_t Murmur2(absl::string_view key) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t hash = kSeed ^ static_cast<uint32_t>(key.size());
  for (; key.size() >= 4; key.remove_prefix(4)) {
    uint32_t word = LoadLittle<uint32_t>(key.data()) * kMultiplier;
    word = (word ^ word >> 24) * kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  if (!key.empty()) {
    uint32_t tail = 0;
    for (size_t i = key.size(); i-- > 0;) tail = tail << 8 | static_cast<unsigned char>(key[i]);
    hash = (hash ^ tail) * kMultiplier;
  }
  hash = (hash ^ hash >> 13) * kMultiplier;
  return hash ^ hash >> 15;
}

PartitionIndex PartitionForKey(absl::string_view key, int32_t partitions) {
  WEIR_CHECK(partitions > 0);
  return PartitionIndex(static_cast<int32_t>(Murmur2(key) & 0x7fffffff) % partitions);
}

}  // namespace weir
