#include "storage/record/record_batch.h"
#include "weir/consumer.h"

namespace weir {

bool RecordSet::Next(RecordView* record) {
  for (;;) {
    if (!reader_.has_value() && !OpenNextBatch()) return false;
    while (reader_->Next(record)) {
      if (record->offset < first_offset_) continue;
      if (record->offset >= end_offset_) return Stop();
      return true;
    }
    status_ = reader_->status();
    if (!status_.ok()) return Stop();
    reader_.reset();
  }
}

// Every batch was found whole and sound when it came.
bool RecordSet::OpenNextBatch() {
  while (!unread_.empty()) {
    const RecordBatchHeader header = DecodeBatchHeader(unread_.data());
    const absl::string_view batch = unread_.substr(0, static_cast<size_t>(header.size_bytes()));
    unread_.remove_prefix(batch.size());
    if (header.last_offset() < first_offset_) continue;
    reader_.emplace(batch);
    return true;
  }
  return false;
}

bool RecordSet::Stop() {
  reader_.reset();
  unread_ = {};
  return false;
}

}  // namespace weir
