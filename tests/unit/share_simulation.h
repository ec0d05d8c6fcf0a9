// ShareSimulation: workers that crash, are cut off, are slow, come back too late and lie,
// producers, a writer of dead letters whose topic refuses them at times, retention, people who
// cancel jobs, a clock that jumps, a broker that restarts or cannot write, all from one seed;
// ShareLedger holds what must be. When the world is calm every job is soon done, one way. One
// thread.
#ifndef WEIR_TESTS_UNIT_SHARE_SIMULATION_H_
#define WEIR_TESTS_UNIT_SHARE_SIMULATION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/share_world.h"
#include "tests/support/sim_random.h"
#include "tests/unit/share_ledger.h"

namespace weir {

class ShareSimulation {
 public:
  explicit ShareSimulation(uint64_t seed);

  // `actions` things happen, then calm. Empty when all held; otherwise what was wrong first.
  std::string Run(int actions);

 private:
  struct Worker {
    ShareSessionId session;
    bool connected = true;
    absl::Duration broke_at;
    std::vector<HeldJobs> batches;
    std::vector<HeldJobs> old;  // that it gave up, or was told are lost
  };

  void Act();
  void ActOn(Worker* worker);
  void Produce();
  void TroubleBroker();
  void Administrate();
  void ChangeGroup();

  void Acquire(Worker* worker, const SharePartitionId& id, int64_t jobs);
  // The worker is done with some of what it has.
  void Finish(Worker* worker, bool accept);
  // It says what it should not: too late, of other jobs, with tokens that were never given.
  void Lie(Worker* worker);
  void Send(const AcknowledgeRequest& request);
  void Renew(Worker* worker);
  void Break(Worker* worker);
  void ComeBack(Worker* worker);
  void Close(Worker* worker);
  void StartAnew(Worker* worker);
  // Sessions that were not resumed in time are over.
  void NoteTimeouts();

  void WriteLetters(const SharePartitionId& id);
  void Expire(const SharePartitionId& id);
  void Calm();
  // Every job is counted once, by what it is.
  void CheckCounts();
  void Restart();

  const SharePartitionId& AnyPartition() { return ids_[random_.Below(ids_.size())]; }

  SimRandom random_;
  ShareWorld world_;
  ShareLedger ledger_{&world_};
  ShareSettings settings_;
  std::vector<SharePartitionId> ids_;
  std::vector<std::unique_ptr<Worker>> workers_;
  uint64_t last_session_ = 0;
  int64_t newest_ = 0;     // counter of a token,
  int64_t forgotten_ = 0;  // and when the locks were forgotten last
  bool calm_ = false;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_SHARE_SIMULATION_H_
