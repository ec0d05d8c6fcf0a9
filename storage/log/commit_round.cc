#include "storage/log/commit_round.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/journal_format.h"

namespace weir {

absl::Status CommitUncertain(const absl::Status& cause) {
  return MakeError(Reason::kCommitUncertain,
                   absl::StrCat("the commit failed and may or may not survive: ", cause.message()));
}

CommitRound::CommitRound(std::vector<AppendRequest> requests, const AppendTime& time,
                         const Rules& rules)
    : time_(time), requests_(std::move(requests)) {
  results_.reserve(requests_.size());
  for (AppendRequest& request : requests_) results_.push_back(Decide(request, rules));
  stats_.requests = static_cast<int64_t>(requests_.size());
  stats_.batches = static_cast<int64_t>(placed_.size());
  for (const PlacedBatch& batch : placed_) stats_.payload_bytes += batch.header.size_bytes();
  if (empty()) return;
  size_t log_starts = 0;
  for (const Placed& atomic : atomic_) log_starts += atomic.append.log_starts.size();
  const size_t heads = placed_.size() * kEntryHeadBytes + log_starts * kOffsetEntryBytes;
  heads_.reserve(heads);
  stats_.journal_bytes =
      RoundUpToBlock(stats_.payload_bytes + static_cast<int64_t>(heads + kRoundHeadBytes));
}

absl::Status CommitRound::CheckSize(absl::Span<const BatchAppend> batches,
                                    absl::Span<const LogStartMove> log_starts) {
  const size_t parts = batches.size() + log_starts.size();
  if (parts > limits::kAtomicAppendParts) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("an atomic append of ", parts, " parts, at most ",
                                  limits::kAtomicAppendParts, " are allowed"));
  }
  size_t bytes = 0;
  for (const BatchAppend& batch : batches) bytes += batch.bytes.size();
  if (bytes <= size_t{limits::kAtomicAppendBytes}) return absl::OkStatus();
  return MakeError(Reason::kMessageTooLarge,
                   absl::StrCat("an atomic append of ", bytes, " bytes, at most ",
                                limits::kAtomicAppendBytes, " are allowed"));
}

absl::Status CommitRound::CheckPart(const BatchAppend& batch, const Rules& rules) {
  if (!batch.internal) WEIR_RETURN_IF_ERROR(rules.refusal_by_space);
  return batch.log->CheckAppendable();
}

absl::Status CommitRound::CheckPart(const LogStartMove& move) {
  WEIR_RETURN_IF_ERROR(move.log->CheckAppendable());
  return move.log->CheckLogStart(move.start);
}

absl::Status CommitRound::CheckAtomic(absl::Span<const BatchAppend> batches,
                                      absl::Span<const LogStartMove> log_starts,
                                      const Rules& rules) {
  WEIR_RETURN_IF_ERROR(CheckSize(batches, log_starts));
  WEIR_RETURN_IF_ERROR(rules.refusal);
  for (const BatchAppend& batch : batches) {
    const absl::Status refusal = CheckPart(batch, rules);
    if (!refusal.ok()) return OfPart(batch.log->id(), refusal);
  }
  for (const LogStartMove& move : log_starts) {
    const absl::Status refusal = CheckPart(move);
    if (!refusal.ok()) return OfPart(move.log->id(), refusal);
  }
  return absl::OkStatus();
}

absl::StatusOr<AppendResult> CommitRound::Check(const BatchAppend& batch, const Rules& rules) {
  WEIR_RETURN_IF_ERROR(CheckPart(batch, rules));
  LogWriter& writer = batch.log->writer();
  if (SeededBug("assign-offsets-too-early"))
    writer.Place(batch.header, batch.bytes, rules.leader_epoch, time_);
  WEIR_ASSIGN_OR_RETURN(
      const ProducerState::Verdict verdict,
      writer.CheckSequence(batch.header, time_.now_ms, rules.producer_expiration_ms));
  return AppendResult{.base_offset = verdict.original,
                      .record_count = batch.header.record_count,
                      .duplicate = verdict.duplicate};
}

absl::StatusOr<std::vector<AppendResult>> CommitRound::Decide(AppendRequest& request,
                                                              const Rules& rules) {
  WEIR_RETURN_IF_ERROR(rules.refusal);
  if (request.abandoned && request.abandoned()) return absl::CancelledError("the caller has gone");
  std::vector<AppendResult> results(request.batches.size());
  // Everything that can refuse the request, before anything changes.
  for (size_t i = 0; i < request.batches.size(); ++i) {
    absl::StatusOr<AppendResult> result = Check(request.batches[i], rules);
    if (!result.ok() && request.atomic)
      return OfPart(request.batches[i].log->id(), result.status());
    WEIR_ASSIGN_OR_RETURN(results[i], std::move(result));
  }
  for (const LogStartMove& move : request.log_starts) {
    const absl::Status refusal = CheckPart(move);
    if (!refusal.ok()) return OfPart(move.log->id(), refusal);
  }
  if (request.atomic) atomic_.push_back({.begin = placed_.size()});
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (results[i].duplicate) continue;
    BatchAppend& batch = request.batches[i];
    PlacedBatch placed =
        batch.log->writer().Place(batch.header, std::move(batch.bytes), rules.leader_epoch, time_);
    results[i].base_offset = placed.header.base_offset;
    placed_.push_back(std::move(placed));
    if (request.atomic) atomic_.back().append.logs.push_back(batch.log);
    placed_in_.push_back(std::move(batch.log));
  }
  if (request.atomic) PlaceLogStarts(request);
  return results;
}

