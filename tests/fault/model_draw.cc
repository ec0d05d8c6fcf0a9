#include "tests/fault/model_draw.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr uint64_t kKeys = 24;  // that come again and again

}  // namespace

int64_t ModelDraw::Between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(high - low) + 1));
}

int ModelDraw::Count(int most) {
  return 1 + static_cast<int>(random_.Below(random_.Below(static_cast<uint64_t>(most)) + 1));
}

std::string ModelDraw::Bytes(int64_t size) {
  std::string bytes(static_cast<size_t>(size), 'x');
  if (Chance(0.4)) return bytes;  // compresses well
  for (char& byte : bytes) byte = static_cast<char>(random_.Below(256));
  return bytes;
}

ModelRecord ModelDraw::Record(int64_t most_bytes) {
  ModelRecord record{.timestamp_ms = Time()};
  if (Chance(0.6)) {
    record.key = Chance(0.9) ? absl::StrCat("key-", random_.Below(kKeys)) : Bytes(Between(0, 20));
  }
  if (Chance(0.95)) {
    int64_t size = Between(0, 60);
    if (Chance(0.05)) size = Between(0, 2000);
    if (Chance(0.01)) size = Between(0, 50'000);
    record.value = Bytes(std::min(size, most_bytes));
  }
  while (Chance(0.15)) {
    ModelHeader header{.key = Chance(0.9) ? absl::StrCat("h", random_.Below(3)) : ""};
    if (Chance(0.8)) header.value = Bytes(Between(0, 10));
    record.headers.push_back(std::move(header));
  }
  return record;
}

std::vector<ModelRecord> ModelDraw::Records(int most, int64_t most_bytes) {
  std::vector<ModelRecord> records(static_cast<size_t>(Count(most)));
  for (ModelRecord& record : records) record = Record(most_bytes);
  return records;
}

int64_t ModelDraw::Time() {
  if (Chance(0.002)) return OneOf<int64_t>({0, 1, INT64_MAX});
  time_ms_ += Between(0, 3);
  return time_ms_ + (Chance(0.1) ? Between(-500, 500) : 0);
}

Compression ModelDraw::Codec() { return static_cast<Compression>(random_.Below(5)); }

int64_t ModelDraw::Offset(const ModelPartition& partition, bool beyond) {
  if (beyond) {
    return OneOf<int64_t>({partition.end() + 1, partition.end() + Between(1, 1000), -1, INT64_MIN,
                           INT64_MAX, partition.start() - 1,
                           partition.start() - Between(1, partition.start() + 1)});
  }
  if (Chance(0.1)) return partition.start();
  if (Chance(0.1)) return partition.end();
  return Between(partition.start(), partition.end());
}

}  // namespace weir
