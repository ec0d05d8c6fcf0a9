// ConsumptionLedger: what the members of consumer groups have seen, committed and given up, by
// their own reports, and what of it can be right. It says what was wrong first:
// - a member begins where its group has committed: never before what was acknowledged (or shown to
//   anybody), never behind what was asked for; then it sees record after record;
// - no group passes over a record;
// - a member that has given a partition up, and has lost nothing, did not go on using it when the
//   next one had begun.
// Any thread; guarded by mu_.
#ifndef WEIR_TESTS_FAULT_CONSUMPTION_LEDGER_H_
#define WEIR_TESTS_FAULT_CONSUMPTION_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/member_report.h"
#include "weir/client.h"

namespace weir {

class ConsumptionLedger {
 public:
  using Offsets = std::map<std::string, std::map<int32_t, int64_t>>;  // by group, then partition
  // What a broker must go on to say, whatever becomes of it.
  struct Promise {
    Offsets committed;
    std::map<std::string, std::set<std::string>> members;  // those that are certainly there
  };

  // A process begins. `stays`: its place is kept far longer than anything here takes.
  void Start(int64_t member, const std::string& group, bool stays) ABSL_LOCKS_EXCLUDED(mu_);
  // It is gone, and its last report was taken.
  void NoteDead(int64_t member) ABSL_LOCKS_EXCLUDED(mu_);
  void Take(const MemberReport& report) ABSL_LOCKS_EXCLUDED(mu_);

  Promise promised() const ABSL_LOCKS_EXCLUDED(mu_);
  // The furthest that anybody has asked to be committed.
  Offsets asked() const ABSL_LOCKS_EXCLUDED(mu_);
  // Asks a broker for the groups; it must not have forgotten what was promised before. Empty when
  // all is right; `shown` gets what it says.
  static std::string Describe(const Client& client, const std::string& topic, const Promise& before,
                              Promise* shown);
  // What is committed was asked for. Empty when it was.
  static std::string NobodyAsked(const Offsets& committed, const Offsets& asked);
  // Somebody was shown this: it must not be undone, and nobody may be shown what nobody asked for.
  // All reports that were written before the answer have been taken.
  void NoteShown(const Promise& shown) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until every group has committed all of these, by partition, or something is wrong.
  void AwaitCommitted(const std::map<int32_t, int64_t>& ends) const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until `group` has committed something more, or something is wrong.
  void AwaitProgress(const std::string& group) const ABSL_LOCKS_EXCLUDED(mu_);

  struct Totals {
    int64_t seen = 0;  // records, as often as they were
    int64_t commits = 0;
    int64_t begins = 0;
    int64_t lost = 0;
  };
  Totals totals() const ABSL_LOCKS_EXCLUDED(mu_);
  // Empty when nothing was.
  std::string wrong() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // How a member uses a partition.
  struct Use {
    std::optional<int64_t> next;  // nothing: it has seen none of it yet
    bool overtaken = false;       // another member has begun since,
    bool goes_on = false;         // and it went on
  };
  struct Place {
    int64_t seen = 0;       // all records below it
    int64_t committed = 0;  // acknowledged, or shown
    int64_t asked = 0;
    std::map<int64_t, Use> users;  // by process
  };
  struct Group {
    std::map<int32_t, Place> places;  // by partition
    int64_t commits = 0;
  };
  struct Process {
    std::string group;
    bool stays = false;
    std::string member_id;
  };

  void TakeSaw(const MemberReport& report, const std::string& who, Place* place)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wrong(const std::string& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, Group> groups_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, Process> processes_ ABSL_GUARDED_BY(mu_);
  Totals totals_ ABSL_GUARDED_BY(mu_);
  std::string wrong_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_CONSUMPTION_LEDGER_H_