void CommitRound::PlaceLogStarts(AppendRequest& request) {
  Placed& atomic = atomic_.back();
  atomic.end = placed_.size();
  for (LogStartMove& move : request.log_starts) {
    const std::optional<LogWriter::LogStart> to = move.log->writer().PlanLogStart(move.start);
    if (!to.has_value()) continue;
    move.log->writer().PlaceLogStart(*to);
    atomic.append.logs.push_back(move.log);
    atomic.append.log_starts.push_back({.log = std::move(move.log), .to = *to});
  }
  if (atomic.append.logs.empty()) atomic_.pop_back();  // all of it was there before
}

void CommitRound::AddHead(EntryHead head, std::vector<absl::string_view>* pieces) {
  const size_t at = heads_.size();
  heads_.resize(at + kEntryHeadBytes);  // there is room: what `pieces` borrows stays where it is
  EncodeEntryHead(head, heads_.data() + at);
  pieces->push_back(absl::string_view(heads_).substr(at));
}

void CommitRound::AddLogStarts(const Placed& atomic, std::vector<absl::string_view>* pieces) {
  for (const AtomicAppend::LogStart& start : atomic.append.log_starts) {
    AddHead({.kind = EntryKind::kLogStart,
             .with_next = &start != &atomic.append.log_starts.back(),
             .partition = start.log->id(),
             .segment_base = start.to.segment_base,
             .position = start.to.position,
             .size = sizeof(int64_t)},
            pieces);
    const size_t at = heads_.size();
    AppendLittle(&heads_, start.to.start.value());
    pieces->push_back(absl::string_view(heads_).substr(at));
  }
}

std::vector<absl::string_view> CommitRound::JournalPieces() {
  std::vector<absl::string_view> pieces;
  pieces.reserve(placed_.size() * 4);
  auto atomic = atomic_.begin();
  for (size_t i = 0; i < placed_.size(); ++i) {
    for (; atomic != atomic_.end() && atomic->end == i; ++atomic) AddLogStarts(*atomic, &pieces);
    const PlacedBatch& batch = placed_[i];
    const bool last = atomic == atomic_.end() || i < atomic->begin ||
                      (i + 1 == atomic->end && atomic->append.log_starts.empty());
    AddHead({.kind = EntryKind::kAppend,
             .with_next = !last && !SeededBug("forget-what-belongs-together"),
             .partition = placed_in_[i]->id(),
             .segment_base = batch.segment_base,
             .position = batch.position,
             .size = static_cast<uint32_t>(batch.header.size_bytes())},
            &pieces);
    batch.AppendTo(&pieces);
  }
  for (; atomic != atomic_.end(); ++atomic) AddLogStarts(*atomic, &pieces);
  return pieces;
}

std::vector<absl::AnyInvocable<void()>> CommitRound::TakeEarlyAnswers() {
  std::vector<absl::AnyInvocable<void()>> answers;
  for (size_t i = 0; i < requests_.size(); ++i) {
    AppendRequest& request = requests_[i];
    const bool early = request.durability == Durability::kWritten || SeededBug("ack-before-sync");
    if (!early || !results_[i].ok()) continue;
    answers.push_back([done = std::exchange(request.done, nullptr),
                       result = std::move(results_[i])]() mutable { done(std::move(result)); });
  }
  // Who reads on from there waits, and is not told that there is no such offset.
  if (!answers.empty()) {
    for (const auto& log : placed_in_) log->writer().ShowEnd();
  }
  return answers;
}

void CommitRound::MakeUncertain(const absl::Status& cause) {
  for (auto& result : results_) {
    if (result.ok()) result = CommitUncertain(cause);
  }
}

std::vector<CommitRound::PartitionPart> CommitRound::TakeParts() {
  std::vector<PartitionPart> parts;
  absl::flat_hash_map<const PartitionLog*, size_t> part_of;
  for (size_t i = 0; i < placed_.size(); ++i) {
    const auto [found, added] = part_of.try_emplace(placed_in_[i].get(), parts.size());
    if (added) {
      touched_.push_back(placed_in_[i]);
      parts.push_back({.log = std::move(placed_in_[i]), .batches = {}});
    }
    parts[found->second].batches.push_back(std::move(placed_[i]));
  }
  return parts;
}

std::vector<AtomicAppend> CommitRound::TakeAtomic() {
  std::vector<AtomicAppend> appends;
  appends.reserve(atomic_.size());
  for (Placed& atomic : atomic_) appends.push_back(std::move(atomic.append));
  return appends;
}

void CommitRound::Answer() {
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].done) std::exchange(requests_[i].done, nullptr)(std::move(results_[i]));
  }
}

}  // namespace weir
