#include "storage/log/committer.h"

#include <pthread.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {

Committer::Committer(CommitterOptions options)
    : options_(std::move(options)),
      queue_(options_.completions),
      next_round_(options_.next_round),
      atomic_appends_(options_.remove_segments),
      sampled_through_(options_.next_round - 1),
      sampled_live_(options_.journal->live_sequence()) {}

Committer::~Committer() { WEIR_CHECK(!thread_.joinable()); }

void Committer::Start() {
  thread_ = std::thread([this] { ThreadMain(); });
}

void Committer::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
  queue_.RefuseAll();
}

absl::Status Committer::CheckFitsJournal(const AppendRequest& request) const {
  const int64_t bytes = RoundUpToBlock(CommitQueue::BytesOf(request) + int64_t{kRoundHeadBytes});
  if (bytes <= options_.journal->most_round_bytes()) return absl::OkStatus();
  return MakeError(Reason::kMessageTooLarge,
                   absl::StrCat("the request takes ", bytes,
                                " bytes in the commit journal, whose files (journal.file_bytes) "
                                "have room for ",
                                options_.journal->most_round_bytes()));
}

void Committer::Append(AppendRequest request) {
  absl::Status refused;
  WEIR_CHECK(request.atomic || request.log_starts.empty());
  if (request.atomic) refused = CommitRound::CheckSize(request.batches, request.log_starts);
  if (refused.ok()) refused = CheckFitsJournal(request);
  if (refused.ok()) return queue_.Add(std::move(request));
  queue_.Refuse(std::move(request), std::move(refused));
}

absl::Status Committer::CheckAtomicAppend(absl::Span<const BatchAppend> batches,
                                          absl::Span<const LogStartMove> log_starts) {
  return CommitRound::CheckAtomic(batches, log_starts, Rules());
}

void Committer::ThreadMain() {
  pthread_setname_np(pthread_self(), "committer");
  for (;;) {
    const uint64_t heard = queue_.news();
    if (Step()) continue;
    const CommitQueue::Woken woken =
        queue_.Await(heard, lacks_room_, /*retry=*/lacks_room_ || !stalled_.empty());
    if (woken == CommitQueue::Woken::kStop) return;
    if (woken == CommitQueue::Woken::kTime) options_.journal->NoteSpace();
  }
}

void Committer::AskForRoom() {
  lacks_room_ = true;
  if (queue_.AskForRoom()) options_.want_checkpoint(/*room=*/true);
}

bool Committer::Step() {
  lacks_room_ = false;
  bool worked = RunControls();
  RetryStalled();
  std::vector<AppendRequest> requests = TakeRequests();
  if (!requests.empty()) {
    Commit(std::move(requests));
    worked = true;
  }
  queue_.SetIdle();
  return worked;
}

bool Committer::RunControls() {
  std::deque<Control> again;
  bool worked = false;
  for (Control& control : queue_.TakeControls()) {
    if (control(*this)) {
      worked = true;
    } else {
      again.push_back(std::move(control));
    }
  }
  if (again.empty()) return worked;
  queue_.PutBack(std::move(again));
  AskForRoom();
  return worked;
}

void Committer::RetryStalled() {
  if (stalled_.empty() || options_.fence->tripped()) return;
  const AppendTime time{options_.clock->NowMs(), options_.clock->Monotonic()};
  std::vector<std::shared_ptr<PartitionLog>> moved;
  for (const Stalled& stalled : stalled_) {
    if (const absl::Status status = stalled.log->writer().Retry(time); !status.ok()) {
      options_.fence->Trip(status);
      return;
    }
    if (!stalled.log->writer().held() && stalled.log->writer().Publish())
      moved.push_back(stalled.log);
  }
  for (auto& log : atomic_appends_.ShowWhole()) moved.push_back(std::move(log));
  if (std::erase_if(stalled_,
                    [](const Stalled& stalled) { return !stalled.log->writer().waits(); }) > 0)
    queue_.ExpectRoom();  // the journal need not keep what they waited with
  if (moved.empty()) return;
  options_.completions->Post([listener = options_.listener, moved = std::move(moved)] {
    for (const auto& log : moved) listener->OnHighWatermark(*log);
  });
}

