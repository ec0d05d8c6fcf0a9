#include "tools/bench/commit_load.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/load.h"
#include "weir/producer.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {
namespace {

constexpr int64_t kValueBytes = 10;

absl::Duration Now() { return Clock::Real().Monotonic(); }

}  // namespace

struct CommitLoad::Stub {
  std::unique_ptr<v1::GroupService::Stub> groups;
};

// Some partitions of one group. One thread at a time.
class CommitLoad::Slice {
 public:
  Slice(const std::string& group, const std::string& topic, int32_t begin, int32_t end) {
    request_.set_group(group);
    request_.set_start(v1::EARLIEST);
    for (int32_t p = begin; p < end; ++p) {
      v1::GroupOffset& offset = *request_.add_offsets();
      offset.set_topic(topic);
      offset.set_partition(p);
    }
  }

  int size() const { return request_.offsets_size(); }

  // Moves on to the next record, of so many.
  absl::Status CommitNext(v1::GroupService::Stub& stub, int64_t records) {
    next_ = std::min(next_ + 1, records);
    for (v1::GroupOffset& offset : *request_.mutable_offsets()) offset.set_offset(next_);
    grpc::ClientContext context;
    v1::CommitOffsetsResponse response;
    const grpc::Status status = stub.CommitOffsets(&context, request_, &response);
    if (!status.ok()) return absl::UnknownError(status.error_message());
    for (const v1::CommitOffsetsResponse::Result& result : response.results()) {
      if (result.has_error()) return absl::UnknownError(result.ShortDebugString());
    }
    if (response.results_size() != size())
      return absl::InternalError("an offset that was committed has no answer");
    return absl::OkStatus();
  }

 private:
  v1::CommitOffsetsRequest request_;
  int64_t next_ = -1;
};

void CommitLoad::Reconnect(BenchBroker& broker) {
  stub_ = std::make_unique<Stub>(Stub{v1::GroupService::NewStub(
      grpc::CreateChannel(broker.address(), grpc::InsecureChannelCredentials()))});
}

CommitLoad::CommitLoad(Plan plan) : plan_(plan) {}

CommitLoad::~CommitLoad() = default;

absl::StatusOr<std::unique_ptr<CommitLoad>> CommitLoad::Prepare(BenchBroker& broker, Plan plan) {
  auto load = std::unique_ptr<CommitLoad>(new CommitLoad(plan));
  load->Reconnect(broker);
  WEIR_ASSIGN_OR_RETURN(load->topic_, broker.CreateTopic(plan.partitions));
  {
    const Client client = broker.NewClient();
    Producer producer(client);
    Values values(kValueBytes);
    for (int32_t p = 0; p < plan.partitions; ++p) {
      for (int64_t i = 0; i < plan.records; ++i) {
        WEIR_RETURN_IF_ERROR(producer.Send(
            {.topic = load->topic_, .value = values.Next(), .partition = PartitionIndex(p)}));
      }
    }
    WEIR_RETURN_IF_ERROR(producer.Flush());
  }
  for (int32_t begin = 0; begin < plan.partitions; begin += plan.per_call) {
    const int32_t end = std::min(begin + plan.per_call, plan.partitions);
    for (int group = 0; group < plan.groups; ++group) {
      load->slices_.push_back(std::make_unique<Slice>(absl::StrCat(load->topic_, "-group-", group),
                                                      load->topic_, begin, end));
    }
  }
  return load;
}

absl::StatusOr<CommitLoad::Outcome> CommitLoad::Commit(int64_t commits, int64_t rate,
                                                       const std::atomic<bool>* stop) {
  const size_t callers = std::min<size_t>(static_cast<size_t>(plan_.calls), slices_.size());
  std::vector<Outcome> outcomes(callers);
  std::atomic<int64_t> left = commits;
  const absl::Status status = RunThreads(static_cast<int>(callers), [&](int caller) {
    const auto first = static_cast<size_t>(caller);
    Outcome& outcome = outcomes[first];
    Pacer pacer(rate == 0 ? 0
                          : std::max<int64_t>(
                                1, rate / slices_.front()->size() / static_cast<int64_t>(callers)));
    // Each caller has slices of its own, so that the commits of one come in order.
    for (size_t at = first;; at = at + callers < slices_.size() ? at + callers : first) {
      Slice& slice = *slices_[at];
      if (left.fetch_sub(slice.size(), std::memory_order_relaxed) <= 0) return absl::OkStatus();
      if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::OkStatus();
      pacer.WaitForNext();
      const absl::Duration sent = Now();
      WEIR_RETURN_IF_ERROR(slice.CommitNext(*stub_->groups, plan_.records));
      outcome.latencies.Add(Now() - sent);
      outcome.commits += slice.size();
    }
  });
  WEIR_RETURN_IF_ERROR(status);
  Outcome sum;
  for (const Outcome& outcome : outcomes) {
    sum.commits += outcome.commits;
    sum.latencies.Merge(outcome.latencies);
  }
  return sum;
}

}  // namespace weir
