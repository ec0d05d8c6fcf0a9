// GroupConsumer: a member of a consumer group: the broker gives it partitions of the topics it
// subscribes to, it reads them from where the group is, and commits how far it has come. What one
// member gives up another takes on from there.
//
//   GroupConsumer consumer(client, {.group = "email", .topics = {"orders"}});
//   for (;;) {
//     WEIR_ASSIGN_OR_RETURN(RecordSet records, consumer.Poll(absl::Seconds(1)));
//     RecordView record;
//     while (records.Next(&record)) Use(record);
//     WEIR_RETURN_IF_ERROR(records.status());
//   }
//
// By calling Poll again the caller says that it is done with all records that earlier Polls gave:
// these are what is committed. So every record is seen at least once, whatever crashes. A thread of
// its own keeps the membership alive however long the caller works on a RecordSet; but partitions
// change hands only inside Poll, and a member that does not Poll for rebalance.timeout.ms while it
// is asked to give something up is put out of the group.
//
// One thread at a time, except Wake.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_GROUP_CONSUMER_H_
#define WEIR_CLIENT_INCLUDE_WEIR_GROUP_CONSUMER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "weir/client.h"
#include "weir/consumer.h"
#include "weir/group.h"
#include "weir/position.h"

namespace weir {

struct GroupConsumerOptions {
  using OnPartitions = std::function<void(const std::vector<NamedPartition>&)>;

  std::string group;
  std::vector<std::string> topics;  // by name,
  std::string topic_prefix;         // or all whose names begin so, also those that come later
  // Creates the group when there is none. Nothing: then that is UNKNOWN_GROUP.
  std::optional<GroupStart> start;
  std::string assignor;  // "sticky", "range"; empty: the group's
  std::string
      instance_id;  // a static member: its partitions wait for it while its process restarts
  // How often positions are committed by themselves: in Poll, and when partitions are given up and
  // on Close. absl::InfiniteDuration(): never.
  absl::Duration auto_commit = absl::Seconds(5);

  // Called inside Poll and Close, on their thread.
  OnPartitions on_assigned;  // before the first records of these
  OnPartitions on_revoked;   // no more records of these come; what is committed here still counts
  OnPartitions on_lost;      // somebody else may have these already; commits would be refused

  // When a committed offset lies outside the log, and how much is fetched ahead.
  ConsumerOptions consumer;
};

class GroupConsumer {
 public:
  // Joins in the background.
  GroupConsumer(const Client& client, GroupConsumerOptions options);
  // Close(), whatever comes of it.
  ~GroupConsumer();
  GroupConsumer(GroupConsumer&&) noexcept;
  GroupConsumer& operator=(GroupConsumer&&) = delete;

  // The next records of some partition of this member, in turn; waits at most `max_wait`. An empty
  // set: nothing came in time, or Wake was called. Errors as of Consumer::Poll, and
  // NO_COMMITTED_OFFSET (the group starts nowhere; commit or reset an offset, then Seek), each
  // once. Errors of the membership come again at each Poll, after the next try or `max_wait`:
  // UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, INSTANCE_ID_IN_USE, GROUP_LIMIT, INVALID_... Being put out
  // of the group is none: on_lost tells, and it joins anew.
  absl::StatusOr<RecordSet> Poll(absl::Duration max_wait);
  // Makes a waiting Poll, or the next one, return at once. Any thread.
  void Wake();

  // Commits how far earlier Polls went, and waits until that is durable. The first error of any
  // partition; others are committed all the same. What this member has lost meanwhile is left out.
  absl::Status Commit();
  // Commits these instead.
  absl::Status Commit(const std::vector<GroupOffset>& offsets);
  // The same without waiting; `done` may be empty and comes on another thread.
  void CommitAsync(std::function<void(const absl::Status&)> done);

  // Goes on elsewhere in a partition of this member; nothing is committed by it, and what is
  // committed never moves back by a Seek (only by a reset). INVALID_REQUEST when it is not this
  // member's.
  absl::Status Seek(absl::string_view topic, PartitionIndex partition, Position position);
  // No records of the partition until Resume; it stays this member's. INVALID_REQUEST likewise.
  absl::Status Pause(absl::string_view topic, PartitionIndex partition);
  absl::Status Resume(absl::string_view topic, PartitionIndex partition);

  // By topic and number.
  std::vector<NamedPartition> assignment() const;
  // Empty before it has joined.
  std::string member_id() const;
  // It has joined, and everything it owns (nothing, perhaps) has been polled up to the high
  // watermark last heard of.
  bool CaughtUp() const;
  // Why the broker could last not be reached; OK while it can.
  absl::Status last_error() const;

  // Commits (unless auto_commit is infinite), calls on_revoked, and leaves: others have the
  // partitions at once (a static member's wait for it). The first error; it has left all the same.
  absl::Status Close();

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_GROUP_CONSUMER_H_
