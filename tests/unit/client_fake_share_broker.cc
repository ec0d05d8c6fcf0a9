#include "tests/unit/client_fake_share_broker.h"

#include <grpcpp/server_builder.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_batch_builder.h"
#include "tests/unit/client_fake_server.h"
#include "tests/unit/client_fake_status.h"
#include "weir/v1/share.grpc.pb.h"

namespace weir {
namespace {

constexpr int32_t kEpoch = 7;
constexpr int64_t kMostCredits = 100'000;

int64_t LastOf(int64_t first, int64_t last) { return last == 0 ? first : last; }

}  // namespace

// One Work call. Guarded by the broker's mutex.
class FakeShareBroker::Reactor : public grpc::ServerBidiReactor<v1::WorkRequest, v1::WorkResponse> {
 public:
  Reactor(FakeShareBroker* broker, grpc::CallbackServerContext* context)
      : broker_(broker), context_(context) {
    absl::MutexLock lock(&broker_->mu_);
    broker_->streams_.insert(this);
    if (!broker_->failures_.empty()) {
      End(broker_->failures_.front());
      broker_->failures_.pop_front();
      return;
    }
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&broker_->mu_);
    if (ended_) return;
    if (!ok) {
      half_closed_ = true;
      if (session_ != 0) {
        broker_->GiveBack(session_);
        broker_->sessions_.erase(session_);
      }
      return Write();
    }
    Take();
    if (!ended_) StartRead(&request_);
    Write();
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
      broker_->streams_.erase(this);
    }
    delete this;
  }
  // Tells the analysis that this is the broker's mutex that its caller holds.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(broker_->mu_) { broker_->mu_.AssertHeld(); }

  int64_t session() const { return session_; }
  int64_t credits() const { return half_closed_ || ended_ ? 0 : credits_; }
  void Send(v1::Delivery delivery) {
    for (const v1::AcquiredJobs& jobs : delivery.jobs())
      credits_ -= jobs.last_offset() - jobs.first_offset() + 1;
    *out_.emplace_back().add_deliveries() = std::move(delivery);
  }
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    if (ended_ || writing_) return;
    if (!broker_->holding_ && !answers_.empty()) {
      out_.push_back(std::move(answers_.front()));
      answers_.pop_front();
    }
    if (out_.empty()) {
      if (half_closed_ && answers_.empty()) End(absl::OkStatus());
      return;
    }
    response_ = std::move(out_.front());
    out_.pop_front();
    writing_ = true;
    StartWrite(&response_);
  }
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    grpc::ServerBidiReactor<v1::WorkRequest, v1::WorkResponse>::Finish(
        GrpcStatusOf(context_, status));
  }

 private:
  void Complain(std::string what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    broker_->complaints_.push_back(std::move(what));
  }
  void Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    if (request_.has_join() != (session_ == 0)) Complain("a join that is not the first message");
    if (request_.has_join()) return Join(request_.join());
    credits_ += request_.credits();
    if (request_.credits() < 0 || credits_ > kMostCredits)
      Complain(absl::StrCat(credits_, " credits are open"));
    TakeItems();
    broker_->Deliver();
  }
  void Join(const v1::WorkJoin& join) ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    broker_->joins_.push_back(join);
    const bool resumed = broker_->sessions_.contains(join.session_id());
    session_ = resumed ? join.session_id() : broker_->next_id_++;
    broker_->sessions_.insert(session_);
    v1::WorkResponse::Session* const session = out_.emplace_back().mutable_session();
    session->set_session_id(session_);
    session->set_resumed(resumed);
    session->set_ack_timeout_ms(broker_->ack_timeout_ms_);
  }
  void TakeItems() ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_->mu_) {
    v1::WorkResponse answer;
    if (request_.acknowledge_size() > 10'000) Complain("more than 10,000 acknowledgements");
    for (const v1::Acknowledgement& item : request_.acknowledge()) {
      broker_->said_.push_back(item);
      if (!broker_->lose_acknowledgements_) *answer.add_acknowledged() = broker_->Acknowledge(item);
    }
    for (const v1::Renewal& item : request_.renew()) {
      broker_->renewals_.push_back(item);
      *answer.add_renewed() = broker_->Renew(item);
    }
    if (request_.acknowledge_size() > 0 && (std::exchange(broker_->lose_acknowledgements_, false) ||
                                            std::exchange(broker_->lose_answer_, false)))
      return End(absl::UnavailableError("the fake broker broke the stream"));
    if (request_.acknowledge_size() > 0 || request_.renew_size() > 0)
      answers_.push_back(std::move(answer));
  }

  FakeShareBroker* const broker_;
  grpc::CallbackServerContext* const context_;
  v1::WorkRequest request_;
  v1::WorkResponse response_;
  std::deque<v1::WorkResponse> out_;
  std::deque<v1::WorkResponse> answers_;
  int64_t session_ = 0;
  int64_t credits_ = 0;
  bool half_closed_ = false;
  bool writing_ = false;
  bool ended_ = false;
};

