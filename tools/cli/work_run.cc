#include "tools/cli/work_run.h"

#include <unistd.h>

#include <algorithm>
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
#include "storage/base/executor.h"
#include "tools/cli/command.h"
#include "tools/cli/job_command.h"
#include "tools/cli/outage_notice.h"
#include "tools/cli/output_file.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/stop_signal.h"
#include "weir/group_admin.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);
// Without an answer for so long, a person wants to know.
constexpr absl::Duration kPatience = absl::Seconds(1);
// What is given up has so long to end by itself.
constexpr absl::Duration kGiveUpTime = absl::Seconds(1);
// A worker without jobs looks so often whether its group is paused.
constexpr absl::Duration kPauseLook = absl::Seconds(5);

void Say(absl::string_view text) {
  std::fprintf(stderr, "weir: %.*s\n", static_cast<int>(text.size()), text.data());
}

// No more jobs are at hand than it is to do.
WorkerOptions WorkerOptionsOf(const WorkRunOptions& options) {
  WorkerOptions worker{
      .group = options.group, .name = options.name, .concurrency = options.concurrency};
  if (options.max < 0) return worker;
  worker.concurrency = static_cast<int>(std::min<int64_t>(worker.concurrency, options.max));
  worker.max_open_jobs = std::min(worker.max_open_jobs, options.max);
  return worker;
}

class WorkRun {
 public:
  WorkRun(const WorkRunOptions& options, const Client& client)
      : options_(options),
        command_(options.exec, options.group),
        admin_(client),
        worker_(client, WorkerOptionsOf(options), [this](const Job& job) { return Do(job); }),
        closers_("closer", 2),
        stop_([this](int number) { OnSignal(number); }) {
    made_.Notify();
  }

  int Run() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  JobResult Do(const Job& job) ABSL_LOCKS_EXCLUDED(mu_);
  // Counts the job that is to be begun with; false: no more are.
  bool Begin() ABSL_LOCKS_EXCLUDED(mu_);
  JobResult RunCommand(const Job& job) ABSL_LOCKS_EXCLUDED(mu_);
  JobResult PrintJob(const Job& job) ABSL_LOCKS_EXCLUDED(print_mu_);
  void StopBecause(const JobCommand::End& end) ABSL_LOCKS_EXCLUDED(mu_);

  void OnSignal(int number) ABSL_LOCKS_EXCLUDED(mu_);
  void FinishAndStop() ABSL_LOCKS_EXCLUDED(mu_);
  void GiveUp() ABSL_LOCKS_EXCLUDED(mu_);
  // Gives how many go on all the same.
  int AwaitJobs(const absl::Status& end) ABSL_LOCKS_EXCLUDED(mu_);

  Progress::Text ProgressText();
  std::string PauseNotice(const WorkerCounters& counters);
  int Report(const absl::Status& end) ABSL_LOCKS_EXCLUDED(mu_, print_mu_);

  const WorkRunOptions& options_;
  const absl::Duration start_ = Clock::Real().Monotonic();
  JobCommand command_;

  // The progress thread's.
  OutageNotice outage_;
  GroupAdmin admin_;
  bool pause_told_ = false;
  int64_t received_ = 0;                                 // when it last looked
  absl::Duration pause_look_at_ = absl::ZeroDuration();  // monotonic

  absl::Mutex mu_;
  int64_t begun_ ABSL_GUARDED_BY(mu_) = 0;
  int at_work_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;       // no job is begun with any more
  bool over_ ABSL_GUARDED_BY(mu_) = false;           // the worker is
  bool given_up_ ABSL_GUARDED_BY(mu_) = false;       // nobody waits for jobs any more
  std::string why_stopped_ ABSL_GUARDED_BY(mu_);     // the command cannot run
  bool by_its_status_ ABSL_GUARDED_BY(mu_) = false;  // it says so

  absl::Mutex print_mu_;  // apart: who prints may wait for a reader
  OutputFile out_ ABSL_GUARDED_BY(print_mu_){STDOUT_FILENO};
  RecordPrinter printer_ ABSL_GUARDED_BY(print_mu_){{.output = OutputFormat::kJson}};

  absl::Notification made_;  // all of it is there
  Worker worker_;
  ThreadExecutor closers_;  // one for each of the first two signals
  StopSignal stop_;
};

bool WorkRun::Begin() {
  int64_t number;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return false;
    number = ++begun_;
    if (options_.max >= 0 && number > options_.max) return false;
    ++at_work_;
  }
  if (number == options_.max) worker_.RequestStop();
  return true;
}

JobResult WorkRun::Do(const Job& job) {
  made_.WaitForNotification();
  if (!Begin()) return JobResult::ReleaseUncounted("the worker does no more jobs");
  JobResult result = options_.exec.empty() ? PrintJob(job) : RunCommand(job);
  absl::MutexLock lock(&mu_);
  --at_work_;
  return result;
}

JobResult WorkRun::RunCommand(const Job& job) {
  const JobCommand::End end = command_.Run(job);
  if (CannotRun(end)) StopBecause(end);
  return ResultOf(end);
}

