// A member that knows nothing but the generated stub of Consume: it reads the stream, sends
// positions on it, and when it breaks opens another as the member that it is.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/member_process.h"
#include "tests/support/sim_random.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {
namespace {

using What = MemberReport::What;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class StreamMember {
 public:
  explicit StreamMember(MemberProcess* process)
      : process_(*process),
        random_(static_cast<uint64_t>(process->options().number)),
        stub_(v1::GroupService::NewStub(Connect(process->options().address))) {}

  void Run() {
    while (!process_.leaves()) RunStream();
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ConsumeRequest, v1::ConsumeResponse>;

  // From its begin to its end.
  void RunStream() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const std::unique_ptr<Stream> stream = stub_->Consume(&context);
    v1::ConsumeRequest first;
    first.set_max_bytes(8 * 1024);
    v1::Membership& membership = *first.mutable_join();
    membership.set_group(process_.options().group);
    membership.mutable_subscription()->add_topics(process_.options().topic);
    membership.set_member_id(member_id_);
    membership.set_member_epoch(epoch_);
    fresh_ = true;
    Write(stream.get(), first);
    process_.OnLeave([this, &stream] { Close(stream.get()); });
    v1::ConsumeResponse response;
    while (stream->Read(&response)) Take(response, stream.get());
    process_.OnLeave(nullptr);
    Close(stream.get());
    asked_.clear();
    const grpc::Status status = stream->Finish();
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto reason = trailers.find("weir-reason");
    if (reason == trailers.end()) return;  // the connection broke, or it has left
    const std::string why(reason->second.data(), reason->second.size());
    if (why == "UNKNOWN_MEMBER" || why == "STALE_MEMBER_EPOCH") return Lose();
    if (why != "SESSION_LOST" && why != "SHUTTING_DOWN")
      process_.Fail(absl::StrCat(why, ": ", status.error_message()));
  }

  void Write(Stream* stream, const v1::ConsumeRequest& request) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    closed_ = false;
    stream->Write(request);
  }
  void Close(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!closed_) stream->WritesDone();
    closed_ = true;
  }

  void Take(const v1::ConsumeResponse& response, Stream* stream) {
    if (response.has_assignment()) TakeAssignment(response.assignment(), stream);
    if (response.has_records()) TakeRecords(response.records(), stream);
    if (response.has_committed()) TakeCommitted(response.committed());
  }

  void TakeAssignment(const v1::MemberAssignment& assignment, Stream* stream) {
    if (assignment.member_id() != member_id_) {
      member_id_ = assignment.member_id();
      process_.Say({.what = What::kJoined, .text = member_id_});
    }
    epoch_ = assignment.member_epoch();
    std::set<int32_t> owned;
    for (const v1::PartitionId& id : assignment.partitions()) owned.insert(id.partition());
    const bool fresh = std::exchange(fresh_, false);  // what was not committed comes again
    for (const int32_t partition : owned) {
      if (!owned_.insert({partition, -1}).second && !fresh) continue;
      owned_[partition] = -1;
      process_.Say(What::kBegins, partition);
    }
    for (auto at = owned_.begin(); at != owned_.end();) {
      if (owned.contains(at->first)) {
        ++at;
        continue;
      }
      // The broker waits for these positions, and for nothing else.
      const auto [partition, next] = *at;
      at = owned_.erase(at);
      process_.Say(What::kGaveUp, partition);
      if (next >= 0) Commit(stream, partition, next);
    }
  }

  void TakeRecords(const v1::ConsumedRecords& records, Stream* stream) {
    const int32_t partition = records.partition();
    if (records.has_error()) return process_.Fail(records.error().ShortDebugString());
    const auto owned = owned_.find(partition);
    if (owned == owned_.end()) return process_.Fail("records of what it does not own");
    int64_t next = records.records(0).offset();
    // It may have lost the partition and got it again between two assignments.
    if (owned->second >= 0 && next != owned->second) process_.Say(What::kBegins, partition);
    for (const v1::Record& record : records.records()) {
      if (record.offset() != next++) process_.Fail("an answer has a hole");
    }
    if (next != records.next_offset()) process_.Fail("an answer ends elsewhere than it says");
    process_.Say({.what = What::kSaw,
                  .partition = partition,
                  .from = records.records(0).offset(),
                  .to = next});
    owned->second = next;
    // What is behind it comes, or all that there is was seen.
    if (next >= records.high_watermark() || random_.Below(2) == 0) Commit(stream, partition, next);
  }

  void Commit(Stream* stream, int32_t partition, int64_t next) ABSL_LOCKS_EXCLUDED(mu_) {
    v1::ConsumeRequest request;
    v1::GroupOffset* const offset = request.add_commit();
    offset->set_topic(process_.options().topic);
    offset->set_partition(partition);
    offset->set_offset(next);
    process_.Say(What::kAsks, partition, next);
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    asked_.push_back({partition, next});
    stream->Write(request);
  }

  // Answers come in the order of the commits.
  void TakeCommitted(const v1::CommitOffsetsResponse& committed) {
    if (asked_.empty()) return process_.Fail("an answer to no commit");
    const auto [partition, next] = asked_.front();
    asked_.pop_front();
    if (committed.results_size() != 1 || committed.results(0).partition() != partition)
      return process_.Fail("an answer to another commit");
    if (!committed.results(0).has_error()) process_.Say(What::kCommitted, partition, next);
  }

  // It is no member any more: the broker has given everything to others.
  void Lose() {
    for (const auto& [partition, next] : owned_) process_.Say(What::kLost, partition);
    owned_.clear();
    member_id_.clear();
    epoch_ = 0;
  }

  MemberProcess& process_;
  SimRandom random_;
  const std::unique_ptr<v1::GroupService::Stub> stub_;
  std::string member_id_;
  int64_t epoch_ = 0;
  bool fresh_ = true;                 // the stream has said nothing yet
  std::map<int32_t, int64_t> owned_;  // how far it has seen each on this stream; -1: nothing yet
  std::deque<std::pair<int32_t, int64_t>> asked_;
  absl::Mutex mu_;  // of writing: the process may be told to leave at any time
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

void RunStreamMember(MemberProcess* process) { StreamMember(process).Run(); }

}  // namespace weir