class FakeShareBroker::Service : public v1::ShareService::CallbackService {
 public:
  explicit Service(FakeShareBroker* broker) : broker_(broker) {}
  grpc::ServerBidiReactor<v1::WorkRequest, v1::WorkResponse>* Work(
      grpc::CallbackServerContext* context) override {
    return new Reactor(broker_, context);
  }

 private:
  FakeShareBroker* const broker_;
};

FakeShareBroker::FakeShareBroker() : service_(std::make_unique<Service>(this)) {
  grpc::ServerBuilder builder;
  ListenOnLoopback(&builder, &port_);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  WEIR_CHECK(server_ != nullptr);
}

FakeShareBroker::~FakeShareBroker() { server_->Shutdown(std::chrono::system_clock::time_point()); }

std::string FakeShareBroker::address() const { return LoopbackAddress(port_); }

void FakeShareBroker::SetAckTimeout(int64_t ms) {
  absl::MutexLock lock(&mu_);
  ack_timeout_ms_ = ms;
}

int64_t FakeShareBroker::Append(const std::string& topic, int32_t partition,
                                const std::vector<std::string>& values,
                                const std::set<size_t>& passed_over) {
  absl::MutexLock lock(&mu_);
  RecordBatchBuilder builder;
  for (const std::string& value : values)
    builder.Append(1'700'000'000'000, absl::string_view("key"), value);
  Partition& log = topics_[topic][partition];
  const int64_t first = log.end;
  log.batches.push_back(builder.Finish({.base_offset = Offset(first)}));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!passed_over.contains(i)) jobs_[{topic, partition, log.end}] = {};
    ++log.end;
  }
  Deliver();
  return first;
}

void FakeShareBroker::Damage(const std::string& topic, int32_t partition, int64_t offset) {
  absl::MutexLock lock(&mu_);
  for (std::string& batch : topics_[topic][partition].batches) {
    const RecordBatchHeader header = DecodeBatchHeader(batch.data());
    if (header.base_offset.value() <= offset && offset < header.next_offset().value())
      batch.back() ^= 1;
  }
}

void FakeShareBroker::HoldAnswers() {
  absl::MutexLock lock(&mu_);
  holding_ = true;
}

void FakeShareBroker::ReleaseAnswers() {
  absl::MutexLock lock(&mu_);
  holding_ = false;
  for (Reactor* const stream : streams_) {
    stream->AssertLocked();
    stream->Write();
  }
}

void FakeShareBroker::LoseNextAcknowledgements() {
  absl::MutexLock lock(&mu_);
  lose_acknowledgements_ = true;
}

void FakeShareBroker::LoseNextAnswer() {
  absl::MutexLock lock(&mu_);
  lose_answer_ = true;
}

void FakeShareBroker::RefuseNext(absl::Status why) {
  absl::MutexLock lock(&mu_);
  refusals_.push_back(std::move(why));
}

void FakeShareBroker::EndStreams(const absl::Status& status) {
  for (Reactor* const stream : streams_) {
    stream->AssertLocked();
    stream->End(status);
  }
}

void FakeShareBroker::BreakStreams() {
  absl::MutexLock lock(&mu_);
  EndStreams(absl::UnavailableError("the fake broker broke the stream"));
}

void FakeShareBroker::BreakStreamsAndForget() {
  absl::MutexLock lock(&mu_);
  EndStreams(absl::UnavailableError("the fake broker broke the stream"));
  for (const int64_t session : std::exchange(sessions_, {})) GiveBack(session);
}

