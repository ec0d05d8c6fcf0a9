// GroupSessions: the open streams of members of groups, by session, so that what a machine tells a
// member finds its stream. Any thread. Guarded by one lock for each internal partition, under which
// the streams are called.
#ifndef WEIR_BROKER_RPC_GROUP_SESSIONS_H_
#define WEIR_BROKER_RPC_GROUP_SESSIONS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/group_requests.h"
#include "storage/base/types.h"

namespace weir {

// What hears notices. Must not wait, and not enter or leave the sessions.
class GroupStream {
 public:
  virtual ~GroupStream() = default;
  virtual void OnNotice(const Notice& notice) = 0;
  // The machine was loaded anew and knows the session no more.
  virtual void OnDropped() = 0;
};

class GroupSessions {
 public:
  // `partitions`: of the internal topic.
  explicit GroupSessions(int32_t partitions);

  // What the machine of the partition tells.
  GroupListener* listener(PartitionIndex partition) { return &PartOf(partition); }

  // A number that never was before.
  SessionId Enter(PartitionIndex partition, GroupStream* stream);
  // After it returns the stream is not being called and will not be.
  void Leave(PartitionIndex partition, SessionId session);

 private:
  class Part : public GroupListener {
   public:
    void OnNotice(const Notice& notice) override ABSL_LOCKS_EXCLUDED(mu_);
    void OnSessionsDropped() override ABSL_LOCKS_EXCLUDED(mu_);
    void Add(SessionId session, GroupStream* stream) ABSL_LOCKS_EXCLUDED(mu_);
    void Remove(SessionId session) ABSL_LOCKS_EXCLUDED(mu_);

   private:
    absl::Mutex mu_;
    absl::flat_hash_map<SessionId, GroupStream*> streams_ ABSL_GUARDED_BY(mu_);
  };

  Part& PartOf(PartitionIndex partition) { return *parts_[static_cast<size_t>(partition.value())]; }

  std::vector<std::unique_ptr<Part>> parts_;
  std::atomic<uint64_t> last_session_{0};
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GROUP_SESSIONS_H_
