#include "storage/log/committer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

// What waits for space or for room in the journal is looked at again so often: nothing announces
// that space has returned.
constexpr absl::Duration kRetry = absl::Milliseconds(500);
// So often a committer that is to drain looks for room, before it gives up.
constexpr int kVainRetries = 10;
constexpr size_t kControlEntryBytes = kEntryHeadBytes + sizeof(int64_t);

int64_t BytesOf(const AppendRequest& request) {
  int64_t bytes = 0;
  for (const BatchAppend& batch : request.batches)
    bytes += int64_t(batch.bytes.size() + kEntryHeadBytes);
  return bytes + int64_t(request.log_starts.size() * kControlEntryBytes);
}

}  // namespace

Committer::Committer(CommitterOptions options)
    : options_(std::move(options)),
      next_round_(options_.next_round),
      atomic_appends_(options_.remove_segments),
      sampled_through_(options_.next_round - 1),
      sampled_live_(options_.journal->live_sequence()) {}

Committer::~Committer() { WEIR_CHECK(!thread_.joinable()); }

void Committer::Start() {
  thread_ = std::thread([this] { ThreadMain(); });
}

void Committer::CloseQueue() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void Committer::Drain() {
  const auto drained = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (vain_retries_ >= kVainRetries) return true;
    return queue_.empty() && controls_.empty() && !busy_;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&drained));
}

void Committer::Stop() {
  std::deque<AppendRequest> left;
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    stopping_ = true;
    if (asleep_) wake_.Signal();
  }
  if (thread_.joinable()) thread_.join();
  {
    absl::MutexLock lock(&mu_);
    left.swap(queue_);
    controls_.clear();
  }
  for (AppendRequest& request : left)
    Refuse(std::move(request), MakeError(Reason::kShuttingDown, "the broker is stopping"));
}

void Committer::Refuse(AppendRequest request, absl::Status reason) {
  options_.completions->Post(
      [request = std::move(request), reason]() mutable { request.done(reason); });
}

absl::Status Committer::CheckFitsJournal(const AppendRequest& request) const {
  const int64_t bytes = RoundUpToBlock(BytesOf(request) + int64_t{kRoundHeadBytes});
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
  if (refused.ok()) {
    absl::MutexLock lock(&mu_);
    if (closed_) {
      refused = MakeError(Reason::kShuttingDown, "the broker is stopping", absl::Seconds(1));
    } else if (queue_.size() >= limits::kCommitQueueRequests) {
      refused =
          MakeError(Reason::kTooManyRequests,
                    absl::StrCat("more than ", limits::kCommitQueueRequests, " produces wait"),
                    absl::Milliseconds(100));
    } else {
      queue_.push_back(std::move(request));
      if (asleep_) wake_.Signal();
      return;
    }
  }
  Refuse(std::move(request), std::move(refused));
}

absl::Status Committer::CheckAtomicAppend(absl::Span<const BatchAppend> batches,
                                          absl::Span<const LogStartMove> log_starts) {
  return CommitRound::CheckAtomic(batches, log_starts, Rules());
}

void Committer::Run(Control control) {
  absl::MutexLock lock(&mu_);
  controls_.push_back(std::move(control));
  ++news_;  // this one may need no room, or be what makes it
  if (asleep_) wake_.Signal();
}

void Committer::RefuseAppends(absl::Status reason) {
  absl::MutexLock lock(&mu_);
  refusal_ = std::move(reason);
  ++news_;
  if (asleep_) wake_.Signal();
}

void Committer::NoteRoom() {
  absl::MutexLock lock(&mu_);
  ++news_;
  room_asked_for_ = false;
  if (asleep_) wake_.Signal();
}

void Committer::ThreadMain() {
  pthread_setname_np(pthread_self(), "committer");
  for (;;) {
    uint64_t heard;
    {
      absl::MutexLock lock(&mu_);
      heard = news_;
    }
    if (Step()) continue;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      const bool waits = !controls_.empty() || !queue_.empty();
      if (news_ != heard || (waits && !lacks_room_)) continue;
      asleep_ = true;
      const bool retry = lacks_room_ || !stalled_.empty();
      const bool woken = !wake_.WaitWithTimeout(&mu_, retry ? kRetry : absl::InfiniteDuration());
      asleep_ = false;
      if (woken) continue;
      room_asked_for_ = false;
      if (closed_ && lacks_room_) ++vain_retries_;
    }
    options_.journal->NoteSpace();
  }
}

