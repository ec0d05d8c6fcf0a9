// ShareWorkload: jobs of two share groups (one with order=key) and workers that are handed them,
// finish, fail, are cut off and come back; dead letters that are written and driven again;
// retention, commands, topics that go and come. The same for the same seed. One thread.
#ifndef WEIR_TESTS_FAULT_SHARE_WORKLOAD_H_
#define WEIR_TESTS_FAULT_SHARE_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/share_disk_world.h"
#include "tests/support/sim_random.h"

namespace weir {

class ShareWorkload {
 public:
  // `world` is open. An earlier workload on the same jobs had a lower `life`.
  ShareWorkload(ShareDiskWorld* world, uint64_t seed, int life = 0);

  // One thing that somebody does. Its answer comes with a later Pump(), or this one.
  void Step();
  // No more trouble, until every job is done. False: some never were.
  bool Calm();

 private:
  struct Worker {
    ShareSessionId session;
    bool connected = true;
    std::vector<HeldJobs> batches;
  };

  // The share-partitions of a machine are those of the job topic's partition with its number.
  static size_t MachineOf(const SharePartitionId& id) {
    return static_cast<size_t>(id.partition.partition.value());
  }
  const SharePartitionId& AnyPlace() { return places_[random_.Below(places_.size())]; }
  FakeJobLog& JobsOf(const SharePartitionId& id) { return world_.jobs()[id.partition]; }

  void Open();
  void Produce();
  void ActOn(Worker* worker);
  void Acquire(Worker* worker, const SharePartitionId& id, int64_t jobs);
  void Finish(Worker* worker, bool accept);
  void Send(const HeldJobs& batch, AckOutcome outcome);
  // Of its session, to every machine.
  void Break(Worker* worker);
  void Resume(Worker* worker);
  void Close(Worker* worker);
  void StartAnew(Worker* worker);

  void WriteLetters(const SharePartitionId& id);
  void Redrive(size_t machine);
  void Expire(const SharePartitionId& id);
  void Command();
  void Reset(const SharePartitionId& id);

  ShareDiskWorld& world_;
  SimRandom random_;
  std::vector<SharePartitionId> places_;
  std::vector<Worker> workers_;
  uint64_t last_session_ = 0;
  // Where the machine could use a scan of the jobs.
  std::map<SharePartitionId, Offset> scan_from_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_SHARE_WORKLOAD_H_
