#include "storage/log/log_starts.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/log/journal_format.h"

namespace weir {

LogStarts::LogStarts(Committer* committer, Executor* completions, Remove remove)
    : committer_(committer), completions_(completions), remove_(std::move(remove)) {}

void LogStarts::Add(std::shared_ptr<PartitionLog> log, Offset start, Done done) {
  Request request{.log = std::move(log), .start = start, .done = std::move(done)};
  {
    absl::MutexLock lock(&mu_);
    if (waiting_.size() < limits::kWaitingLogStarts) {
      waiting_.push_back(std::move(request));
      if (queued_) return;
      queued_ = true;
    }
  }
  if (request.log == nullptr) return Queue();
  Answer(std::move(request),
         MakeError(Reason::kTooManyRequests,
                   absl::StrCat("more than ", limits::kWaitingLogStarts, " log starts wait"),
                   absl::Seconds(1)));
}

void LogStarts::Queue() {
  committer_->Run([this](Committer&) { return MoveSome(); });
}

void LogStarts::Answer(Request request, absl::StatusOr<Offset> result) {
  completions_->Post([done = std::move(request.done), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

std::vector<LogStarts::Request> LogStarts::Take() {
  std::vector<Request> taken;
  absl::flat_hash_set<const PartitionLog*> logs;
  absl::MutexLock lock(&mu_);
  // One of each log: the second is planned when the first has moved.
  while (!waiting_.empty() && taken.size() < limits::kLogStartsPerRound &&
         logs.insert(waiting_.front().log.get()).second) {
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return taken;
}

bool LogStarts::MoveSome() {
  std::vector<Move> moves;
  std::vector<ControlEntry> entries;
  for (Request& request : Take()) {
    absl::Status refused = request.log->CheckLogStart(request.start);
    // What is held shows its own move, and the appends that belong to it, first.
    if (refused.ok() && request.log->writer().held()) refused = request.log->CheckAppendable();
    if (!refused.ok()) {
      Answer(std::move(request), refused);
      continue;
    }
    const std::optional<LogWriter::LogStart> plan =
        request.log->writer().PlanLogStart(request.start);
    if (!plan.has_value()) {
      const Offset start = request.log->log_start();
      Answer(std::move(request), start);
      continue;
    }
    entries.push_back({.kind = EntryKind::kLogStart,
                       .partition = request.log->id(),
                       .segment_base = plan->segment_base,
                       .position = plan->position,
                       .offset = plan->start});
    moves.push_back({std::move(request), *plan});
  }
  const absl::StatusOr<bool> committed =
      entries.empty() ? absl::StatusOr<bool>(true) : committer_->CommitControls(entries);
  if (committed.ok() && !*committed) {
    absl::MutexLock lock(&mu_);
    while (!moves.empty()) {
      waiting_.push_front(std::move(moves.back().request));
      moves.pop_back();
    }
    return false;
  }
  for (Move& move : moves) {
    if (committed.ok()) {
      remove_(move.request.log->writer().ApplyLogStart(move.plan));
      committer_->NoteChanged(move.request.log);
      Answer(std::move(move.request), move.plan.start);
    } else {
      Answer(std::move(move.request), committed.status());
    }
  }
  {
    absl::MutexLock lock(&mu_);
    queued_ = !waiting_.empty();
    if (!queued_) return true;
  }
  Queue();  // behind the produces that wait
  return true;
}

}  // namespace weir
