// Unary: LogService.Produce with one plain record a call, straight through the generated stub, so
// many calls under way at once.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 200'000;

absl::Duration Now() { return Clock::Real().Monotonic(); }

// What the calls share.
struct Shared {
  v1::LogService::Stub* stub;
  std::atomic<int64_t> left;
  absl::BlockingCounter done;
  absl::Mutex mu;
  absl::Status error ABSL_GUARDED_BY(mu);
};

// One place of those under way: makes a call, and the next when that has ended, until none are
// left.
class Caller {
 public:
  Caller(Shared* shared, v1::ProduceRequest request)
      : shared_(*shared), request_(std::move(request)) {}

  void Next() {
    if (shared_.left.fetch_sub(1, std::memory_order_relaxed) <= 0)
      return shared_.done.DecrementCount(), void();
    context_ = std::make_unique<grpc::ClientContext>();
    sent_ = Now();
    shared_.stub->async()->Produce(context_.get(), &request_, &response_,
                                   [this](const grpc::Status& status) { OnAnswer(status); });
  }
  const Histogram& latencies() const { return latencies_; }

 private:
  void OnAnswer(const grpc::Status& status) {
    const bool written =
        status.ok() && response_.results_size() == 1 && !response_.results(0).has_error();
    if (written) {
      latencies_.Add(Now() - sent_);
      return Next();
    }
    {
      absl::MutexLock lock(&shared_.mu);
      shared_.error =
          absl::UnknownError(status.ok() ? response_.ShortDebugString() : status.error_message());
    }
    shared_.left = 0;
    Next();
  }

  Shared& shared_;
  const v1::ProduceRequest request_;
  v1::ProduceResponse response_;
  std::unique_ptr<grpc::ClientContext> context_;
  absl::Duration sent_;
  Histogram latencies_;
};

class UnaryCase : public BenchCase {
 public:
  explicit UnaryCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.records == 0) settings_.records = kRecords;
    settings_.partitions = std::max(settings_.partitions, 1);
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records, ", one a call, plain")},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"calls_in_flight", absl::StrCat(settings_.in_flight)},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"durability", settings_.durability == Durability::kWritten ? "written" : "durable"},
            {"client", "generated stub, callback API, one connection"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    stub_ = v1::LogService::NewStub(
        grpc::CreateChannel(broker.address(), grpc::InsecureChannelCredentials()));
    Histogram latencies;
    return Call(settings_.records / 10, &latencies);
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    Histogram latencies;
    BrokerWatch watch(broker);
    WEIR_RETURN_IF_ERROR(Call(settings_.records, &latencies));
    watch.Stop();
    Measures measures = {
        {"calls_per_second",
         static_cast<double>(latencies.count()) / absl::ToDoubleSeconds(watch.elapsed()),
         "calls/s"}};
    AppendLatencies(latencies, &measures);
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  v1::ProduceRequest Request(Values* values) const {
    v1::ProduceRequest request;
    request.set_topic(topic_);
    if (settings_.durability) {
      request.set_durability(*settings_.durability == Durability::kWritten ? v1::WRITTEN
                                                                           : v1::DURABLE);
    }
    const absl::string_view value = values->Next();
    request.mutable_records()->add_records()->set_value(value.data(), value.size());
    return request;
  }

  absl::Status Call(int64_t records, Histogram* latencies) {
    Values values(settings_.size);
    Shared shared{
        .stub = stub_.get(), .left = records, .done = absl::BlockingCounter(settings_.in_flight)};
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < settings_.in_flight; ++i)
      callers.push_back(std::make_unique<Caller>(&shared, Request(&values)));
    for (const auto& caller : callers) caller->Next();
    shared.done.Wait();
    for (const auto& caller : callers) latencies->Merge(caller->latencies());
    absl::MutexLock lock(&shared.mu);
    return shared.error;
  }

  BenchSettings settings_;
  std::string topic_;
  std::unique_ptr<v1::LogService::Stub> stub_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeUnaryCase(const BenchSettings& settings) {
  return std::make_unique<UnaryCase>(settings);
}

}  // namespace weir
