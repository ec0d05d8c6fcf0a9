// OffsetCommits: how far a member of a group has come in each partition, and what of that it has
// committed. Any thread: answers come on gRPC's, also after this is gone.
#ifndef WEIR_CLIENT_SRC_OFFSET_COMMITS_H_
#define WEIR_CLIENT_SRC_OFFSET_COMMITS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/src/channel.h"
#include "client/src/group_member.h"
#include "storage/base/types.h"
#include "weir/group.h"
#include "weir/v1/group.pb.h"

namespace weir::client {

class OffsetCommits {
 public:
  using Done = std::function<void(const absl::Status&)>;

  OffsetCommits(std::shared_ptr<Channel> channel, std::string group)
      : channel_(std::move(channel)), group_(std::move(group)) {}

  // Records below `next` are done with.
  void NoteDone(const NamedPartition& partition, Offset next);
  // The partition is not the member's any more, or is read from elsewhere.
  void Forget(const NamedPartition& partition);

  // Commits what is done with and not committed yet, and waits for it. The first error of a
  // partition; not those that say that it is not the member's any more, or that the group was
  // further already.
  absl::Status Commit(const GroupMember::Identity& member);
  // The same without waiting; `done` may be empty.
  void CommitAsync(const GroupMember::Identity& member, Done done);
  // Commits these, and waits for it. The first error of a partition, whatever it is.
  absl::Status Commit(const GroupMember::Identity& member, const std::vector<GroupOffset>& offsets);

 private:
  struct Progress {
    absl::Mutex mu;
    std::map<NamedPartition, Offset> done ABSL_GUARDED_BY(mu);
    std::map<NamedPartition, Offset> committed ABSL_GUARDED_BY(mu);

    void NoteCommitted(const v1::CommitOffsetsRequest& request,
                       const v1::CommitOffsetsResponse& response) ABSL_LOCKS_EXCLUDED(mu);
  };

  v1::CommitOffsetsRequest NewRequest(const GroupMember::Identity& member) const;
  v1::CommitOffsetsRequest RequestOfDone(const GroupMember::Identity& member) const;

  const std::shared_ptr<Channel> channel_;
  const std::string group_;
  const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_OFFSET_COMMITS_H_
