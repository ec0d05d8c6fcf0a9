#include "tests/unit/client_fake_broker.h"

#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "tests/unit/client_fake_server.h"
#include "tests/unit/client_fake_status.h"
#include "weir/v1/admin.grpc.pb.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {
namespace {

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(GrpcStatusOf(context, status));
  return reactor;
}

}  // namespace

// One ProduceStream. Guarded by the broker's mutex.
class FakeBroker::ProduceReactor
    : public grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse> {
 public:
  ProduceReactor(FakeBroker* broker, grpc::CallbackServerContext* context)
      : broker_(broker), context_(context) {
    absl::MutexLock lock(&broker_->mu_);
    number_ = broker_->streams_++;
    broker_->produce_streams_.insert(this);
    const absl::Status status = broker_->CountCall("ProduceStream");
    if (status.ok()) {
      StartRead(&request_);
    } else {
      End(status);
    }
  }
  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&broker_->mu_);
    if (!ok || ended_) return End(absl::OkStatus());
    v1::ProduceResponse response;
    const Fate fate = broker_->Receive(number_, request_, &response);
    if (fate.break_stream) return End(absl::UnavailableError("the fake broker broke the stream"));
    if (fate.answer)
      answers_.push_back({request_.topic(), request_.partition(), std::move(response)});
    Write();
    StartRead(&request_);
  }
  void OnWriteDone(bool) override {
    absl::MutexLock lock(&broker_->mu_);
    writing_ = false;
    Write();
  }
  void OnCancel() override {
    absl::MutexLock lock(&broker_->mu_);
    End(absl::CancelledError());
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&broker_->mu_);
      broker_->produce_streams_.erase(this);
    }
    delete this;
  }
  // Tells the analysis that this is the broker's mutex that its caller holds.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(broker_->mu_) { broker_->mu_.AssertHeld(); }
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    if (ended_ || writing_ || answers_.empty() || broker_->holding_) return;
    writing_ = true;
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (PartitionState* const partition = broker_->Find(answer.topic, answer.partition))
      --partition->unanswered;
    response_ = std::move(answer.response);
    StartWrite(&response_);
  }
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    if (std::exchange(ended_, true)) return;
    for (const Answer& answer : answers_) {
      if (PartitionState* const partition = broker_->Find(answer.topic, answer.partition))
        --partition->unanswered;
    }
    grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>::Finish(
        GrpcStatusOf(context_, status));
  }

 private:
  struct Answer {
    std::string topic;
    int32_t partition;
    v1::ProduceResponse response;
  };
  FakeBroker* const broker_;
  grpc::CallbackServerContext* const context_;
  int number_ = 0;
  v1::ProduceRequest request_;
  v1::ProduceResponse response_;
  std::deque<Answer> answers_;
  bool writing_ = false;
  bool ended_ = false;
};

