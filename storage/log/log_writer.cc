#include "storage/log/log_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/batch_scanner.h"
#include "storage/log/partition_log.h"

namespace weir {

void PlacedBatch::AppendTo(std::vector<absl::string_view>* pieces) const {
  pieces->push_back(absl::string_view(head.data(), head.size()));
  size_t skip = kBatchHeaderBytes;
  for (absl::string_view piece : bytes.pieces()) {
    const size_t n = std::min(skip, piece.size());
    piece.remove_prefix(n);
    skip -= n;
    if (!piece.empty()) pieces->push_back(piece);
  }
}

const std::string& LogWriter::directory() const { return log_->directory_; }

absl::StatusOr<ProducerState::Verdict> LogWriter::CheckSequence(const RecordBatchHeader& header,
                                                                int64_t now_ms,
                                                                int64_t expiration_ms) {
  if (!header.has_producer()) return ProducerState::Verdict{};
  return state_.producers.Check(header, now_ms, expiration_ms);
}

PlacedBatch LogWriter::Place(const RecordBatchHeader& header, SharedBytes bytes, LeaderEpoch epoch,
                             const AppendTime& time) {
  const LogConfig config = log_->config();
  // An index has 32 bits for what lies between an offset and the segment's first.
  const bool full = state_.position.value() + header.size_bytes() > config.segment_bytes ||
                    state_.log_end - state_.segment_base > UINT32_MAX;
  const bool old = segment_since_ && time.monotonic - *segment_since_ >= config.segment_age;
  Offset segment_base = state_.segment_base;
  FilePosition position = state_.position;
  if (position.value() > 0 && (full || old)) {
    segment_base = state_.log_end;
    position = FilePosition{0};
  }
  if (position.value() == 0 || !segment_since_) segment_since_ = time.monotonic;

  PlacedBatch placed{.header = header,
                     .head = {},
                     .bytes = std::move(bytes),
                     .segment_base = segment_base,
                     .position = position};
  placed.header.base_offset = state_.log_end;
  placed.header.leader_epoch = epoch;
  EncodeBatchHeader(placed.header, placed.head.data());
  state_.NoteAppend(placed.header, segment_base, position, time.now_ms);
  return placed;
}

Segment* LogWriter::ActiveSegment(Offset base) {
  if (active_ != nullptr && active_->base() == base) return active_.get();
  absl::MutexLock lock(&log_->mu_);
  auto& segments = log_->segments_;
  if (segments.empty() || segments.back()->base() != base) {
    if (!segments.empty()) {
      segments.back()->SealAt(base);
      touched_.push_back(segments.back());  // its index is complete now
    }
    segments.push_back(std::make_shared<Segment>(log_->files_, log_->directory_, base,
                                                 FilePosition{0}, /*exists=*/false));
  }
  active_ = segments.back();
  return active_.get();
}

absl::Status LogWriter::WriteRun(absl::Span<const PlacedBatch> run, const AppendTime& time) {
  Segment* const segment = ActiveSegment(run.front().segment_base);
  std::vector<absl::string_view> pieces;
  int64_t size = 0;
  for (const PlacedBatch& batch : run) {
    batch.AppendTo(&pieces);
    size += batch.header.size_bytes();
  }
  const bool was_dirty = segment->dirty();
  const absl::Status written = segment->Append(run.front().position, pieces, size);
  if (!was_dirty && segment->dirty()) touched_.push_back(active_);
  WEIR_RETURN_IF_ERROR(written);
  for (const PlacedBatch& batch : run)
    segment->NoteBatch(batch.header, batch.position, time.now_ms);
  applied_end_ = run.back().header.next_offset();
  applied_segment_ = run.back().segment_base;
  applied_position_ = run.back().position + run.back().header.size_bytes();
  applied_any_ = true;
  return absl::OkStatus();
}

absl::Status LogWriter::Apply(std::vector<PlacedBatch> batches, const AppendTime& time) {
  if (stalled()) {  // only when two rounds overlap; order is kept
    std::move(batches.begin(), batches.end(), std::back_inserter(stalled_));
    return absl::OkStatus();
  }
  size_t done = 0;
  while (done < batches.size()) {
    size_t end = done + 1;
    while (end < batches.size() && batches[end].segment_base == batches[done].segment_base) ++end;
    const absl::Status written =
        WriteRun(absl::MakeConstSpan(batches).subspan(done, end - done), time);
    if (absl::IsResourceExhausted(written)) {
      std::move(batches.begin() + static_cast<int64_t>(done), batches.end(),
                std::back_inserter(stalled_));
      NoteWaits();
      return absl::OkStatus();
    }
    WEIR_RETURN_IF_ERROR(written);
    done = end;
  }
  return absl::OkStatus();
}

void LogWriter::NoteWaits() {
  if (waits_noted_ == waits()) return;
  waits_noted_ = waits();
  absl::MutexLock lock(&log_->mu_);
  log_->waits_for_space_ = waits_noted_;
}

void LogWriter::SetHeld(bool held) {
  held_ = held;
  NoteWaits();
}

void LogWriter::SetDeleted() {
  absl::MutexLock lock(&log_->mu_);
  log_->deleted_ = true;
}

void LogWriter::BeginChange() {
  absl::MutexLock lock(&log_->mu_);
  log_->changing_ = true;
}

void LogWriter::EndChange() {
  absl::MutexLock lock(&log_->mu_);
  log_->changing_ = false;
}

absl::Status LogWriter::Retry(const AppendTime& time) {
  std::vector<PlacedBatch> batches(std::make_move_iterator(stalled_.begin()),
                                   std::make_move_iterator(stalled_.end()));
  stalled_.clear();
  const absl::Status applied = Apply(std::move(batches), time);
  NoteWaits();
  return applied;
}

void LogWriter::ShowEnd() {
  absl::MutexLock lock(&log_->mu_);
  log_->log_end_ = state_.log_end;
}

bool LogWriter::Publish() {
  if (!std::exchange(applied_any_, false)) return false;
  absl::MutexLock lock(&log_->mu_);
  log_->high_watermark_ = {applied_end_, applied_segment_, applied_position_};
  log_->log_end_ = state_.log_end;
  if (log_->epochs_->latest() != state_.epochs.latest()) {
    log_->epochs_ = std::make_shared<const EpochHistory>(state_.epochs);
  }
  return true;
}

std::optional<LogWriter::LogStart> LogWriter::PlanLogStart(Offset start) const {
  if (start <= state_.log_start) return std::nullopt;
  // With nothing left the log goes on in a new segment, so that the old one can go.
  if (start == state_.log_end && state_.position.value() > 0 && !stalled()) {
    return LogStart{start, state_.log_end, FilePosition{0}};
  }
  return LogStart{start, state_.segment_base, state_.position};
}

void LogWriter::PlaceLogStart(const LogStart& to) {
  state_.NoteLogStart(to.start, to.segment_base, to.position);
}

std::vector<std::shared_ptr<Segment>> LogWriter::ApplyLogStart(const LogStart& to) {
  PlaceLogStart(to);
  return ShowLogStart(to);
}

std::vector<std::shared_ptr<Segment>> LogWriter::ShowLogStart(const LogStart& to) {
  std::vector<std::shared_ptr<Segment>> gone;
  absl::MutexLock lock(&log_->mu_);
  log_->log_start_ = to.start;
  const bool goes_on_there =  // nothing was placed behind
      state_.position == to.position && state_.segment_base == to.segment_base;
  if (to.position.value() == 0 && goes_on_there) {
    log_->high_watermark_ = {log_->high_watermark_.offset, to.segment_base, to.position};
    active_ = nullptr;
    segment_since_.reset();
  }
  auto& segments = log_->segments_;
  while (!segments.empty()) {
    // A segment ends where the next one begins; the last one is needed while it is appended to.
    const bool last = segments.size() == 1;
    const bool needed = to.position.value() != 0 || segments.front()->base() == to.segment_base ||
                        to.start < to.segment_base;
    if (last ? needed : segments[1]->base() > to.start) break;
    gone.push_back(std::move(segments.front()));
    segments.erase(segments.begin());
  }
  return gone;
}

absl::StatusOr<LogWriter::Cut> LogWriter::PlanTruncate(Offset end) const {
  if (held()) {
    return MakeError(Reason::kDiskLow,
                     "the disk is full; the log's end may belong to an atomic append that waits",
                     absl::Seconds(1));
  }
  std::vector<std::shared_ptr<Segment>> segments;
  {
    absl::ReaderMutexLock lock(&log_->mu_);
    if (end < log_->high_watermark_.offset || end > state_.log_end) {
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("cannot cut the log at offset ", end.value(),
                                    ": it must lie between the high watermark ",
                                    log_->high_watermark_.offset.value(), " and the log end ",
                                    state_.log_end.value()));
    }
    if (end == log_->high_watermark_.offset) {
      return Cut{end, log_->high_watermark_.segment_base, log_->high_watermark_.position};
    }
    segments = log_->segments_;
  }
  if (end == state_.log_end) return Cut{end, state_.segment_base, state_.position};
  for (const PlacedBatch& batch : stalled_) {
    if (batch.header.base_offset == end) return Cut{end, batch.segment_base, batch.position};
  }
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("offset ", end.value(), " is no batch boundary"));
}