JobResult WorkRun::PrintJob(const Job& job) {
  {
    absl::MutexLock lock(&print_mu_);
    printer_.AppendJob(job, out_.buffer());
    // Accepted once it is printed.
    if (out_.Flush()) return JobResult::Accept();
  }
  worker_.RequestStop();
  return JobResult::ReleaseUncounted("it could not be printed");
}

void WorkRun::StopBecause(const JobCommand::End& end) {
  {
    absl::MutexLock lock(&mu_);
    if (!why_stopped_.empty()) return;
    why_stopped_ =
        absl::StrCat("the command '", options_.exec, "' cannot be run: ", ResultOf(end).error);
    by_its_status_ = end.start_error == 0;
  }
  worker_.RequestStop();
}

// The first finishes what is at work, the second gives it up, the third leaves everything.
void WorkRun::OnSignal(int number) {
  made_.WaitForNotification();
  if (number > 2) _exit(kExitInterrupted);
  int at_work;
  bool over;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    at_work = at_work_;
    over = over_;
  }
  if (number == 2 || over) {
    if (at_work > 0) Say("giving up what is at work; it goes back and does not count as tried");
    return GiveUp();
  }
  if (at_work > 0) Say("finishing what is at work; Ctrl-C once more gives it up");
  worker_.RequestStop();
  closers_.Post([this] { FinishAndStop(); });
}

void WorkRun::FinishAndStop() {
  {
    absl::MutexLock lock(&mu_);
    const auto no_job = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return at_work_ == 0 || given_up_;
    };
    mu_.Await(absl::Condition(&no_job));
    if (given_up_) return;
  }
  const absl::Duration patience = std::min(kPatience, options_.stop_timeout);
  if (!absl::IsDeadlineExceeded(worker_.Wait(patience))) return;
  Say(absl::StrCat("waiting at most ", absl::FormatDuration(options_.stop_timeout),
                   " for answers of the broker; Ctrl-C once more does not"));
  worker_.Stop(options_.stop_timeout - patience).IgnoreError();  // Run has its end
}

void WorkRun::GiveUp() {
  {
    absl::MutexLock lock(&mu_);
    given_up_ = true;
  }
  command_.Terminate();
  closers_.Post([this] { worker_.Stop(kGiveUpTime).IgnoreError(); });
}

int WorkRun::AwaitJobs(const absl::Status& end) {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = over_ = true;
    if (at_work_ == 0) return 0;
    if (given_up_) return at_work_;
  }
  // Nobody hears any more what becomes of them.
  Say(absl::StrCat("the worker has ended (", ErrorText(end), "); ending what is at work"));
  command_.Terminate();
  absl::MutexLock lock(&mu_);
  const auto no_job = [this]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return at_work_ == 0 || given_up_; };
  mu_.Await(absl::Condition(&no_job));
  return at_work_;
}

std::string WorkRun::PauseNotice(const WorkerCounters& counters) {
  const absl::Duration now = Clock::Real().Monotonic();
  const bool idle = std::exchange(received_, counters.received) == counters.received &&
                    counters.open == 0 && worker_.last_error().ok() && !stop_.requested();
  if (!idle) pause_look_at_ = now + kPauseLook;
  if (now < pause_look_at_) return "";
  pause_look_at_ = now + kPauseLook;
  const auto group = admin_.Describe(options_.group);
  if (!group.ok()) return "";  // the worker tells what is wrong
  if (std::exchange(pause_told_, group->paused) || !group->paused) return "";
  return absl::StrCat("weir: group '", options_.group, "' is paused",
                      group->paused_by_breaker ? " by its breaker: too many jobs died" : "",
                      "; nobody is given its jobs\nhint: 'weir group resume ", options_.group,
                      "' lets it go on");
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
  text.notice = outage_.Note(stop_.requested() ? absl::OkStatus() : worker_.last_error());
  if (text.notice.empty()) text.notice = PauseNotice(counters);
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
  absl::MutexLock lock(&mu_);
  if (!end.ok()) Fail(end);
  if (given_up_) return kExitInterrupted;
  if (!end.ok()) return kExitFailed;
  {
    absl::MutexLock print_lock(&print_mu_);
    if (!out_.status().ok()) return Fail(out_.status());
  }
  if (why_stopped_.empty()) return kExitOk;
  Say(why_stopped_);
  if (by_its_status_) {
    std::fprintf(stderr,
                 "hint: statuses 126 and 127 mean that a command is not executable or not there; "
                 "the job went back and does not count as tried\n");
  }
  return kExitFailed;
}

int WorkRun::Run() {
  absl::Status end;
  {
    Progress progress(options_.progress, kProgressInterval, [this] { return ProgressText(); });
    end = worker_.Wait();
  }
  const int left_behind = AwaitJobs(end);
  const int status = Report(end);
  if (left_behind == 0) return status;
  if (!options_.exec.empty()) Say("there are commands that go on by themselves");
  _exit(status);
}

}  // namespace

int RunWork(const WorkRunOptions& options, const Client& client) {
  return WorkRun(options, client).Run();
}

}  // namespace weir
