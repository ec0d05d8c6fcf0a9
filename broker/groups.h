// Groups: the broker's consumer groups with all that keeps them: the shards, the state store with
// its snapshots, the members' sessions, and the threads they need. It builds and takes apart, and
// decides nothing. Start, Stop and the destructor by one thread.
#ifndef WEIR_BROKER_GROUPS_H_
#define WEIR_BROKER_GROUPS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/group/catalog_topic_view.h"
#include "broker/group/group_shards.h"
#include "broker/rpc/group_sessions.h"
#include "broker/runtime/state_keeper.h"
#include "broker/runtime/timer_queue.h"
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
    TimerQueue* timers = nullptr;
    Clock* clock = nullptr;
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
  GroupSessions* sessions() { return sessions_.get(); }

  // Nobody asks any more; what was decided is durable, and in the store, when this returns. Once.
  void Stop();

 private:
  explicit Groups(const Options& options);
  absl::Status Load(const Options& options, StateNotes* notes);

  CatalogTopicView topics_;
  ThreadExecutor executor_;
  std::unique_ptr<GroupSessions> sessions_;
  std::unique_ptr<StateKeeper> keeper_;
  std::unique_ptr<GroupShards> shards_;
  bool stopped_ = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUPS_H_
