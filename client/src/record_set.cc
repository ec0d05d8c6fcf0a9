#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/record/record_batch.h"
#include "weir/consumer.h"

namespace weir {

bool RecordSet::Next(RecordView* record) {
  for (;;) {
    if (!reader_.has_value() && !OpenNextBatch()) return false;
    while (reader_->Next(record)) {
      if (record->offset < first_offset_) continue;
      if (record->offset >= end_offset_) return Stop();
      not_given_ = record->offset + 1;
      return true;
    }
    if (!reader_->status().ok()) PassOver(reader_->status());
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
    if (header.base_offset >= end_offset_) return Stop();
    not_given_ = std::max(header.base_offset, first_offset_);
    behind_batch_ = std::min(header.next_offset(), end_offset_);
    reader_.emplace(batch);
    return true;
  }
  return false;
}

void RecordSet::PassOver(const absl::Status& why) {
  if (++passed_over_ > 1) return;
  status_ =
      MakeError(ReasonOf(why).value_or(Reason::kCorruptBatch),
                absl::StrCat(*topic_, "/", partition_.value(), ": offsets ", not_given_.value(),
                             " to ", behind_batch_.value() - 1, " cannot be read: ", why.message(),
                             "; reading goes on at offset ", behind_batch_.value()));
}

bool RecordSet::Stop() {
  reader_.reset();
  unread_ = {};
  return false;
}

}  // namespace weir