std::vector<AppendRequest> Committer::TakeRequests() {
  const CommitQueue::Head head = queue_.LookAtHead(options_.round_bytes);
  if (head.count == 0) return {};
  // Room first: once offsets are given out there is no way back.
  const absl::StatusOr<bool> room =
      options_.fence->tripped() ? absl::StatusOr<bool>(true)  // refused without a write
                                : options_.journal->Reserve(head.bytes + int64_t{kRoundHeadBytes},
                                                            Journal::Purpose::kAppend);
  if (!room.ok()) options_.fence->Trip(room.status());
  if (!room.ok() || *room) return queue_.Take(head.count);
  AskForRoom();
  queue_.RefuseWithoutRoom();
  return {};
}

CommitRound::Rules Committer::Rules() const {
  return {.leader_epoch = options_.leader_epoch,
          .producer_expiration_ms = options_.producer_expiration_ms,
          .refusal = options_.fence->status(),
          .refusal_by_space = queue_.refusal()};
}

void Committer::Apply(CommitRound* round) {
  for (CommitRound::PartitionPart& part : round->TakeParts()) {
    LogWriter& writer = part.log->writer();
    const bool was_stalled = writer.stalled();
    const absl::Status applied = writer.Apply(std::move(part.batches), round->append_time());
    if (!applied.ok()) {
      options_.fence->Trip(applied);
      return;
    }
    if (!was_stalled && writer.stalled()) {
      stalled_.push_back({part.log, sampled_through_, sampled_live_});
    }
    if (!round->has_atomic()) writer.Publish();
    NoteChanged(part.log);
    if (options_.background == nullptr) continue;
    if (auto writeback = writer.TakeWriteback(limits::kWritebackBytes)) {
      options_.background->Post([writeback = *std::move(writeback)] {
        writeback.file->StartWriteback(writeback.position, writeback.length);
      });
    }
  }
  if (round->has_atomic()) ShowAtomic(round);
}

void Committer::ShowAtomic(CommitRound* round) {
  std::vector<AtomicAppend> appends = round->TakeAtomic();
  for (const AtomicAppend& append : appends) {
    for (const AtomicAppend::LogStart& start : append.log_starts) NoteChanged(start.log);
  }
  for (const auto& log : atomic_appends_.ShowOrHold(std::move(appends))) {
    const bool listed = std::any_of(stalled_.begin(), stalled_.end(),
                                    [&](const Stalled& stalled) { return stalled.log == log; });
    if (!listed) stalled_.push_back({log, sampled_through_, sampled_live_});
  }
  for (const auto& log : round->touched()) {
    if (!log->writer().held()) log->writer().Publish();
  }
}

void Committer::Post(std::shared_ptr<CommitRound> round) {
  options_.completions->Post([listener = options_.listener, round = std::move(round)] {
    round->Answer();
    for (const auto& log : round->touched()) listener->OnHighWatermark(*log);
    listener->OnRound(round->stats());
  });
}

absl::Status Committer::WriteJournal(CommitRound* round) {
  const absl::Duration start = options_.clock->Monotonic();
  std::vector<absl::string_view> pieces = round->JournalPieces();
  if (SeededBug("atomic-append-in-two-rounds") && round->has_atomic() &&
      round->stats().batches > 1) {
    const auto second = std::find_if(pieces.begin() + 1, pieces.end(), [](absl::string_view piece) {
      return piece.size() == kEntryHeadBytes;
    });
    WEIR_RETURN_IF_ERROR(options_.journal->WriteRound(next_round_, {pieces.begin(), second}));
    WEIR_RETURN_IF_ERROR(options_.journal->Flush());
    pieces.erase(pieces.begin(), second);
    next_round_ = next_round_ + 1;
  }
  absl::Status written = options_.journal->WriteRound(next_round_, std::move(pieces));
  next_round_ = next_round_ + 1;
  const absl::Duration journaled = options_.clock->Monotonic();
  round->stats().journal_write = journaled - start;
  if (!written.ok()) return written;
  // Those who asked for no more than the write are answered now, beside the flush.
  auto early = std::make_shared<std::vector<absl::AnyInvocable<void()>>>(round->TakeEarlyAnswers());
  if (!early->empty()) {
    options_.completions->Post([early] {
      for (auto& answer : *early) answer();
    });
  }
  written = options_.journal->Flush();
  if (SeededBug("forget-fence")) written = absl::OkStatus();
  round->stats().flush = options_.clock->Monotonic() - journaled;
  return written;
}

