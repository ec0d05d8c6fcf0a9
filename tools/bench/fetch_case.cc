// Fetch: replays a loaded topic from its start, from the page cache. With our Consumer, every
// record decoded; or `raw`: FetchStream's batches through the generated stub, nothing looked at.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "weir/consumer.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 10'000'000;

struct Read {
  int64_t records = 0;
  int64_t bytes = 0;     // of batches, as stored
  int64_t messages = 0;  // of the stream
};

class FetchCase : public BenchCase {
 public:
  explicit FetchCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.records == 0) settings_.records = kRecords;
    settings_.partitions = std::max(settings_.partitions, 1);
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {
        {"records", absl::StrCat(settings_.records, ", loaded beforehand")},
        {"value_bytes", absl::StrCat(settings_.size)},
        {"partitions", absl::StrCat(settings_.partitions)},
        {"client", settings_.raw ? "generated stub, FetchStream of record batches, not decoded"
                                 : "Consumer, every record decoded"},
        {"message_bytes", settings_.raw ? absl::StrCat("at most ", settings_.message_bytes)
                                        : absl::StrCat("at most ", ConsumerOptions().fetch_bytes)}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    LoadPlan plan = {
        .topic = topic_, .bytes = settings_.records * settings_.size, .size = settings_.size};
    // A message has whole batches: for messages of one size the batches must not be larger.
    if (settings_.raw) {
      plan.producer.batch_bytes = settings_.message_bytes;
      plan.producer.batch_bytes_largest = settings_.message_bytes;
    }
    WEIR_RETURN_IF_ERROR(Load(broker, plan));
    return (settings_.raw ? Stream(broker) : Consume(broker))
        .status();  // once, so that all pages are in memory
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    BrokerWatch watch(broker);
    WEIR_ASSIGN_OR_RETURN(const Read read, settings_.raw ? Stream(broker) : Consume(broker));
    watch.Stop();
    const double seconds = absl::ToDoubleSeconds(watch.elapsed());
    Measures measures = {
        {"megabytes_per_second", static_cast<double>(read.bytes) / seconds / 1e6, "MB/s"}};
    if (settings_.raw) {
      measures.push_back(
          {"messages_per_second", static_cast<double>(read.messages) / seconds, "messages/s"});
      measures.push_back({"message_bytes",
                          static_cast<double>(read.bytes) / static_cast<double>(read.messages),
                          "bytes"});
    } else {
      if (read.records != settings_.records) {
        return absl::InternalError(
            absl::StrCat("read ", read.records, " records of ", settings_.records));
      }
      measures.insert(measures.begin(), {"records_per_second",
                                         static_cast<double>(read.records) / seconds, "records/s"});
    }
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  absl::StatusOr<Read> Consume(BenchBroker& broker) const {
    const Client client = broker.NewClient();
    Consumer consumer(client);
    for (int32_t p = 0; p < settings_.partitions; ++p) {
      WEIR_RETURN_IF_ERROR(
          consumer.Assign({.topic = topic_, .partition = PartitionIndex(p), .until_end = true}));
    }
    Read read;
    int64_t value_bytes = 0;
    while (!consumer.AtEnd()) {
      WEIR_ASSIGN_OR_RETURN(RecordSet records, consumer.Poll(absl::Seconds(1)));
      read.bytes += static_cast<int64_t>(records.size_bytes());
      RecordView record;
      while (records.Next(&record)) {
        ++read.records;
        value_bytes += static_cast<int64_t>(record.value->size());
      }
      WEIR_RETURN_IF_ERROR(records.status());
    }
    if (value_bytes != read.records * settings_.size)
      return absl::InternalError("values of a wrong size came back");
    return read;
  }

  // The partitions at the same time, a thread for each.
  absl::StatusOr<Read> Stream(BenchBroker& broker) const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    const auto stub = v1::LogService::NewStub(
        grpc::CreateCustomChannel(broker.address(), grpc::InsecureChannelCredentials(), arguments));
    std::atomic<int64_t> bytes = 0;
    std::atomic<int64_t> messages = 0;
    WEIR_RETURN_IF_ERROR(RunThreads(settings_.partitions, [&](int partition) {
      v1::FetchStreamRequest request;
      request.set_topic(topic_);
      request.set_partition(partition);
      request.set_max_bytes(settings_.message_bytes);
      request.set_format(v1::RECORD_BATCH);
      request.set_until_end(true);
      grpc::ClientContext context;
      const auto stream = stub->FetchStream(&context, request);
      v1::FetchStreamResponse response;
      while (stream->Read(&response)) {
        bytes += static_cast<int64_t>(response.record_batches().size());
        ++messages;
      }
      const grpc::Status end = stream->Finish();
      return end.ok() ? absl::OkStatus() : absl::UnknownError(end.error_message());
    }));
    return Read{.bytes = bytes, .messages = std::max<int64_t>(messages, 1)};
  }

  BenchSettings settings_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeFetchCase(const BenchSettings& settings) {
  return std::make_unique<FetchCase>(settings);
}

}  // namespace weir
