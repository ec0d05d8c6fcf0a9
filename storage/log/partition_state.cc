#include "storage/log/partition_state.h"

namespace weir {
namespace {
constexpr int64_t kLargestPosition = UINT32_MAX;  // an index has 32 bits for it
}  // namespace

void PartitionState::NoteAppend(const RecordBatchHeader& header, Offset at_segment,
                                FilePosition at_position, int64_t now_ms) {
  epochs.Note(header.leader_epoch, header.base_offset);
  if (header.has_producer()) producers.Note(header, now_ms);
  log_end = header.next_offset();
  segment_base = at_segment;
  position = at_position + header.size_bytes();
}

void PartitionState::NoteLogStart(Offset start, Offset base, FilePosition at) {
  log_start = start;
  segment_base = base;
  position = at;
  epochs.DropBelow(start);
}

void PartitionState::NoteTruncate(Offset end, Offset base, FilePosition at) {
  log_end = end;
  segment_base = base;
  position = at;
  epochs.TruncateTo(end);
  producers.TruncateTo(end);
}

bool PartitionState::MakesSense() const {
  return log_start.value() >= 0 && log_start <= log_end && segment_base.value() >= 0 &&
         segment_base <= log_end && position.value() >= 0 && position.value() <= kLargestPosition &&
         (epochs.entries().empty() || epochs.entries().back().start <= log_end);
}

void PartitionState::EncodeTo(std::string* out) const {
  AppendLittle(out, as_of.value());
  AppendLittle(out, log_start.value());
  AppendLittle(out, log_end.value());
  AppendLittle(out, segment_base.value());
  AppendLittle(out, position.value());
  epochs.EncodeTo(out);
  producers.EncodeTo(out);
}

bool PartitionState::DecodeEndsFrom(ByteReader* in) {
  as_of = RoundNumber{in->Read<uint64_t>()};
  log_start = Offset{in->Read<int64_t>()};
  log_end = Offset{in->Read<int64_t>()};
  segment_base = Offset{in->Read<int64_t>()};
  position = FilePosition{in->Read<int64_t>()};
  return in->ok();
}

bool PartitionState::DecodeFrom(ByteReader* in) {
  if (!DecodeEndsFrom(in) || !epochs.DecodeFrom(in) || !producers.DecodeFrom(in)) return false;
  return in->ok() && MakesSense();
}

}  // namespace weir