void Committer::Commit(std::vector<AppendRequest> requests) {
  auto round = std::make_shared<CommitRound>(
      std::move(requests), AppendTime{options_.clock->NowMs(), options_.clock->Monotonic()},
      Rules());
  if (!round->empty()) {
    if (const absl::Status written = WriteJournal(round.get()); written.ok()) {
      const absl::Duration flushed = options_.clock->Monotonic();
      Apply(round.get());
      round->stats().apply = options_.clock->Monotonic() - flushed;
    } else {
      options_.fence->Trip(written);
      round->MakeUncertain(written);
    }
  }
  Post(std::move(round));
  if (options_.journal->full_files() >= limits::kCheckpointJournalFiles ||
      dirty_.size() >= options_.dirty_logs) {
    options_.want_checkpoint(/*room=*/false);
  }
}

absl::StatusOr<bool> Committer::CommitControls(absl::Span<const ControlEntry> entries) {
  WEIR_RETURN_IF_ERROR(options_.fence->status());
  std::string bytes(entries.size() * kOffsetEntryBytes, '\0');
  char* to = bytes.data();
  for (const ControlEntry& entry : entries) {
    EncodeEntryHead({.kind = entry.kind,
                     .partition = entry.partition,
                     .segment_base = entry.segment_base,
                     .position = entry.position,
                     .size = sizeof(int64_t)},
                    to);
    StoreLittle(to + kEntryHeadBytes, entry.offset.value());
    to += kOffsetEntryBytes;
  }
  absl::StatusOr<bool> room = options_.journal->Reserve(int64_t(bytes.size() + kRoundHeadBytes),
                                                        Journal::Purpose::kControl);
  if (room.ok() && !*room) return false;
  absl::Status status = room.status();
  if (status.ok()) status = options_.journal->WriteRound(next_round_, {bytes});
  if (status.ok()) status = options_.journal->Flush();
  next_round_ = next_round_ + 1;
  if (!status.ok()) {
    options_.fence->Trip(status);
    return CommitUncertain(status);
  }
  return true;
}

void Committer::NoteChanged(const std::shared_ptr<PartitionLog>& log) {
  if (log->writer().listed_dirty) return;
  log->writer().listed_dirty = true;
  dirty_.push_back(log);
}

RoundNumber Committer::Forget(const TopicId& topic) {
  std::erase_if(stalled_, [&](const Stalled& stalled) { return stalled.log->id().topic == topic; });
  atomic_appends_.Forget(topic);
  std::erase_if(dirty_, [&](const auto& log) { return log->id().topic == topic; });
  return next_round_ - 1;
}

CheckpointSample Committer::Sample() {
  CheckpointSample sample{.through = next_round_ - 1,
                          .oldest_live = options_.journal->live_sequence()};
  for (const Stalled& stalled : stalled_) {
    sample.through = std::min(sample.through, stalled.saved_through);
    sample.oldest_live = std::min(sample.oldest_live, stalled.oldest_live);
  }
  sampled_through_ = next_round_ - 1;
  sampled_live_ = options_.journal->live_sequence();
  std::vector<std::shared_ptr<PartitionLog>> still_dirty;
  for (auto& log : dirty_) {
    LogWriter& writer = log->writer();
    for (auto& segment : writer.TakeTouched()) {
      Segment::Dirty dirty = segment->TakeDirty();
      if (dirty.created) sample.new_files.push_back(writer.directory());
      if (dirty.file != nullptr) sample.files.push_back(std::move(dirty));
      sample.segments.push_back(std::move(segment));
    }
    if (writer.waits()) {  // its state is ahead of what shows; the journal keeps what it has since
                           // the last sample
      still_dirty.push_back(std::move(log));
      continue;
    }
    writer.listed_dirty = false;
    sample.states.emplace_back(log->id(), writer.EncodeState(next_round_ - 1));
  }
  dirty_ = std::move(still_dirty);
  return sample;
}

}  // namespace weir