void Committer::AskForRoom() {
  lacks_room_ = true;
  {
    // Once: each sample that a checkpoint takes wakes the committer, which would ask again.
    absl::MutexLock lock(&mu_);
    if (std::exchange(room_asked_for_, true)) return;
  }
  options_.want_checkpoint(/*room=*/true);
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
  absl::MutexLock lock(&mu_);
  busy_ = false;
  return worked;
}

bool Committer::RunControls() {
  std::deque<Control> controls;
  {
    absl::MutexLock lock(&mu_);
    if (controls_.empty()) return false;
    controls.swap(controls_);
    busy_ = true;
  }
  std::deque<Control> again;
  bool worked = false;
  for (Control& control : controls) {
    if (control(*this)) {
      worked = true;
    } else {
      again.push_back(std::move(control));
    }
  }
  if (again.empty()) return worked;
  {
    absl::MutexLock lock(&mu_);
    std::move(again.rbegin(), again.rend(), std::front_inserter(controls_));
  }
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
                    [](const Stalled& stalled) { return !stalled.log->writer().waits(); }) > 0) {
    absl::MutexLock lock(&mu_);
    room_asked_for_ = false;  // the journal need not keep what they waited with
  }
  if (moved.empty()) return;
  options_.completions->Post([listener = options_.listener, moved = std::move(moved)] {
    for (const auto& log : moved) listener->OnHighWatermark(*log);
  });
}

std::vector<AppendRequest> Committer::TakeRequests() {
  std::vector<AppendRequest> taken;
  int64_t bytes = 0;
  size_t count = 0;
  {
    absl::MutexLock lock(&mu_);
    for (; count < queue_.size(); ++count) {
      const int64_t more = BytesOf(queue_[count]);
      if (count > 0 && bytes + more > options_.round_bytes) break;
      bytes += more;
    }
  }
  if (count == 0) return taken;
  // Room first: once offsets are given out there is no way back.
  const absl::StatusOr<bool> room =
      options_.fence->tripped()
          ? absl::StatusOr<bool>(true)  // they will be refused without a write
          : options_.journal->Reserve(bytes + int64_t{kRoundHeadBytes}, Journal::Purpose::kAppend);
  if (!room.ok()) options_.fence->Trip(room.status());
  if (room.ok() && !*room) {
    AskForRoom();
    RefuseWithoutRoom();
    return taken;
  }
  absl::MutexLock lock(&mu_);
  busy_ = true;
  taken.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return taken;
}

void Committer::RefuseWithoutRoom() {
  std::vector<std::pair<AppendRequest, absl::Status>> refused;
  {
    absl::MutexLock lock(&mu_);
    std::deque<AppendRequest> stay;
    for (AppendRequest& request : queue_) {
      const auto external = std::find_if(request.batches.begin(), request.batches.end(),
                                         [](const BatchAppend& batch) { return !batch.internal; });
      absl::Status why;
      if (request.abandoned && request.abandoned()) {
        why = absl::CancelledError("the caller has gone");
      } else if (!refusal_.ok() && external != request.batches.end()) {
        why = request.atomic ? OfPart(external->log->id(), refusal_) : refusal_;
      }
      if (why.ok()) {
        stay.push_back(std::move(request));
      } else {
        refused.emplace_back(std::move(request), std::move(why));
      }
    }
    queue_ = std::move(stay);
  }
  for (auto& [request, why] : refused) Refuse(std::move(request), std::move(why));
}

CommitRound::Rules Committer::Rules() {
  absl::MutexLock lock(&mu_);
  return {.leader_epoch = options_.leader_epoch,
          .producer_expiration_ms = options_.producer_expiration_ms,
          .refusal = options_.fence->status(),
          .refusal_by_space = refusal_};
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
  std::string bytes(entries.size() * kControlEntryBytes, '\0');
  char* to = bytes.data();
  for (const ControlEntry& entry : entries) {
    EncodeEntryHead({.kind = entry.kind,
                     .partition = entry.partition,
                     .segment_base = entry.segment_base,
                     .position = entry.position,
                     .size = sizeof(int64_t)},
                    to);
    StoreLittle(to + kEntryHeadBytes, entry.offset.value());
    to += kControlEntryBytes;
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
