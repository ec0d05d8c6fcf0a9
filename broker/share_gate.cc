#include "broker/share_gate.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

absl::Status Pending(const SharePartitionId& id, Offset to, int64_t jobs) {
  return MakeError(
      Reason::kJobsPending,
      absl::StrCat("dead letters of ", jobs, " jobs of group '", id.group, "' before offset ",
                   to.value(), " are still to be written; the log keeps the jobs until they are"),
      absl::Milliseconds(limits::kExpirePauseMs));
}

// The group reads the partition no more: nothing holds it.
bool IsGone(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return reason == Reason::kUnknownGroup || reason == Reason::kUnknownPartition;
}

}  // namespace

struct ShareGate::Gathering {
  absl::Mutex mu;
  size_t missing ABSL_GUARDED_BY(mu) = 0;
  absl::Status status ABSL_GUARDED_BY(mu);  // the first that is not OK
  absl::AnyInvocable<void(const absl::Status&)> done;

  void Answer(const absl::Status& answer) {
    absl::Status all;
    {
      absl::MutexLock lock(&mu);
      status.Update(answer);
      if (--missing > 0) return;
      all = status;
    }
    done(all);
  }
};

void ShareGate::Stop() {
  absl::MutexLock lock(&mu_);
  shares_ = nullptr;
  pending_.clear();
}

void ShareGate::Clear(const TopicPartition& partition, Offset to,
                      absl::AnyInvocable<void(const absl::Status&)> done) {
  const std::vector<std::string> readers = groups_->ReadersOf(partition);
  if (readers.empty()) return done(absl::OkStatus());
  const auto all = std::make_shared<Gathering>();
  {
    absl::MutexLock lock(&all->mu);
    all->missing = readers.size();
  }
  all->done = std::move(done);
  absl::ReleasableMutexLock lock(&mu_);
  if (shares_ == nullptr) {
    lock.Release();
    for (size_t i = 0; i < readers.size(); ++i)
      all->Answer(MakeError(Reason::kShuttingDown, "the broker is stopping"));
    return;
  }
  for (const std::string& group : readers) {
    const SharePartitionId id{group, partition};
    Ask(id, to, [gate = shared_from_this(), all, id, to](const absl::StatusOr<int64_t>& left) {
      if (!left.ok()) return all->Answer(IsGone(left.status()) ? absl::OkStatus() : left.status());
      if (*left == 0) return all->Answer(absl::OkStatus());
      gate->GoOn(id, to);
      all->Answer(Pending(id, to, *left));
    });
  }
}

void ShareGate::Ask(const SharePartitionId& id, Offset to, Reply<int64_t> reply) {
  shares_->Ask<int64_t>(
      shares_->PartitionOf(id),
      [id, to](ShareMachine& machine, const MachineTime& now, Reply<int64_t> answer) {
        return machine.admin().ExpireBelow(now, id, to, std::move(answer));
      },
      std::move(reply));
}

void ShareGate::GoOn(const SharePartitionId& id, Offset to) {
  absl::MutexLock lock(&mu_);
  if (shares_ == nullptr) return;
  const auto [at, is_new] = pending_.try_emplace(id, to);
  at->second = std::max(at->second, to);
  if (!is_new) return;  // its timer runs
  timers_->Add(timers_->Now() + absl::Milliseconds(limits::kExpirePauseMs),
               [gate = shared_from_this(), id] { gate->OnTimer(id); });
}

void ShareGate::OnTimer(const SharePartitionId& id) {
  absl::MutexLock lock(&mu_);
  const auto found = pending_.find(id);
  if (shares_ == nullptr || found == pending_.end()) return;
  const Offset to = found->second;
  pending_.erase(found);
  // After an error whoever wants the log to go asks anew.
  Ask(id, to, [gate = shared_from_this(), id, to](const absl::StatusOr<int64_t>& left) {
    if (left.ok() && *left > 0) gate->GoOn(id, to);
  });
}

}  // namespace weir