void FakeShareBroker::FailNext(absl::Status why) {
  absl::MutexLock lock(&mu_);
  failures_.push_back(std::move(why));
}

void FakeShareBroker::HandToAnother(const JobId& job) {
  absl::MutexLock lock(&mu_);
  JobEntry& entry = jobs_.at(job);
  entry.state = JobState::kAcquired;
  entry.token = next_id_++;
  entry.session = 0;
  ++entry.deliveries;
}

void FakeShareBroker::GiveBack(int64_t session) {
  for (auto& [id, job] : jobs_) {
    if (job.state != JobState::kAcquired || job.session != session) continue;
    job.state = JobState::kAvailable;
    --job.deliveries;
  }
}

void FakeShareBroker::Deliver() {
  for (Reactor* const stream : streams_) {
    stream->AssertLocked();
    while (stream->credits() > 0) {
      std::optional<v1::Delivery> delivery = Acquire(stream->session(), stream->credits());
      if (!delivery.has_value()) break;
      stream->Send(*std::move(delivery));
    }
    stream->Write();
  }
  most_acquired_ = std::max(most_acquired_, Count(JobState::kAcquired));
}

std::optional<v1::Delivery> FakeShareBroker::Acquire(int64_t session, int64_t credits) {
  v1::Delivery delivery;
  for (auto& [id, job] : jobs_) {
    if (job.state != JobState::kAvailable) continue;
    if (delivery.jobs_size() > 0 &&
        (delivery.topic() != id.topic || delivery.partition() != id.partition))
      break;
    if (credits-- == 0) break;
    delivery.set_topic(id.topic);
    delivery.set_partition(id.partition);
    job.state = JobState::kAcquired;
    job.session = session;
    ++job.deliveries;
    v1::AcquiredJobs* last =
        delivery.jobs_size() > 0 ? &*delivery.mutable_jobs()->rbegin() : nullptr;
    if (last == nullptr || last->last_offset() + 1 != id.offset ||
        last->delivery_count() != job.deliveries) {
      last = delivery.add_jobs();
      last->set_first_offset(id.offset);
      last->set_delivery_count(job.deliveries);
      last->mutable_lock_token()->set_epoch(kEpoch);
      last->mutable_lock_token()->set_counter(next_id_++);
    }
    last->set_last_offset(id.offset);
    job.token = last->lock_token().counter();
  }
  if (delivery.jobs_size() == 0) return std::nullopt;
  const int64_t first = delivery.jobs(0).first_offset();
  const int64_t last = delivery.jobs().rbegin()->last_offset();
  for (const std::string& batch : topics_[delivery.topic()][delivery.partition()].batches) {
    const RecordBatchHeader header = DecodeBatchHeader(batch.data());
    if (header.base_offset.value() <= last && header.last_offset().value() >= first)
      *delivery.mutable_record_batches() += batch;
  }
  return delivery;
}

v1::AcknowledgeCode FakeShareBroker::Apply(const v1::Acknowledgement& item, JobEntry& job) {
  if (job.state == JobState::kDone || job.state == JobState::kDead) return v1::ALREADY_DONE;
  const bool held = job.state == JobState::kAcquired && job.token == item.lock_token().counter() &&
                    item.lock_token().epoch() == kEpoch;
  const bool nobody = job.state != JobState::kAcquired;
  if (!held && !(nobody && item.type() == v1::ACCEPT)) return v1::LOCK_LOST;
  switch (item.type()) {
    case v1::ACCEPT:
      job.state = JobState::kDone;
      break;
    case v1::REJECT:
      job.state = JobState::kDead;
      break;
    case v1::RELEASE_UNCOUNTED:
      --job.deliveries;
      [[fallthrough]];
    default:
      job.state = item.has_delay_ms() ? JobState::kDelayed : JobState::kAvailable;
  }
  return v1::OK;
}

