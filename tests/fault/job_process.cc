#include "tests/fault/job_process.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdlib>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fault/job_plan.h"

namespace weir {
namespace {

using Answer = JobReport::Answer;
using Outcome = JobReport::Outcome;
using What = JobReport::What;

constexpr size_t kLinesBytes = 4096;  // PIPE_BUF

v1::AcknowledgeType TypeOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return v1::ACKNOWLEDGE_TYPE_UNSPECIFIED;
    case Outcome::kAccept:
      return v1::ACCEPT;
    case Outcome::kRelease:
      return v1::RELEASE;
    case Outcome::kReleaseUncounted:
      return v1::RELEASE_UNCOUNTED;
    case Outcome::kReject:
      return v1::REJECT;
  }
  return v1::ACKNOWLEDGE_TYPE_UNSPECIFIED;
}

Answer AnswerOf(v1::AcknowledgeCode code) {
  if (code == v1::OK) return Answer::kOk;
  if (code == v1::ALREADY_DONE) return Answer::kAlreadyDone;
  return code == v1::LOCK_LOST ? Answer::kLockLost : Answer::kNone;
}

}  // namespace

std::string JobProcess::name() const { return WorkerName(options_.number); }

std::unique_ptr<v1::ShareService::Stub> JobProcess::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return v1::ShareService::NewStub(
      grpc::CreateCustomChannel(options_.address, grpc::InsecureChannelCredentials(), arguments));
}

void JobProcess::Report(const std::vector<JobReport>& reports) const {
  std::string lines;
  for (JobReport report : reports) {
    report.worker = options_.number;
    const std::string line = EncodeJobReport(report);
    if (lines.size() + line.size() > kLinesBytes) Print(std::exchange(lines, ""));
    lines += line;
  }
  if (!lines.empty()) Print(lines);
}

void JobProcess::Fail(const std::string& why) const {
  Report({{.what = What::kFails, .text = why}});
}

void JobProcess::TakeDelivery(const v1::Delivery& delivery) {
  std::map<int64_t, const v1::Record*> records;
  for (const v1::Record& record : delivery.records()) records[record.offset()] = &record;
  std::vector<JobReport> reports;
  for (const v1::AcquiredJobs& jobs : delivery.jobs()) {
    for (int64_t offset = jobs.first_offset(); offset <= jobs.last_offset(); ++offset) {
      const auto record = records.find(offset);
      if (record == records.end()) return Fail(absl::StrCat("job ", offset, " has no record"));
      reports.push_back(
          {.what = What::kHanded,
           .job = {.redriven = absl::StartsWith(delivery.topic(), "redrive."),
                   .partition = delivery.partition(),
                   .offset = offset},
           .token = {.epoch = jobs.lock_token().epoch(), .counter = jobs.lock_token().counter()},
           .delivery_count = jobs.delivery_count(),
           .text = record->second->value()});
      held_.push_back({delivery.topic(), record->second->value(), reports.back()});
    }
  }
  Report(reports);
}

Outcome JobProcess::Decide(const Held& job) {
  if (job.report.job.redriven) return Outcome::kAccept;  // whatever was wrong with it is mended
  switch (PlanOf(job.value)) {
    case JobPlan::kAccept:
      return Outcome::kAccept;
    case JobPlan::kFlaky:
      return job.report.delivery_count == 1 ? Outcome::kRelease : Outcome::kAccept;
    case JobPlan::kUncounted:
      return random_.Below(2) == 0 ? Outcome::kReleaseUncounted : Outcome::kAccept;
    case JobPlan::kFail:
      return Outcome::kRelease;
    case JobPlan::kReject:
      return Outcome::kReject;
  }
  return Outcome::kNone;
}

void JobProcess::SayNext() {
  const Held job = std::move(held_.front());
  held_.pop_front();
  Said said{.item = {}, .report = job.report};
  said.report.what = What::kSays;
  said.report.outcome = Decide(job);
  said.report.text.clear();
  said.item.set_topic(job.topic);
  said.item.set_partition(job.report.job.partition);
  said.item.set_first_offset(job.report.job.offset);
  said.item.mutable_lock_token()->set_epoch(job.report.token.epoch);
  said.item.mutable_lock_token()->set_counter(job.report.token.counter);
  said.item.set_type(TypeOf(said.report.outcome));
  if (said.report.outcome != Outcome::kAccept) said.item.set_error("as it was planned");
  if (said.report.outcome == Outcome::kRelease && random_.Below(4) == 0)
    said.item.set_delay_ms(static_cast<int64_t>(random_.Below(20)));
  Report({said.report});
  said_.push_back(std::move(said));
}

void JobProcess::AddRenewals(google::protobuf::RepeatedPtrField<v1::Renewal>* renewals) const {
  for (const Held& job : held_) {
    v1::Renewal* const renewal = renewals->Add();
    renewal->set_topic(job.topic);
    renewal->set_partition(job.report.job.partition);
    renewal->set_first_offset(job.report.job.offset);
    renewal->mutable_lock_token()->set_epoch(job.report.token.epoch);
    renewal->mutable_lock_token()->set_counter(job.report.token.counter);
  }
}

void JobProcess::AddSaid(size_t from,
                         google::protobuf::RepeatedPtrField<v1::Acknowledgement>* items) const {
  for (size_t i = from; i < said_.size(); ++i) *items->Add() = said_[i].item;
}

void JobProcess::TakeAnswers(
    const google::protobuf::RepeatedPtrField<v1::AcknowledgeResult>& results) {
  std::vector<JobReport> reports;
  for (const v1::AcknowledgeResult& result : results) {
    if (said_.empty()) return Fail("an answer to nothing");
    const Said said = std::move(said_.front());
    said_.pop_front();
    if (result.has_error() || result.ranges_size() != 1 || result.topic() != said.item.topic() ||
        result.partition() != said.item.partition() ||
        result.ranges(0).first_offset() != said.item.first_offset() ||
        result.ranges(0).last_offset() != said.item.first_offset()) {
      return Fail(absl::StrCat("the answer to ", said.item.ShortDebugString(), " is ",
                               result.ShortDebugString()));
    }
    reports.push_back(said.report);
    reports.back().what = What::kAnswered;
    reports.back().answer = AnswerOf(result.ranges(0).code());
  }
  Report(reports);
}

void JobProcess::TakeStatus(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return;
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto reason = trailers.find("weir-reason");
  if (reason == trailers.end()) return;  // the connection broke
  const std::string why(reason->second.data(), reason->second.size());
  if (why != "SHUTTING_DOWN") Fail(absl::StrCat(why, ": ", status.error_message()));
}

}  // namespace weir

// job_process KIND ADDRESS GROUP NUMBER
int main(int argc, char** argv) {
  if (argc != 5) return 2;
  weir::JobProcess process({.address = argv[2], .group = argv[3], .number = std::atoll(argv[4])});
  std::thread input([&process] { process.AwaitEnd(); });
  if (std::string_view(argv[1]) == "stream") {
    weir::RunStreamWorker(&process);
  } else {
    weir::RunCallWorker(&process);
  }
  input.join();
  return 0;
}