// One FetchStream. Guarded by the broker's mutex.
class FakeBroker::FetchReactor : public grpc::ServerWriteReactor<v1::FetchStreamResponse> {
 public:
  FetchReactor(FakeBroker* broker, grpc::CallbackServerContext* context,
               const v1::FetchStreamRequest* request)
      : broker_(broker), context_(context), request_(*request), next_(request->offset()) {
    absl::MutexLock lock(&broker_->mu_);
    broker_->fetch_streams_.insert(this);
    absl::Status status = broker_->CountCall("FetchStream");
    if (status.ok()) status = broker_->Missing(request_.topic(), request_.partition());
    if (status.ok()) {
      const PartitionState& partition = *broker_->Find(request_.topic(), request_.partition());
      if (next_ < partition.start || next_ > partition.end) {
        status = MakeError(Reason::kOffsetOutOfRange,
                           absl::StrCat("offset ", next_.value(), " is outside ",
                                        partition.start.value(), " to ", partition.end.value()));
      }
    }
    if (status.ok()) {
      Write();
    } else {
      End(status);
    }
  }
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&broker_->mu_);
    writing_ = false;
    if (ok) Write();
  }
  void OnCancel() override {
    absl::MutexLock lock(&broker_->mu_);
    End(absl::CancelledError());
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&broker_->mu_);
      broker_->fetch_streams_.erase(this);
    }
    delete this;
  }
  // Tells the analysis that this is the broker's mutex that its caller holds.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(broker_->mu_) { broker_->mu_.AssertHeld(); }
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    PartitionState* const partition = broker_->Find(request_.topic(), request_.partition());
    if (ended_ || writing_ || partition == nullptr || next_ >= partition->end) return;
    response_.Clear();
    std::string* const batches = response_.mutable_record_batches();
    for (const std::string& batch : partition->batches) {
      const RecordBatchHeader header = DecodeBatchHeader(batch.data());
      if (header.next_offset() <= next_) continue;
      if (!batches->empty() &&
          static_cast<int64_t>(batches->size() + batch.size()) > request_.max_bytes())
        break;
      *batches += batch;
      next_ = header.next_offset();
    }
    response_.set_high_watermark(partition->end.value());
    response_.set_log_start_offset(partition->start.value());
    response_.set_next_offset(next_.value());
    const int message = broker_->fetch_messages_++;
    const FetchFate fate = broker_->on_fetch_ ? broker_->on_fetch_(message) : FetchFate::kSend;
    if (fate == FetchFate::kBreak)
      return End(absl::UnavailableError("the fake broker broke the stream"));
    if (fate == FetchFate::kCorrupt) batches->back() ^= 1;
    writing_ = true;
    StartWrite(&response_);
  }
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    grpc::ServerWriteReactor<v1::FetchStreamResponse>::Finish(GrpcStatusOf(context_, status));
  }

 private:
  FakeBroker* const broker_;
  grpc::CallbackServerContext* const context_;
  const v1::FetchStreamRequest request_;
  Offset next_;
  v1::FetchStreamResponse response_;
  bool writing_ = false;
  bool ended_ = false;
};

class FakeBroker::Log : public v1::LogService::CallbackService {
 public:
  explicit Log(FakeBroker* broker) : broker_(broker) {}

  grpc::ServerBidiReactor<v1::ProduceRequest, v1::ProduceResponse>* ProduceStream(
      grpc::CallbackServerContext* context) override {
    return new ProduceReactor(broker_, context);
  }
  grpc::ServerWriteReactor<v1::FetchStreamResponse>* FetchStream(
      grpc::CallbackServerContext* context, const v1::FetchStreamRequest* request) override {
    return new FetchReactor(broker_, context, request);
  }
  grpc::ServerUnaryReactor* InitProducer(grpc::CallbackServerContext* context,
                                         const v1::InitProducerRequest* request,
                                         v1::InitProducerResponse* response) override {
    absl::MutexLock lock(&broker_->mu_);
    const absl::Status status = broker_->CountCall("InitProducer");
    if (!status.ok()) return Finish(context, status);
    std::map<int64_t, int32_t>& epochs = broker_->epochs_;
    const int64_t id = request->has_producer_id() ? request->producer_id()
                                                  : static_cast<int64_t>(epochs.size()) + 1'000;
    if (request->has_producer_id() && epochs[id] != request->producer_epoch()) {
      return Finish(context, MakeError(Reason::kProducerFenced, "a newer epoch was given"));
    }
    epochs[id] = request->has_producer_id() ? epochs[id] + 1 : 0;
    response->set_producer_id(id);
    response->set_producer_epoch(epochs[id]);
    return Finish(context, absl::OkStatus());
  }
  grpc::ServerUnaryReactor* ListOffsets(grpc::CallbackServerContext* context,
                                        const v1::ListOffsetsRequest* request,
                                        v1::ListOffsetsResponse* response) override {
    absl::MutexLock lock(&broker_->mu_);
    const absl::Status status = broker_->CountCall("ListOffsets");
    if (!status.ok()) return Finish(context, status);
    for (const v1::ListOffsetsRequest::Query& query : request->queries())
      Answer(query, response->add_results());
    return Finish(context, absl::OkStatus());
  }

