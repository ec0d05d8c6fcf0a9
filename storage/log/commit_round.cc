#include "storage/log/commit_round.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
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
  stats_.journal_bytes = RoundUpToBlock(
      stats_.payload_bytes + stats_.batches * int64_t{kEntryHeadBytes} + int64_t{kRoundHeadBytes});
}

absl::StatusOr<std::vector<AppendResult>> CommitRound::Decide(AppendRequest& request,
                                                              const Rules& rules) {
  WEIR_RETURN_IF_ERROR(rules.refusal);
  if (!request.internal) WEIR_RETURN_IF_ERROR(rules.refusal_by_space);
  if (request.abandoned && request.abandoned()) return absl::CancelledError("the caller has gone");
  std::vector<AppendResult> results(request.batches.size());
  // Everything that can refuse the request, before anything changes.
  for (size_t i = 0; i < request.batches.size(); ++i) {
    const BatchAppend& batch = request.batches[i];
    LogWriter& writer = batch.log->writer();
    if (SeededBug("assign-offsets-too-early"))
      writer.Place(batch.header, batch.bytes, rules.leader_epoch, time_);
    WEIR_ASSIGN_OR_RETURN(const ProducerState::Verdict verdict,
                          writer.Check(batch.header, time_.now_ms, rules.producer_expiration_ms));
    results[i] = {.base_offset = verdict.original,
                  .record_count = batch.header.record_count,
                  .duplicate = verdict.duplicate};
  }
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (results[i].duplicate) continue;
    BatchAppend& batch = request.batches[i];
    PlacedBatch placed =
        batch.log->writer().Place(batch.header, std::move(batch.bytes), rules.leader_epoch, time_);
    results[i].base_offset = placed.header.base_offset;
    placed_.push_back(std::move(placed));
    placed_in_.push_back(std::move(batch.log));
  }
  return results;
}

std::vector<absl::string_view> CommitRound::JournalPieces() {
  heads_.assign(placed_.size() * kEntryHeadBytes, '\0');
  std::vector<absl::string_view> pieces;
  pieces.reserve(placed_.size() * 4);
  for (size_t i = 0; i < placed_.size(); ++i) {
    const PlacedBatch& batch = placed_[i];
    char* const head = heads_.data() + i * kEntryHeadBytes;
    EncodeEntryHead({.kind = EntryKind::kAppend,
                     .partition = placed_in_[i]->id(),
                     .segment_base = batch.segment_base,
                     .position = batch.position,
                     .size = static_cast<uint32_t>(batch.header.size_bytes())},
                    head);
    pieces.push_back(absl::string_view(head, kEntryHeadBytes));
    batch.AppendTo(&pieces);
  }
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

void CommitRound::Answer() {
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].done) std::exchange(requests_[i].done, nullptr)(std::move(results_[i]));
  }
}

}  // namespace weir