absl::Status LogWriter::ApplyTruncate(const Cut& cut) {
  state_.NoteTruncate(cut.end, cut.segment_base, cut.position);
  while (!stalled_.empty() && stalled_.back().header.base_offset >= cut.end) stalled_.pop_back();
  absl::MutexLock lock(&log_->mu_);
  auto& segments = log_->segments_;
  while (!segments.empty() && segments.back()->base() > cut.segment_base) {
    WEIR_RETURN_IF_ERROR(segments.back()->Remove());
    std::erase(touched_, segments.back());
    segments.pop_back();
  }
  active_ = nullptr;
  if (!segments.empty() && segments.back()->base() == cut.segment_base) {
    active_ = segments.back();
    const bool was_dirty = active_->dirty();
    if (active_->end() > cut.position) WEIR_RETURN_IF_ERROR(active_->TruncateTo(cut.position));
    if (!was_dirty && active_->dirty()) touched_.push_back(active_);
  }
  log_->log_end_ = cut.end;
  waits_noted_ = waits();
  log_->waits_for_space_ = waits_noted_;
  return absl::OkStatus();
}

std::string LogWriter::EncodeState(RoundNumber as_of) {
  state_.as_of = as_of;
  std::string encoded;
  state_.EncodeTo(&encoded);
  return encoded;
}

std::vector<std::shared_ptr<Segment>> LogWriter::TakeTouched() {
  return std::exchange(touched_, {});
}

}  // namespace weir
