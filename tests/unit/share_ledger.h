// ShareLedger: what a machine of share groups has promised, kept by what it writes and answers: who
// holds which job until when, how its attempts ended, and what came of it. It says what was wrong
// first:
// - a job moves as the table of delivery_state.h says, and no other way;
// - a job is done once, and after that nobody is handed it;
// - no job has two holders, and a session that holds one alone holds nothing else;
// - attempts are counted as they end, and are never more than the group allows;
// - nobody is handed a job before its time, or while the group is paused, or beyond max.in.flight;
// - with order=key no two jobs of a key are held at a time, and those that never waited for a time
//   are done in the order of their offsets;
// - a dead letter is written once, in the append in which its job dies.
// One thread.
#ifndef WEIR_TESTS_UNIT_SHARE_LEDGER_H_
#define WEIR_TESTS_UNIT_SHARE_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "broker/share/share_records.h"
#include "tests/support/share_world.h"

namespace weir {

enum class Fate : uint8_t { kUnfinished, kAccepted, kDead, kCancelled, kGone };

struct JobAccount {
  Fate fate = Fate::kUnfinished;
  // As records have parked it last; nothing: it was never parked.
  std::optional<ParkedJob> parked;
  std::string last_ending;
  int64_t letters = 0;
  int64_t handed_out = 0;
  int64_t forgotten = 0;  // holders that a reload has forgotten
  // Its holder by the broker's locks.
  LockToken holder;  // counter 0: nobody
  ShareSessionId session;
  absl::Duration until;
};

class ShareLedger {
 public:
  // `world` outlives the ledger.
  explicit ShareLedger(ShareWorld* world) : world_(world) {}

  // Says of the share-partition with which number it is.
  void OnRecord(const InternalRecord& record);
  // A letter of the job is part of the append that follows.
  void OnLetter(const SharePartitionId& id, Offset job);
  void OnAcquired(const SharePartitionId& id, ShareSessionId session, bool idle,
                  const Acquired& acquired);
  // About to be sent, and answered.
  void OnAcknowledging(const AcknowledgeRequest& request);
  void OnAcknowledged(const AcknowledgeRequest& request, const std::vector<AckResult>& results);
  void OnRenewed(const RenewRequest& request, const Renewed& renewed);
  // Between the two a session is closed in order.
  void OnClosing() { closing_ = true; }
  void OnClosed() { closing_ = false; }
  void OnSessionEnded(ShareSessionId session);
  void OnLocksForgotten();

  const JobAccount& Of(const SharePartitionId& id, Offset job) { return Account(id, job); }
  bool Holds(ShareSessionId session) const;
  // Every job of the log is done, by one way.
  void CheckAllDone(const SharePartitionId& id);

  void Wrong(const std::string& what);
  const std::string& wrong() const { return wrong_; }

 private:
  using Jobs = std::map<Offset, JobAccount>;

  JobAccount& Account(const SharePartitionId& id, Offset job) { return jobs_[id][job]; }
  const FakeJobLog::Record& Record(const SharePartitionId& id, Offset job);
  absl::Duration Now() const { return world_->now().monotonic; }
  std::string Name(const SharePartitionId& id, Offset job) const;
  bool IsHeld(const JobAccount& account) const;
  bool IsInOrder(const SharePartitionId& id, Offset job);

  // The job goes where a record says.
  void CheckMove(const SharePartitionId& id, Offset job, JobState to);
  void OnFinished(const SharePartitionId& id, const JobsFinished& finished);
  void OnParked(const SharePartitionId& id, const JobsParked& parked);
  void Done(const SharePartitionId& id, Offset job, Fate fate);
  void CheckHandedOut(const SharePartitionId& id, Offset job, const AcquiredJobs& jobs,
                      const ShareSettings& settings);
  // What the answer for a job must be, by how it was before.
  void CheckAnswer(const SharePartitionId& id, Offset job, const AckItem& item, AckCode code);
  void CheckKey(const SharePartitionId& id, Offset job);
  void CheckInFlight(const SharePartitionId& id, const ShareSettings& settings);

  ShareWorld* const world_;
  std::map<int64_t, SharePartitionId> by_number_;
  std::map<SharePartitionId, Jobs> jobs_;
  bool closing_ = false;
  Jobs before_;                                            // those of the acknowledgement under way
  std::set<std::pair<SharePartitionId, Offset>> letters_;  // of the append that follows
  std::string wrong_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_SHARE_LEDGER_H_