 private:
  // A time is answered with the first batch that reaches it.
  void Answer(const v1::ListOffsetsRequest::Query& query, v1::ListOffsetsResponse::Result* result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    result->set_topic(query.topic());
    result->set_partition(query.partition());
    result->set_timestamp_ms(-1);
    const absl::Status missing = broker_->Missing(query.topic(), query.partition());
    if (!missing.ok()) {
      *result->mutable_error() = ErrorOf(missing);
      return;
    }
    const PartitionState& partition = *broker_->Find(query.topic(), query.partition());
    result->set_offset(query.earliest() ? partition.start.value() : partition.end.value());
    if (!query.has_timestamp_ms()) return;
    for (const std::string& batch : partition.batches) {
      const RecordBatchHeader header = DecodeBatchHeader(batch.data());
      if (header.max_timestamp_ms < query.timestamp_ms()) continue;
      result->set_offset(header.base_offset.value());
      result->set_timestamp_ms(header.base_timestamp_ms);
      return;
    }
  }
  FakeBroker* const broker_;
};

class FakeBroker::Admin : public v1::AdminService::CallbackService {
 public:
  explicit Admin(FakeBroker* broker) : broker_(broker) {}

  grpc::ServerUnaryReactor* DescribeTopic(grpc::CallbackServerContext* context,
                                          const v1::DescribeTopicRequest* request,
                                          v1::DescribeTopicResponse* response) override {
    absl::MutexLock lock(&broker_->mu_);
    absl::Status status = broker_->CountCall("DescribeTopic");
    if (status.ok()) status = broker_->Missing(request->name(), 0);
    if (!status.ok()) return Finish(context, status);
    const TopicState& topic = broker_->topics_.at(request->name());
    const auto count = static_cast<int32_t>(topic.partitions.size());
    response->set_name(request->name());
    response->set_topic_id("00000000-0000-0000-0000-000000000001");
    response->set_partition_count(count);
    for (const auto& [name, value] : topic.config) {
      v1::ConfigEntry& entry = *response->add_config();
      entry.set_name(name);
      entry.set_value(value);
    }
    const int32_t first = request->page_token().empty() ? 0 : std::stoi(request->page_token());
    const int32_t page = request->page_size() == 0 ? 1'000 : request->page_size();
    for (int32_t i = first; i < std::min(count, first + page); ++i) {
      v1::PartitionDescription& partition = *response->add_partitions();
      partition.set_partition(i);
      partition.set_high_watermark(topic.partitions[static_cast<size_t>(i)].end.value());
    }
    if (first + page < count) response->set_next_page_token(absl::StrCat(first + page));
    return Finish(context, absl::OkStatus());
  }

 private:
  FakeBroker* const broker_;
};

FakeBroker::FakeBroker()
    : log_(std::make_unique<Log>(this)), admin_(std::make_unique<Admin>(this)) {
  Start();
}

FakeBroker::~FakeBroker() { Stop(); }

std::string FakeBroker::address() const { return LoopbackAddress(port_); }

void FakeBroker::Start() {
  grpc::ServerBuilder builder;
  ListenOnLoopback(&builder, &port_);
  builder.RegisterService(log_.get());
  builder.RegisterService(admin_.get());
  server_ = builder.BuildAndStart();
  WEIR_CHECK(server_ != nullptr);
}

void FakeBroker::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  server_->Wait();
  server_ = nullptr;
}

void FakeBroker::AddTopic(const std::string& name, int32_t partitions,
                          const std::map<std::string, std::string>& config) {
  absl::MutexLock lock(&mu_);
  topics_[name].partitions.resize(static_cast<size_t>(partitions));
  topics_[name].config = config;
}

