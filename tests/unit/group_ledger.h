// GroupLedger: what a machine of consumer groups has promised, kept by what it writes and answers:
// who is a member and may be removed when, who has which partition since when, and what is
// committed. It says what was wrong first. One thread.
#ifndef WEIR_TESTS_UNIT_GROUP_LEDGER_H_
#define WEIR_TESTS_UNIT_GROUP_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "tests/support/group_world.h"

namespace weir {

// What the broker must think of a member.
struct Seat {
  bool present = false;
  bool may_go = false;  // it leaves, or another process takes its instance id
  bool fenced = false;  // for not giving up in time: what its process thinks does not count
  SessionId session;    // 0: it is away
  absl::Duration joined_at;
  std::optional<absl::Duration> away_since;
  std::optional<absl::Duration> asked_since;
  std::map<TopicPartition, MemberEpoch> since;  // what it has

  void GoAway(absl::Duration now) {
    session = SessionId{0};
    if (!away_since.has_value()) away_since = now;
  }
  void Join(SessionId with, absl::Duration now) {
    session = with;
    joined_at = now;
    away_since = std::nullopt;
  }
};

class GroupLedger {
 public:
  // `world` outlives the ledger.
  explicit GroupLedger(const GroupWorld* world) : world_(world) {}

  // By member id, which is unique over all groups.
  std::map<std::string, Seat>& seats() { return seats_; }
  int64_t Committed(const std::string& group, const TopicPartition& partition) const;
  bool Exists(const TopicPartition& partition) const;
  // "topic:partition".
  std::string Name(const TopicPartition& partition) const;

  void OnRecord(const InternalRecord& record);
  void OnSessionsDropped();
  // Whether a commit is answered as it must be, now that it is.
  bool MustTake(const std::string& group, const std::string& member, const OffsetCommit& commit,
                MemberEpoch epoch) const;
  // Offsets are those that were committed, no more and no less. Looks only when some were written
  // since, or `always`.
  void CheckOffsets(bool always);

  void Wrong(const std::string& what);
  const std::string& wrong() const { return wrong_; }

 private:
  absl::Duration Now() const { return world_->now().monotonic; }
  void OnMember(const Member& member);
  void OnRemoved(const std::string& member);

  const GroupWorld* const world_;
  std::map<std::string, Seat> seats_;
  std::map<std::pair<std::string, TopicPartition>, int64_t> committed_;  // by group
  bool offsets_changed_ = false;
  std::string wrong_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_GROUP_LEDGER_H_
