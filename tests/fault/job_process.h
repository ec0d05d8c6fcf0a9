// JobProcess: the program that is one worker of a share group and reports on its standard output
// what it is handed, says and is told of every job (job_report.h), so that it can be killed with
// -9. It leaves when its standard input ends. Two kinds, both nothing but the generated stub: one
// holds a stream of Work, the other calls Acquire and Acknowledge. One thread, but for ProcessLife.
#ifndef WEIR_TESTS_FAULT_JOB_PROCESS_H_
#define WEIR_TESTS_FAULT_JOB_PROCESS_H_

#include <grpcpp/client_context.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fault/job_report.h"
#include "tests/fault/process_life.h"
#include "tests/support/sim_random.h"
#include "weir/v1/share.grpc.pb.h"

namespace weir {

struct JobProcessOptions {
  std::string address;  // of the broker
  std::string group;
  int64_t number = 0;  // of this process; the seed of its draws
};

class JobProcess : public ProcessLife {
 public:
  explicit JobProcess(JobProcessOptions options)
      : options_(std::move(options)), random_(static_cast<uint64_t>(options_.number)) {}

  const JobProcessOptions& options() const { return options_; }
  std::string name() const;
  SimRandom& random() { return random_; }
  std::unique_ptr<v1::ShareService::Stub> Connect() const;

  // It was handed these.
  void TakeDelivery(const v1::Delivery& delivery);
  size_t held() const { return held_.size(); }
  // Decides what becomes of the job that it has held longest, and says so.
  void SayNext();
  // Every job that it holds, as far as it has not said what becomes of it.
  void AddRenewals(google::protobuf::RepeatedPtrField<v1::Renewal>* renewals) const;
  // What was said and is not answered, from the `from`-th on.
  void AddSaid(size_t from, google::protobuf::RepeatedPtrField<v1::Acknowledgement>* items) const;
  size_t unanswered() const { return said_.size(); }
  // The answers to the first of those, in order.
  void TakeAnswers(const google::protobuf::RepeatedPtrField<v1::AcknowledgeResult>& results);
  // A call has ended so; it is to be tried again, or that is wrong.
  void TakeStatus(const grpc::Status& status, const grpc::ClientContext& context);

 private:
  struct Held {
    std::string topic;
    std::string value;
    JobReport report;  // as it was handed out
  };
  struct Said {
    v1::Acknowledgement item;
    JobReport report;
  };

  JobReport::Outcome Decide(const Held& job);
  void Report(const std::vector<JobReport>& reports) const;
  void Fail(const std::string& why) const;

  const JobProcessOptions options_;
  SimRandom random_;
  std::deque<Held> held_;
  std::deque<Said> said_;
};

// Each is a worker until the process is to leave.
void RunStreamWorker(JobProcess* process);
void RunCallWorker(JobProcess* process);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_PROCESS_H_
