// ShareGroups: the directory of share groups. It puts together what the machines of groups publish
// and which topics there are, has every partition that a group reads opened in the machine of its
// share-partition, and removed there when the group does not read it any more or is gone. Any
// thread; guarded by mu_, under which machines may be asked but no answer comes.
#ifndef WEIR_BROKER_SHARE_GROUPS_H_
#define WEIR_BROKER_SHARE_GROUPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/share_group_admin.h"
#include "broker/group/share_heads.h"
#include "broker/group/topic_view.h"
#include "broker/runtime/periodic_task.h"
#include "broker/runtime/timer_queue.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_shards.h"
#include "storage/base/executor.h"

namespace weir {

class ShareGroups : public ShareDirectory {
 public:
  // `topics` outlives this. `shards`: the number of internal partitions.
  ShareGroups(const TopicView* topics, int32_t shards);
  ~ShareGroups() override;

  // Where the machines of groups publish.
  ShareHeads* heads() { return &heads_; }

  // All machines are loaded and have published: share-partitions are opened and, where nobody reads
  // them any more, removed from now on. What is named outlives Stop(). Once.
  void Start(ShareShards* shares, ShareGroupAdmin* admin, TimerQueue* timers, Executor* executor)
      ABSL_LOCKS_EXCLUDED(mu_);
  // No machine is asked any more. Once, also when Start never came.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Topics were created, deleted or extended: groups follow within a second or two.
  void NoteTopicsChanged() ABSL_LOCKS_EXCLUDED(mu_);
  // The machine of share-partitions of this internal partition was loaded (again): an order to it
  // may have been lost.
  void NoteLoaded(PartitionIndex shard) ABSL_LOCKS_EXCLUDED(mu_);

  // Groups that have the partition open.
  std::vector<std::string> ReadersOf(const TopicPartition& partition) const
      ABSL_LOCKS_EXCLUDED(mu_);

  std::shared_ptr<const ShareGroup> FindGroup(absl::string_view group) const override
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<std::shared_ptr<const ShareGroup>> AllGroups() const override
      ABSL_LOCKS_EXCLUDED(mu_);
  void AddListener(Listener listener) override ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitOpen(absl::string_view group) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<ShareTopic> RequireDeadLetterTopic(const std::string& group) override;
  absl::StatusOr<ShareTopic> RequireRedriveTopic(const std::string& group,
                                                 const std::string& topic) override;

 private:
  // Of a share-partition that shall be open.
  struct Opening {
    enum class State { kOpening, kOpen, kFailed } state = State::kOpening;
    int64_t ticket = 0;       // of the order that is under way
    bool has_failed = false;  // and somebody was told
  };
  struct Entry {
    ShareHeadPtr head;
    // As it shall be: all that the topics have, open or not.
    ShareGroup wanted;
    absl::flat_hash_map<TopicPartition, Opening> partitions;
    int64_t opening = 0;  // how many of them are under way
    std::shared_ptr<const ShareGroup> published;
  };

  // The group is, or is not, as it was published or as topics are.
  void Refresh(const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);
  void RefreshAll() ABSL_LOCKS_EXCLUDED(mu_);
  ShareGroup Wanted(const ShareHead& head) const;
  // Each gives whether what is published has changed.
  bool Update(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Publish(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsOpen(const Entry& entry, const TopicPartition& partition) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OpenWanted(const std::string& group, Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Open(const std::string& group, Entry* entry, const TopicPartition& partition, Offset start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnOpened(const SharePartitionId& id, int64_t ticket, const absl::Status& opened)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(const std::string& group, const TopicPartition& partition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Removes what the machine has and nobody wants.
  void Sweep(PartitionIndex shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnSwept(const std::vector<SharePartitionId>& found) ABSL_LOCKS_EXCLUDED(mu_);
  void Tell(const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<ShareTopic> Opened(const std::string& group,
                                    const absl::StatusOr<TopicPtr>& topic);

  const TopicView* const topics_;
  ShareHeads heads_;
  ShareGroupAdmin* admin_ = nullptr;      // set by Start
  std::unique_ptr<PeriodicTask> follow_;  // likewise; topics, and what could not be opened

  mutable absl::Mutex mu_;
  ShareShards* shares_ ABSL_GUARDED_BY(mu_) = nullptr;  // null: before Start, after Stop
  absl::btree_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<TopicPartition, absl::btree_set<std::string>> readers_ ABSL_GUARDED_BY(mu_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mu_);
  bool look_again_ ABSL_GUARDED_BY(mu_) = false;
  int64_t last_ticket_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_GROUPS_H_