void FakeBroker::RemoveTopic(const std::string& name) {
  absl::MutexLock lock(&mu_);
  topics_.erase(name);
}

void FakeBroker::Append(const std::string& topic, int32_t partition,
                        const std::vector<std::string>& values) {
  RecordBatchBuilder builder;
  for (const std::string& value : values) builder.Append(1'700'000'000'000, std::nullopt, value);
  AppendBatch(topic, partition, builder.Finish({}));
}

void FakeBroker::AppendBatch(const std::string& topic, int32_t partition, std::string batch) {
  absl::MutexLock lock(&mu_);
  v1::ProduceResponse response;
  ApplyBatch(*Find(topic, partition), std::move(batch), &response);
}

void FakeBroker::SetLogStart(const std::string& topic, int32_t partition, Offset start) {
  absl::MutexLock lock(&mu_);
  PartitionState& state = *Find(topic, partition);
  state.start = start;
  std::erase_if(state.batches, [&](const std::string& batch) {
    return DecodeBatchHeader(batch.data()).next_offset() <= start;
  });
}

void FakeBroker::OnProduce(std::function<Fate(const Produced&)> script) {
  absl::MutexLock lock(&mu_);
  on_produce_ = std::move(script);
}

void FakeBroker::OnFetch(std::function<FetchFate(int)> script) {
  absl::MutexLock lock(&mu_);
  on_fetch_ = std::move(script);
}

void FakeBroker::FailNext(const std::string& method, absl::Status why) {
  absl::MutexLock lock(&mu_);
  failures_[method].push_back(std::move(why));
}

void FakeBroker::Hold() {
  absl::MutexLock lock(&mu_);
  holding_ = true;
}

void FakeBroker::Release() {
  absl::MutexLock lock(&mu_);
  holding_ = false;
  for (ProduceReactor* const stream : produce_streams_) {
    stream->AssertLocked();
    stream->Write();
  }
}

void FakeBroker::BreakStreams() {
  absl::MutexLock lock(&mu_);
  const absl::Status broken = absl::UnavailableError("the fake broker broke the stream");
  for (ProduceReactor* const stream : produce_streams_) {
    stream->AssertLocked();
    stream->End(broken);
  }
  for (FetchReactor* const stream : fetch_streams_) {
    stream->AssertLocked();
    stream->End(broken);
  }
}

void FakeBroker::AwaitProduced(int count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return static_cast<int>(produced_.size()) >= count;
  };
  mu_.Await(absl::Condition(&enough));
}

void FakeBroker::AwaitFetchStreams(int open) {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return static_cast<int>(fetch_streams_.size()) == open;
  };
  mu_.Await(absl::Condition(&enough));
}

absl::Status FakeBroker::CountCall(const std::string& method) {
  ++calls_[method];
  std::deque<absl::Status>& failures = failures_[method];
  if (failures.empty()) return absl::OkStatus();
  const absl::Status failure = failures.front();
  failures.pop_front();
  return failure;
}

FakeBroker::PartitionState* FakeBroker::Find(const std::string& topic, int32_t partition) {
  const auto found = topics_.find(topic);
  if (found == topics_.end() || partition >= static_cast<int32_t>(found->second.partitions.size()))
    return nullptr;
  return &found->second.partitions[static_cast<size_t>(partition)];
}

absl::Status FakeBroker::Missing(const std::string& topic, int32_t partition) {
  if (!topics_.contains(topic))
    return MakeError(Reason::kUnknownTopic, absl::StrCat("there is no topic ", topic));
  if (Find(topic, partition) != nullptr) return absl::OkStatus();
  return MakeError(Reason::kUnknownPartition,
                   absl::StrCat("topic ", topic, " has no partition ", partition));
}

