// ConsumeStream: one Consume call: membership in a group, the records of the partitions that the
// member owns, and its commits, in one. Records come from one fetch at a time over all partitions,
// so that a stream that is not read holds one answer. A partition that is to be given up is sent no
// more, and given up when the positions of all that was sent are committed.
//
// Deletes itself when the call is over, and when nothing it has asked for is under way. Guarded by
// mu_.
#ifndef WEIR_BROKER_RPC_CONSUME_STREAM_H_
#define WEIR_BROKER_RPC_CONSUME_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/limits/admission.h"
#include "broker/partition/fetch.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/member_session.h"
#include "broker/rpc/services.h"
#include "weir/v1/group.pb.h"

namespace weir {

class ConsumeStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                      public LongCall,
                      public MemberSession::Owner {
 public:
  ConsumeStream(const Services* services, grpc::CallbackServerContext* context);

  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnJoined(const Joined& joined) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnAssignment(const Notice& notice) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // One partition that the member owns.
  struct Feed {
    std::string topic;
    std::shared_ptr<Partition> partition;
    enum class State {
      kLocating,  // the committed offset is asked for
      kReading,
      kStuck,  // there is nothing to read from; a commit of an offset that exists helps
    };
    State state = State::kLocating;
    Offset next;       // to be read
    Offset sent;       // up to here records were sent
    Offset committed;  // what this stream has committed, or began with
    bool revoking = false;

    // Records from there on are what comes next.
    bool Awaits(Offset from) const { return state == State::kReading && !revoking && next == from; }
  };
  using Asked = std::vector<std::pair<TopicPartition, Offset>>;  // of a fetch
  using Feeds = absl::btree_map<TopicPartition, Feed>;

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status Take() ABSL_LOCKS_EXCLUDED(mu_);
  // `memory`: of the message that they came in.
  void Commit(const google::protobuf::RepeatedPtrField<v1::GroupOffset>& offsets,
              Reservation memory) ABSL_LOCKS_EXCLUDED(mu_);
  void OnCommitted(const CommitItems& items, const std::vector<OffsetCommit>& offsets,
                   const absl::StatusOr<std::vector<absl::Status>>& answers)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Asks where the group is in these partitions.
  void Locate(std::vector<TopicPartition> partitions) ABSL_LOCKS_EXCLUDED(mu_);
  void OnLocated(const absl::StatusOr<FetchedOffsets>& offsets) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFetched(const Asked& asked, size_t first, absl::StatusOr<Fetch::Results> results)
      ABSL_LOCKS_EXCLUDED(mu_);

  void PutFeeds(const Notice& notice, std::vector<TopicPartition>* to_locate)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes what was read of a partition into the next answers; returns its bytes, at most `room`
  // unless the first record is larger.
  int64_t PutRecords(const TopicPartition& id, Feed* feed, const LogRead& read, int64_t room)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PutError(const TopicPartition& id, Feed* feed, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The epoch to confirm, when all that was asked for is done with.
  std::optional<MemberEpoch> GivenUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StopFetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes what waits, reads more, confirms what is done with, ends.
  void GoOn() ABSL_LOCKS_EXCLUDED(mu_);
  // The same, soon and without the caller's locks.
  void PostGoOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  struct PlannedFetch {
    std::shared_ptr<Fetch> fetch;  // null: nothing is to be fetched
    Asked asked;
    size_t first = 0;
  };
  PlannedFetch PlanFetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Something that was asked for is over; the last one lets the stream go.
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<MemberSession> session_;
  grpc::ByteBuffer bytes_;  // belongs to the read under way
  bool joined_ = false;     // the first message has come; of the reads
  int64_t max_bytes_ = 0;   // of one answer; set by the first message
  std::string group_;       // set by the first message
  PartitionIndex shard_;    // likewise: where the group belongs

  absl::Mutex mu_;
  Joined session_facts_ ABSL_GUARDED_BY(mu_);
  Feeds feeds_ ABSL_GUARDED_BY(mu_);
  MemberEpoch epoch_ ABSL_GUARDED_BY(mu_);
  bool revoking_ ABSL_GUARDED_BY(mu_) = false;  // something of epoch_ is to be confirmed
  bool paused_ ABSL_GUARDED_BY(mu_) = false;
  size_t turn_ ABSL_GUARDED_BY(mu_) = 0;  // which partition the next fetch begins with
  std::shared_ptr<Fetch> fetch_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::ConsumeResponse> out_ ABSL_GUARDED_BY(mu_);
  grpc::ByteBuffer message_ ABSL_GUARDED_BY(mu_);       // out_.front(), being written
  Reservation out_memory_ ABSL_GUARDED_BY(mu_);         // for the records in out_
  bool writing_ ABSL_GUARDED_BY(mu_) = false;           // out_.front()
  int64_t unwritten_answers_ ABSL_GUARDED_BY(mu_) = 0;  // bytes of those to commits in out_
  bool reading_ ABSL_GUARDED_BY(mu_) =
      true;  // a message, or taking one; for ever once it is closed
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool joining_ ABSL_GUARDED_BY(mu_) = false;  // whether it is a member is not heard yet
  bool leaving_ ABSL_GUARDED_BY(mu_) = false;  // the member has closed its side
  int commits_ ABSL_GUARDED_BY(mu_) = 0;       // not answered yet
  int asked_ ABSL_GUARDED_BY(mu_) = 1;         // what is under way and refers to this; gRPC too
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_CONSUME_STREAM_H_
