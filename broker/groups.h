// Groups: the broker's groups with all that keeps them: the shards with the machines of groups and
// of share-partitions, the state store with its snapshots, the members' sessions, the directory of
// share groups, and the threads they need. It builds and takes apart, and
// decides nothing. Start, Stop and the destructor by one thread.
#ifndef WEIR_BROKER_GROUPS_H_
#define WEIR_BROKER_GROUPS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/combined_machine.h"
#include "broker/group/catalog_topic_view.h"
#include "broker/group/group_shards.h"
#include "broker/group/share_group_admin.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition_manager.h"
#include "broker/rpc/group_sessions.h"
#include "broker/rpc/worker_sessions.h"
#include "broker/runtime/state_keeper.h"
#include "broker/runtime/timer_queue.h"
#include "broker/share/dead_letter_writer.h"
#include "broker/share/letter_shards.h"
#include "broker/share/share_shards.h"
#include "broker/share_breaker.h"
#include "broker/share_events.h"
#include "broker/share_gate.h"
#include "broker/share_groups.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/log/log_manager.h"

namespace weir {

class Groups {
 public:
  // All outlive this.
  struct Options {
    FileSystem* file_system = nullptr;
    std::string data_directory;
    TopicCatalog* catalog = nullptr;
    LogManager* logs = nullptr;
    PartitionManager* partitions = nullptr;
    Executor* disk = nullptr;       // reads that wait for a disk
    MemoryShare* memory = nullptr;  // for records of jobs that die
    TimerQueue* timers = nullptr;
    Clock* clock = nullptr;
    LeaderEpoch leader_epoch;           // of this start
    std::function<uint64_t()> random;   // any 64 bits; any thread
    std::function<bool()> disk_is_low;  // any thread
    // Called once, on any thread: the state store has failed, and is not written any more.
    std::function<void(const absl::Status&)> on_failure;
  };

  // Finds the state and loads every group. What was out of order with the state goes to `notes`,
  // a line each. DATA_LOSS: see RecoverState and Shard::Load; otherwise the disk's errors.
  static absl::StatusOr<std::unique_ptr<Groups>> Start(const Options& options, StateNotes* notes);
  // Stops if Stop was not called.
  ~Groups();

  GroupShards* shards() { return shards_.get(); }
  const TopicView& topics() const { return topics_; }
  GroupSessions* sessions() { return sessions_.get(); }
  ShareShards* shares() { return shares_.get(); }
  WorkerSessions* workers() { return workers_.get(); }
  ShareGroups* share_directory() { return share_directory_.get(); }
  ShareGroupAdmin* share_admin() { return share_admin_.get(); }
  LogStartGate* log_starts() { return gate_.get(); }

  // Nobody asks any more; what was decided is durable, and in the store, when this returns. Once.
  void Stop();

 private:
  explicit Groups(const Options& options);
  absl::Status Load(const Options& options, StateNotes* notes);
  void MakeShares(const Options& options, int32_t partitions);
  absl::Status LoadShards(const Options& options, const TopicPtr& topic);
  void PauseByBreaker(const std::string& group, int64_t incarnation);

  CatalogTopicView topics_;
  ThreadExecutor executor_;
  std::unique_ptr<GroupSessions> sessions_;
  std::unique_ptr<StateKeeper> keeper_;
  std::unique_ptr<ShareGroups> share_directory_;
  std::unique_ptr<ShareBreaker> breaker_;
  std::unique_ptr<WorkerSessions> workers_;
  std::vector<std::unique_ptr<ShareEvents>> share_events_;  // by internal partition
  std::unique_ptr<ShareShards> shares_;
  std::unique_ptr<LetterShards> letter_shards_;
  std::unique_ptr<DeadLetterWriter> writer_;
  std::vector<std::unique_ptr<CombinedMachine>> machines_;  // by internal partition
  std::unique_ptr<GroupShards> shards_;
  std::unique_ptr<ShareGroupAdmin> share_admin_;
  std::shared_ptr<ShareGate> gate_;
  bool stopped_ = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUPS_H_
