// MemberFleet: the processes that are members of consumer groups: started, made to leave, killed
// with -9. A thread takes what they report into a ledger. Killed with this object. One thread.
#ifndef WEIR_TESTS_FAULT_MEMBER_FLEET_H_
#define WEIR_TESTS_FAULT_MEMBER_FLEET_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/consumption_ledger.h"
#include "tests/support/sim_random.h"
#include "weir/client.h"

namespace weir {

// The groups, each of another kind.
struct MemberGroup {
  enum class Kind { kConsumer, kStatic, kStream };
  std::string name;
  Kind kind = Kind::kConsumer;
  // Its members that are killed lose their places soon; otherwise none of them loses its place,
  // and only static members are killed, which get theirs back.
  bool short_session = false;
};

class MemberFleet {
 public:
  // `program`: of member_process.h. All outlive the fleet.
  MemberFleet(std::string program, std::string address, std::string topic,
              ConsumptionLedger* ledger);
  ~MemberFleet();
  MemberFleet(const MemberFleet&) = delete;

  // Four groups, one of each kind and one with ranges.
  static const std::vector<MemberGroup>& Groups();
  // Makes them, and starts two members of each.
  absl::Status Begin(const Client& client);

  // Some member is killed, leaves, or joins. The broker runs, or nobody leaves.
  void Change(SimRandom* random, bool broker_runs) ABSL_LOCKS_EXCLUDED(mu_);
  // Every member leaves.
  void LeaveAll() ABSL_LOCKS_EXCLUDED(mu_);
  // Returns when everything that was reported by now is in the ledger.
  void Sync() ABSL_LOCKS_EXCLUDED(mu_);

  int64_t kills() const { return kills_; }
  int64_t leaves() const { return leaves_; }

 private:
  struct Process {
    int64_t number = 0;
    const MemberGroup* group = nullptr;
    std::string instance_id;
    pid_t pid = -1;
    int input = -1;  // closing it makes the member leave
  };

  void Start(const MemberGroup& group, const std::string& instance_id);
  void Kill(size_t index);
  void Leave(size_t index);
  // Waits for its end and its last report.
  void TakeAway(size_t index);
  void ReadReports() ABSL_LOCKS_EXCLUDED(mu_);

  const std::string program_;
  const std::string address_;
  const std::string topic_;
  ConsumptionLedger* const ledger_;
  std::vector<Process> processes_;
  int64_t last_number_ = 0;
  int64_t last_mark_ = 0;
  int64_t kills_ = 0;
  int64_t leaves_ = 0;
  int reports_ = -1;       // the end that is read
  int reports_back_ = -1;  // the one that members write to
  absl::Mutex mu_;
  int64_t mark_ ABSL_GUARDED_BY(mu_) = 0;  // the last that was read
  std::thread reader_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MEMBER_FLEET_H_
