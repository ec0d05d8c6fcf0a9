#include "broker/share/share_types.h"

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/record/key_partitioner.h"

namespace weir {
namespace {

uint64_t Rotated(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

uint64_t Mixed(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdULL;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53ULL;
  return k ^ (k >> 33);
}

constexpr uint64_t kC1 = 0x87c37b91114253d5ULL;
constexpr uint64_t kC2 = 0x4cf5ad432745937fULL;

uint64_t First(uint64_t k) { return Rotated(k * kC1, 31) * kC2; }
uint64_t Second(uint64_t k) { return Rotated(k * kC2, 33) * kC1; }

}  // namespace

PartitionIndex ShardOfSharePartition(const SharePartitionId& id, int32_t partitions) {
  char partition[sizeof(int32_t)];
  StoreBig(partition, id.partition.partition.value());
  const auto& topic = id.partition.topic.bytes;
  return PartitionForKey(
      absl::StrCat(id.group, absl::string_view("\0", 1),
                   absl::string_view(reinterpret_cast<const char*>(topic.data()), topic.size()),
                   absl::string_view(partition, sizeof(partition))),
      partitions);
}

// MurmurHash3 by Austin Appleby, x64, 128 bits, seed 0.
KeyHash KeyHashOf(absl::string_view key) {
  uint64_t h1 = 0;
  uint64_t h2 = 0;
  absl::string_view rest = key;
  for (; rest.size() >= 16; rest.remove_prefix(16)) {
    h1 ^= First(LoadLittle<uint64_t>(rest.data()));
    h1 = (Rotated(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= Second(LoadLittle<uint64_t>(rest.data() + 8));
    h2 = (Rotated(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  char tail[16] = {};
  rest.copy(tail, rest.size());
  if (rest.size() > 8) h2 ^= Second(LoadLittle<uint64_t>(tail + 8));
  if (!rest.empty()) h1 ^= First(LoadLittle<uint64_t>(tail));
  h1 ^= key.size();
  h2 ^= key.size();
  h1 += h2;
  h2 += h1;
  h1 = Mixed(h1);
  h2 = Mixed(h2);
  h1 += h2;
  h2 += h1;
  return {.high = h1, .low = h2};
}

}  // namespace weir
