// ShareDirectory: the share groups of the broker as those see them who serve workers: how each is
// set, which partitions it reads now, and where its dead letters go. What it says of a group is
// durable. It decides nothing about jobs.
#ifndef WEIR_BROKER_SHARE_SHARE_DIRECTORY_H_
#define WEIR_BROKER_SHARE_SHARE_DIRECTORY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/share/share_settings.h"
#include "storage/base/types.h"

namespace weir {

// A topic that belongs to a share group. Topics keep their names for as long as they live.
struct ShareTopic {
  TopicId id;
  std::string name;
  int32_t partitions = 0;

  bool operator==(const ShareTopic&) const = default;
};

// A partition that a share group reads.
struct ShareSource {
  std::string topic;  // its name
  TopicPartition partition;
  // Where the group begins in it: for start=latest the end that the log had when the group first
  // subscribed to the topic, otherwise 0: the log's first record, whichever that is.
  Offset start;
  bool redrive = false;  // of one of the group's redrive topics

  bool operator==(const ShareSource&) const = default;
};

struct ShareGroup {
  std::string id;
  ShareSettings settings;
  // By name and number, those of redrive topics behind the others. All are open in their machines
  // (ShareAdmin::Open is durable): partitions that are new, to topic or group, come a moment later.
  std::vector<ShareSource> sources;
  // Nothing while it does not exist: somebody has deleted it. See RequireDeadLetterTopic. Its
  // partitions are open in their machines too, for marks.
  std::optional<ShareTopic> dead_letter_topic;
  // Those that exist, by the name of the topic whose dead letters are driven to them.
  absl::btree_map<std::string, ShareTopic> redrive_topics;

  bool operator==(const ShareGroup&) const = default;
};

class ShareDirectory : public ShareSettingsView {
 public:
  using Listener = std::function<void(const std::string& group)>;

  // In memory: no call waits. Any thread.

  // Null when there is none. The same object for as long as nothing has changed.
  virtual std::shared_ptr<const ShareGroup> FindGroup(absl::string_view group) const = 0;
  // By id.
  virtual std::vector<std::shared_ptr<const ShareGroup>> AllGroups() const = 0;
  std::shared_ptr<const ShareSettings> Find(absl::string_view group) const final {
    std::shared_ptr<const ShareGroup> found = FindGroup(group);
    if (found == nullptr) return nullptr;
    const ShareSettings* const settings = &found->settings;
    return {std::move(found), settings};
  }

  // `listener` is called whenever what FindGroup gives for a group has changed, also when the group
  // is gone; by any thread, maybe by several at once; it must not wait, and may ask the directory.
  // Before anybody is served, once for each who wants to know; it outlives whatever the machines
  // still answer.
  virtual void AddListener(Listener listener) = 0;

  // Waits until all that the group reads at this moment is open, or could not be opened (then that
  // is tried again later). Not on a strand.
  virtual void AwaitOpen(absl::string_view group) = 0;

  // Topics of the group. Both wait for the disk and for the group's machine: not on a strand. What
  // they give is in FindGroup, with its partitions open, soon after; or at once if it was before.
  // COMMIT_UNCERTAIN: it may be there; ask again.

  // Where dead letters of the group go, made anew when somebody has deleted it. UNKNOWN_GROUP,
  // GROUP_TYPE_MISMATCH, TOPIC_EXISTS (there is a topic of the name that cannot be the group's),
  // and the catalogue's errors.
  virtual absl::StatusOr<ShareTopic> RequireDeadLetterTopic(const std::string& group) = 0;
  // `redrive.<topic>.<group>`, made if there is none; `topic` is where a dead letter came from
  // (weir-dlq-topic). One that is a redrive topic of the group itself is its own. Errors as above.
  virtual absl::StatusOr<ShareTopic> RequireRedriveTopic(const std::string& group,
                                                         const std::string& topic) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_DIRECTORY_H_