v1::AcknowledgeResult FakeShareBroker::Acknowledge(const v1::Acknowledgement& item) {
  v1::AcknowledgeResult result;
  result.set_topic(item.topic());
  result.set_partition(item.partition());
  if (!refusals_.empty()) {
    *result.mutable_error() = ErrorOf(refusals_.front());
    refusals_.pop_front();
    return result;
  }
  if (item.error().size() > 4'096) complaints_.push_back("an error text over 4,096 bytes");
  const int64_t last = LastOf(item.first_offset(), item.last_offset());
  for (int64_t offset = item.first_offset(); offset <= last; ++offset) {
    const auto job = jobs_.find({item.topic(), item.partition(), offset});
    if (job == jobs_.end()) {
      complaints_.push_back(absl::StrCat("offset ", offset, " is no job"));
      break;
    }
    const v1::AcknowledgeCode code = Apply(item, job->second);
    if (result.ranges_size() == 0 || result.ranges().rbegin()->code() != code) {
      v1::AcknowledgeResult::Range* const range = result.add_ranges();
      range->set_first_offset(offset);
      range->set_code(code);
    }
    result.mutable_ranges()->rbegin()->set_last_offset(offset);
  }
  return result;
}

v1::AcknowledgeResult FakeShareBroker::Renew(const v1::Renewal& item) {
  v1::AcknowledgeResult result;
  result.set_topic(item.topic());
  result.set_partition(item.partition());
  const int64_t last = LastOf(item.first_offset(), item.last_offset());
  for (int64_t offset = item.first_offset(); offset <= last; ++offset) {
    const auto job = jobs_.find({item.topic(), item.partition(), offset});
    const bool held = job != jobs_.end() && job->second.state == JobState::kAcquired &&
                      job->second.token == item.lock_token().counter();
    v1::AcknowledgeResult::Range* const range = result.add_ranges();
    range->set_first_offset(offset);
    range->set_last_offset(offset);
    range->set_code(held ? v1::OK : v1::LOCK_LOST);
  }
  return result;
}

int64_t FakeShareBroker::Count(JobState state) const {
  return std::count_if(jobs_.begin(), jobs_.end(),
                       [&](const auto& entry) { return entry.second.state == state; });
}

int64_t FakeShareBroker::Credits() const {
  int64_t credits = 0;
  for (const Reactor* const stream : streams_) credits += stream->credits();
  return credits;
}

void FakeShareBroker::AwaitCount(JobState state, int64_t jobs) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return Count(state) >= jobs; };
  mu_.Await(absl::Condition(&enough));
}

void FakeShareBroker::AwaitSaid(size_t acknowledgements) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return said_.size() >= acknowledgements;
  };
  mu_.Await(absl::Condition(&enough));
}

void FakeShareBroker::AwaitRenewals(size_t renewals) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]()
                          ABSL_SHARED_LOCKS_REQUIRED(mu_) { return renewals_.size() >= renewals; };
  mu_.Await(absl::Condition(&enough));
}

void FakeShareBroker::AwaitJoins(size_t joins) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return joins_.size() >= joins; };
  mu_.Await(absl::Condition(&enough));
}

void FakeShareBroker::AwaitCredits(int64_t credits) const {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return Credits() >= credits; };
  mu_.Await(absl::Condition(&enough));
}

FakeShareBroker::JobState FakeShareBroker::StateOf(const JobId& job) const {
  absl::MutexLock lock(&mu_);
  return jobs_.at(job).state;
}

int64_t FakeShareBroker::CountOf(JobState state) const {
  absl::MutexLock lock(&mu_);
  return Count(state);
}

int FakeShareBroker::DeliveriesOf(const JobId& job) const {
  absl::MutexLock lock(&mu_);
  return jobs_.at(job).deliveries;
}

std::vector<v1::WorkJoin> FakeShareBroker::joins() const {
  absl::MutexLock lock(&mu_);
  return joins_;
}

std::vector<v1::Acknowledgement> FakeShareBroker::said() const {
  absl::MutexLock lock(&mu_);
  return said_;
}

std::vector<v1::Renewal> FakeShareBroker::renewals() const {
  absl::MutexLock lock(&mu_);
  return renewals_;
}

int64_t FakeShareBroker::most_acquired() const {
  absl::MutexLock lock(&mu_);
  return most_acquired_;
}

std::vector<std::string> FakeShareBroker::complaints() const {
  absl::MutexLock lock(&mu_);
  return complaints_;
}

}  // namespace weir
