// ShareGroupAdmin: makes share groups and the topics that belong to them. The topic is made first,
// then the record that says whose it is: a crash in between leaves an empty topic, which the same
// call takes the next time. Topics outlive their group: what they hold is data. Waits for the disk
// and for the machines of groups: not on a strand. Any thread; one call at a time, guarded by mu_.
#ifndef WEIR_BROKER_GROUP_SHARE_GROUP_ADMIN_H_
#define WEIR_BROKER_GROUP_SHARE_GROUP_ADMIN_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/group_requests.h"
#include "broker/group/group_shards.h"
#include "broker/group/share_heads.h"
#include "broker/group/topic_view.h"
#include "broker/topics/topic_catalog.h"
#include "storage/log/log_manager.h"

namespace weir {

class ShareGroupAdmin {
 public:
  // All outlive this.
  struct Options {
    GroupShards* groups = nullptr;
    const ShareHeads* heads = nullptr;
    const TopicView* topics = nullptr;
    TopicCatalog* catalog = nullptr;
    LogManager* logs = nullptr;
  };
  explicit ShareGroupAdmin(const Options& options) : options_(options) {}

  // With its dead-letter topic: one partition, retention 30 days, and room for what the group reads
  // with the headers of a dead letter. A topic of the name is taken when it is no other group's,
  // and is empty or holds dead letters of a group of this id; otherwise TOPIC_EXISTS. Errors of
  // GroupAdmin::Create and TopicCatalog::Create. COMMIT_UNCERTAIN: say it again, and GROUP_EXISTS
  // means that it had happened.
  absl::Status Create(CreateGroupRequest request) ABSL_LOCKS_EXCLUDED(mu_);

  // The group's dead-letter topic; when somebody has deleted it, made anew as by Create.
  // UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, and as above.
  absl::StatusOr<TopicPtr> RequireDeadLetterTopic(const std::string& group)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The topic to which dead letters that came from `source` are driven, made if there is none; one
  // that is such a topic of the group is its own. One of the name that is not the group's is taken
  // when it is empty. Errors as above, INVALID_TOPIC_NAME when the name would be too long.
  absl::StatusOr<TopicPtr> RequireRedriveTopic(const std::string& group, const std::string& source)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Contents { kNothing, kDeadLetters, kSomething };

  absl::StatusOr<GroupHead> HeadOf(const std::string& group) const;
  // A topic for the group: the one of the name, or a new one.
  absl::StatusOr<TopicPtr> TakeTopic(const std::string& name, const std::string& group,
                                     bool with_dead_letters, int64_t max_message_bytes);
  absl::StatusOr<TopicPtr> TakeDeadLetterTopic(const GroupHead& head);
  // What the topic holds, as seen by the group.
  absl::StatusOr<Contents> ContentsOf(const Topic& topic, const std::string& group) const;
  int64_t MaxMessageBytes(TopicId topic) const;

  const Options options_;
  absl::Mutex mu_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SHARE_GROUP_ADMIN_H_
