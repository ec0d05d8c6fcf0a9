// GroupOffsets: consumers commit how far they are and ask for it; an operator sets it. Every call
// is a handler: it decides, and nothing is so before its records are durable. One strand. No call
// that fails has an effect, except that COMMIT_UNCERTAIN leaves it open.
#ifndef WEIR_BROKER_GROUP_GROUP_OFFSETS_H_
#define WEIR_BROKER_GROUP_GROUP_OFFSETS_H_

#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/group/draft.h"
#include "broker/group/group_context.h"
#include "broker/group/group_expiry.h"
#include "broker/group/group_records.h"

namespace weir {

class GroupOffsets {
 public:
  GroupOffsets(GroupContext* context, GroupExpiry* expiry) : context_(context), expiry_(expiry) {}

  // Answers for each offset, in order. Of the whole: UNKNOWN_GROUP, GROUP_TYPE_MISMATCH,
  // UNKNOWN_MEMBER, STALE_MEMBER_EPOCH (a member's epoch that it was never given), GROUP_NOT_EMPTY
  // (without member), INVALID_REQUEST, MESSAGE_TOO_LARGE, INVALID_GROUP_ID, GROUP_LIMIT. Of one
  // offset: STALE_MEMBER_EPOCH (the member does not own the partition, or did not yet in the epoch
  // of the commit), INVALID_REQUEST (negative, or twice), OFFSET_METADATA_TOO_LARGE,
  // OFFSET_OUT_OF_RANGE (behind the log's end), OFFSET_MOVES_BACK, GROUP_LIMIT, and the view's
  // errors.
  Decision Commit(const MachineTime& now, CommitRequest request,
                  Reply<std::vector<absl::Status>> reply);

  // UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, INVALID_REQUEST, INVALID_GROUP_ID.
  Decision Fetch(const FetchOffsetsRequest& request, Reply<FetchedOffsets> reply);

  // Sets committed offsets, all or none, and shows them before and after; a dry run only shows. Of
  // the whole: UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, GROUP_NOT_EMPTY, INVALID_REQUEST,
  // INVALID_GROUP_ID. Of one: OFFSET_OUT_OF_RANGE, NO_COMMITTED_OFFSET (nothing to count from),
  // INVALID_REQUEST (named twice), GROUP_LIMIT, and the view's errors.
  Decision Reset(const MachineTime& now, const ResetRequest& request,
                 Reply<std::vector<ResetOutcome>> reply);

 private:
  // What is about to be committed.
  using Changes = absl::btree_map<TopicPartition, CommittedOffset>;

  // Who commits, to what.
  struct Committer {
    const Group* group = nullptr;  // null: it is about to be created
    GroupHead head;
    const Member* member = nullptr;  // null: somebody outside
    MemberEpoch epoch;
  };

  absl::StatusOr<Committer> FindCommitter(const MachineTime& now,
                                          const CommitRequest& request) const;
  absl::Status CheckOffset(const Committer& committer, const OffsetCommit& commit) const;
  absl::StatusOr<Offset> TargetOf(const Group& group, const ResetItem& item) const;
  // Notes a change, within what a shard may hold.
  absl::Status Note(const Group* group, const TopicPartition& partition, CommittedOffset committed,
                    Changes* changes) const;
  static void AddRecords(GroupRecordKind kind, const std::string& group, const Changes& changes,
                         Draft* draft);

  GroupContext* const context_;
  GroupExpiry* const expiry_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_OFFSETS_H_
