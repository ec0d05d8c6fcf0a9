#include "broker/partition/record_time.h"

#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"

namespace weir {

std::optional<int64_t> RecordTimeMs(PartitionManager* partitions, const TopicPtr& topic,
                                    PartitionIndex partition, Offset from) {
  const auto found = partitions->Find(topic, partition);
  if (!found.ok()) return std::nullopt;
  const auto log = found->partition->OpenLog();
  if (!log.ok()) return std::nullopt;
  const auto read = (*log)->Read(from, /*max_bytes=*/1, ReadMode::kMayBlock, nullptr);
  if (!read.ok() || read->batches.size == 0) return std::nullopt;
  const absl::string_view batch = read->batches.view();  // one, since at least one is given
  if (BatchCrc(batch) != DecodeBatchHeader(batch.data()).crc) return std::nullopt;
  RecordReader reader(batch);
  RecordView record;
  while (reader.Next(&record)) {
    if (record.offset >= from) return record.timestamp_ms;
  }
  return std::nullopt;
}

}  // namespace weir
