#include "tools/cli/work_run.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/cli/command.h"
#include "tools/cli/job_command.h"
#include "tools/cli/json.h"
#include "tools/cli/output_file.h"
#include "tools/cli/stop_signal.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);

void Say(absl::string_view text) {
  std::fprintf(stderr, "weir: %.*s\n", static_cast<int>(text.size()), text.data());
}

class WorkRun {
 public:
  WorkRun(const WorkRunOptions& options, const Client& client)
      : options_(options),
        command_(options.exec, options.group),
        worker_(client,
                {.group = options.group, .name = options.name, .concurrency = options.concurrency},
                [this](const Job& job) { return Do(job); }),
        stop_([this](int number) { OnSignal(number); }) {
    made_.Notify();
  }

  int Run();

 private:
  JobResult Do(const Job& job);
  // Counts the job that is to be begun with; false: no more are.
  bool Begin();
  JobResult PrintJob(const Job& job) ABSL_LOCKS_EXCLUDED(mu_);
  void StopBecause(const JobCommand::End& end) ABSL_LOCKS_EXCLUDED(mu_);
  void OnSignal(int number);
  Progress::Text ProgressText();
  int Report(const absl::Status& end) ABSL_LOCKS_EXCLUDED(mu_);

  const WorkRunOptions& options_;
  const absl::Duration start_ = Clock::Real().Monotonic();
  JobCommand command_;
  std::atomic<int64_t> begun_ = 0;
  bool outage_told_ = false;  // the progress thread's

  absl::Mutex mu_;
  std::string why_stopped_ ABSL_GUARDED_BY(mu_);  // the command cannot run
  OutputFile out_ ABSL_GUARDED_BY(mu_){STDOUT_FILENO};
  JsonWriter json_ ABSL_GUARDED_BY(mu_);

  absl::Notification made_;  // worker_ is there
  Worker worker_;
  StopSignal stop_;
};

bool WorkRun::Begin() {
  const int64_t number = begun_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (options_.max < 0) return true;
  if (number >= options_.max) worker_.RequestStop();
  return number <= options_.max;
}

JobResult WorkRun::Do(const Job& job) {
  made_.WaitForNotification();
  if (!Begin()) return JobResult::ReleaseUncounted("the worker was told to do fewer jobs");
  if (options_.exec.empty()) return PrintJob(job);
  const JobCommand::End end = command_.Run(job);
  if (CannotRun(end)) StopBecause(end);
  return ResultOf(end);
}

JobResult WorkRun::PrintJob(const Job& job) {
  const RecordView& record = job.record;
  absl::MutexLock lock(&mu_);
  json_.Clear();
  json_.BeginObject().Key("topic").String(job.topic);
  json_.Key("partition").Int(job.partition.value()).Key("offset").Int(record.offset.value());
  json_.Key("attempt").Int(job.delivery_count).Key("timestamp_ms").Int(record.timestamp_ms);
  json_.Bytes("key", record.key).Bytes("value", record.value).Key("headers").BeginArray();
  for (const HeaderView& header : record.headers.Decode())
    json_.BeginObject().Key("key").String(header.key).Bytes("value", header.value).EndObject();
  json_.EndArray().EndObject();
  out_.buffer()->append(json_.text());
  out_.buffer()->push_back('\n');
  // Accepted once it is printed.
  if (out_.Flush()) return JobResult::Accept();
  worker_.RequestStop();
  return JobResult::ReleaseUncounted("it could not be printed");
}

void WorkRun::StopBecause(const JobCommand::End& end) {
  {
    absl::MutexLock lock(&mu_);
    if (!why_stopped_.empty()) return;
    why_stopped_ = absl::StrCat("the command cannot be run: ", ResultOf(end).error);
  }
  worker_.RequestStop();
}

void WorkRun::OnSignal(int number) {
  made_.WaitForNotification();
  if (number > 1) {
    command_.Terminate();
    _exit(kExitInterrupted);
  }
  const int64_t open = worker_.counters().open;
  worker_.RequestStop();
  if (open > 0 && isatty(STDERR_FILENO) != 0)
    Say("finishing what is at work; Ctrl-C once more gives it up");
}

Progress::Text WorkRun::ProgressText() {
  const WorkerCounters counters = worker_.counters();
  const int64_t released = counters.released + counters.released_uncounted;
  const auto per_second =
      static_cast<int64_t>(static_cast<double>(counters.accepted) /
                           absl::ToDoubleSeconds(Clock::Real().Monotonic() - start_));
  Progress::Text text;
  text.bar = absl::StrCat(WithCommas(counters.accepted), " jobs accepted, ", WithCommas(per_second),
                          " per second, ", WithCommas(counters.open), " in hand");
  if (released > 0) absl::StrAppend(&text.bar, ", ", WithCommas(released), " released");
  if (counters.rejected > 0)
    absl::StrAppend(&text.bar, ", ", WithCommas(counters.rejected), " rejected");
  text.line = absl::StrCat("progress accepted=", counters.accepted, " released=", released,
                           " rejected=", counters.rejected, " open=", counters.open,
                           " lock_lost=", counters.lock_lost, " per_second=", per_second);
  const absl::Status trouble = worker_.last_error();
  const bool outage = !trouble.ok() && !stop_.requested();
  if (outage && !outage_told_) {
    const std::string hint = HintFor(trouble);
    text.notice = absl::StrCat("weir: ", ErrorText(trouble), "; trying again until it goes on",
                               hint.empty() ? "" : "\nhint: ", hint);
  }
  outage_told_ = outage;
  return text;
}

int WorkRun::Report(const absl::Status& end) {
  const WorkerCounters counters = worker_.counters();
  const double seconds = absl::ToDoubleSeconds(Clock::Real().Monotonic() - start_);
  std::string summary =
      absl::StrCat(counters.accepted, " jobs accepted in ", absl::StrFormat("%.1f", seconds), " s");
  const auto add = [&](int64_t count, absl::string_view what) {
    if (count > 0) absl::StrAppend(&summary, ", ", count, " ", what);
  };
  add(counters.released, "released");
  add(counters.released_uncounted, "released without counting");
  add(counters.rejected, "rejected");
  add(counters.lock_lost, "lost their lock");
  add(counters.already_done, "were done before");
  add(counters.refused, "refused");
  add(counters.unanswered, "without an answer");
  Say(summary);
  if (!end.ok()) return Fail(end);
  absl::MutexLock lock(&mu_);
  if (!out_.status().ok()) return Fail(out_.status());
  if (why_stopped_.empty()) return kExitOk;
  Say(why_stopped_);
  std::fprintf(stderr,
               "hint: statuses 126 and 127 mean that a command is not executable or not there; the "
               "job went back and does not count as tried\n");
  return kExitFailed;
}

int WorkRun::Run() {
  absl::Status end;
  {
    Progress progress(options_.progress, kProgressInterval, [this] { return ProgressText(); });
    end = worker_.Wait();
  }
  return Report(end);
}

}  // namespace

int RunWork(const WorkRunOptions& options, const Client& client) {
  return WorkRun(options, client).Run();
}

}  // namespace weir