FakeBroker::Fate FakeBroker::Receive(int stream, const v1::ProduceRequest& request,
                                     v1::ProduceResponse* response) {
  Produced produced{.number = static_cast<int>(produced_.size()),
                    .stream = stream,
                    .topic = request.topic(),
                    .partition = request.partition()};
  const auto header = ValidateBatch(request.record_batch(), limits::kRequestBytes);
  if (!header.ok()) {
    complaints_.push_back(header.status().ToString());
    return Swallow();
  }
  produced.header = *header;
  produced_.push_back(produced);
  const Fate fate = on_produce_ ? on_produce_(produced) : Normal();
  response->set_client_tag(request.client_tag());
  response->set_partition(request.partition());
  response->set_record_count(header->record_count);
  response->set_base_offset(-1);
  const absl::Status missing = Missing(request.topic(), request.partition());
  PartitionState* const partition = Find(request.topic(), request.partition());
  if (partition != nullptr && fate.answer && !fate.break_stream &&
      ++partition->unanswered > limits::kProducerBatches) {
    complaints_.push_back(
        absl::StrCat(partition->unanswered, " batches of one partition are in flight"));
  }
  if (!fate.refusal.ok()) {
    *response->mutable_error() = ErrorOf(fate.refusal);
  } else if (!missing.ok()) {
    *response->mutable_error() = ErrorOf(missing);
  } else if (fate.apply) {
    ApplyBatch(*partition, request.record_batch(), response);
  }
  return fate;
}

void FakeBroker::ApplyBatch(PartitionState& partition, std::string batch,
                            v1::ProduceResponse* response) {
  RecordBatchHeader header = DecodeBatchHeader(batch.data());
  if (header.has_producer()) {
    const auto verdict = partition.producers.Check(header, 0, limits::kProducerExpirationMs);
    if (!verdict.ok()) {
      *response->mutable_error() = ErrorOf(verdict.status());
      return;
    }
    if (verdict->duplicate) {
      response->set_duplicate(true);
      response->set_base_offset(verdict->original.value());
      return;
    }
  }
  header.base_offset = partition.end;
  SetBaseOffset(batch.data(), partition.end);
  if (header.has_producer()) partition.producers.Note(header, 0);
  response->set_base_offset(partition.end.value());
  partition.end = header.next_offset();
  partition.batches.push_back(std::move(batch));
  for (FetchReactor* const stream : fetch_streams_) {
    stream->AssertLocked();
    stream->Write();
  }
}

std::vector<FakeBroker::Produced> FakeBroker::produced() const {
  absl::MutexLock lock(&mu_);
  return produced_;
}

std::vector<std::string> FakeBroker::Decode(const std::string& topic, int32_t partition,
                                            bool keys) const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> all;
  for (const std::string& batch :
       topics_.at(topic).partitions.at(static_cast<size_t>(partition)).batches) {
    RecordReader reader(batch);
    RecordView record;
    while (reader.Next(&record))
      all.emplace_back((keys ? record.key : record.value).value_or("(none)"));
    WEIR_CHECK(reader.status().ok());
  }
  return all;
}

std::vector<std::string> FakeBroker::Values(const std::string& topic, int32_t partition) const {
  return Decode(topic, partition, /*keys=*/false);
}

std::vector<std::string> FakeBroker::Keys(const std::string& topic, int32_t partition) const {
  return Decode(topic, partition, /*keys=*/true);
}

Offset FakeBroker::EndOf(const std::string& topic, int32_t partition) const {
  absl::MutexLock lock(&mu_);
  return topics_.at(topic).partitions.at(static_cast<size_t>(partition)).end;
}

int FakeBroker::calls(const std::string& method) const {
  absl::MutexLock lock(&mu_);
  const auto found = calls_.find(method);
  return found == calls_.end() ? 0 : found->second;
}

std::vector<std::string> FakeBroker::complaints() const {
  absl::MutexLock lock(&mu_);
  return complaints_;
}

}  // namespace weir
