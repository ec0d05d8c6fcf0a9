#include "client/src/worker_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

using client::JobParcel;

constexpr int kThreadsMost = 1'000;
// Whoever works looks this often whether something is to be said.
constexpr absl::Duration kLook = absl::Microseconds(200);
// A broker that was told that the worker leaves has so long to say that it heard.
constexpr absl::Duration kLeaveTimeout = absl::Seconds(5);
constexpr absl::Duration kResumeTime = absl::Milliseconds(limits::kSessionResumeMs);

WorkerOptions Bounded(WorkerOptions options, const std::string& client_id) {
  options.concurrency = std::clamp(options.concurrency, 0, kThreadsMost);
  options.max_open_jobs = std::clamp<int64_t>(options.max_open_jobs, 1, client::kOpenJobsMost);
  if (options.name.empty()) options.name = client_id;
  options.name = WellFormedUtf8(options.name, limits::kWorkerNameBytes);
  return options;
}

}  // namespace

Worker::Core::Core(std::shared_ptr<client::Channel> channel, WorkerOptions options, Handler handler)
    : channel_(std::move(channel)),
      options_(Bounded(std::move(options), channel_->options().client_id)),
      handler_(std::move(handler)),
      ledger_({.threads = options_.concurrency, .max_open = options_.max_open_jobs}) {
  if (options_.concurrency > 0) {
    threads_ = std::make_unique<ThreadExecutor>("weir-jobs", options_.concurrency);
    for (int i = 0; i < options_.concurrency; ++i) threads_->Post([this] { RunThread(); });
  }
  control_ = std::make_unique<ThreadExecutor>("weir-worker", 1);
  control_->Post([this] { Control(); });
}

Worker::Core::~Core() {
  std::shared_ptr<WorkStream> stream;
  {
    absl::MutexLock lock(&mu_);
    threads_end_ = control_ends_ = true;
    work_.SignalAll();
    changed_.SignalAll();
  }
  control_.reset();  // no stream is opened any more
  {
    absl::MutexLock lock(&mu_);
    stream = stream_;
  }
  if (stream != nullptr) stream->Cancel(absl::CancelledError("the worker was given up"));
  threads_.reset();
  absl::MutexLock lock(&mu_);
  const auto gone = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stream_ == nullptr; };
  mu_.Await(absl::Condition(&gone));
}

// The stream.

std::string Worker::Core::JoinMessage() const {
  v1::WorkRequest request;
  v1::WorkJoin* const join = request.mutable_join();
  join->set_group(options_.group);
  join->set_worker(options_.name);
  join->set_session_id(session_id_);
  join->set_format(v1::RECORD_BATCH);
  join->set_max_bytes(options_.fetch_bytes);
  return request.SerializeAsString();
}

void Worker::Core::OnWorkWritten(WorkStream* stream) {
  {
    absl::MutexLock lock(&mu_);
    if (stream_.get() != stream) return;
    writing_ = false;
  }
  Pump();
}

void Worker::Core::OnWorkMessage(WorkStream* stream, const SharedBytes& message) {
  const auto response = client::DecodeWork(message);
  if (!response.ok()) return stream->Cancel(response.status());
  std::vector<Parcel> parcels;
  for (const v1::Delivery& delivery : (*response)->deliveries()) {
    auto parcel = JobParcel::Make(delivery, *response, client::kOpenJobsMost);
    if (!parcel.ok()) return stream->Cancel(parcel.status());
    parcels.push_back(*std::move(parcel));
  }
  if (const absl::Status taken = Take(stream, **response, std::move(parcels)); !taken.ok())
    return stream->Cancel(taken);
  stream->Read();
  Pump();
  if (threads_ == nullptr) RunInline();
}

absl::Status Worker::Core::Take(WorkStream* stream, const v1::WorkResponse& response,
                                std::vector<Parcel> parcels) {
  absl::MutexLock lock(&mu_);
  if (stream_.get() != stream || over_) return absl::OkStatus();
  const absl::Duration now = clock_.Monotonic();
  if (response.has_session()) {
    const bool resumed = response.session().resumed() && session_id_ != 0;
    session_id_ = response.session().session_id();
    ledger_.Join(resumed, absl::Milliseconds(response.session().ack_timeout_ms()));
    joined_ = true;
    failures_ = 0;
    connection_error_ = absl::OkStatus();
    cut_off_at_ = absl::InfiniteDuration();
  }
  WEIR_RETURN_IF_ERROR(ledger_.TakeAnswers(response, now));
  // What comes after a stop goes back by the end of the stream.
  if (stopping_) parcels.clear();
  for (Parcel& parcel : parcels) {
    ledger_.Add(parcel, now);
    for (size_t i = 0; i < std::min(parcel->size(), static_cast<size_t>(options_.concurrency)); ++i)
      work_.Signal();
    queue_.push_back(std::move(parcel));
  }
  LookInTime();
  return absl::OkStatus();
}

void Worker::Core::LookInTime() {
  if (!MayWrite()) return;  // else when it is written
  const absl::Duration at = ledger_.NextTime();
  if (at >= looks_at_) return;
  looks_at_ = at;
  changed_.SignalAll();
}

void Worker::Core::Pump() {
  std::shared_ptr<WorkStream> stream;
  std::optional<v1::WorkRequest> request;
  bool last = false;
  {
    absl::MutexLock lock(&mu_);
    if (!MayWrite()) return;
    request = ledger_.Next(clock_.Monotonic());
    last = stopping_ && (forced_ ? ledger_.nothing_gathered() : ledger_.all_said());
    if (!request.has_value() && !last) return LookInTime();
    writing_ = true;
    half_closed_ = last;
    stream = stream_;
  }
  std::string message;
  if (request.has_value()) message = request->SerializeAsString();
  if (last) {
    stream->WriteLast(message);
  } else {
    stream->Write(std::move(message));
  }
}

void Worker::Core::OnWorkEnd(WorkStream* stream, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (stream_.get() != stream) return;
  stream_ = nullptr;
  if (!over_) NoteEnd(status);
  changed_.SignalAll();
}

void Worker::Core::NoteEnd(const absl::Status& status) {
  const absl::Duration now = clock_.Monotonic();
  const bool left = half_closed_ && status.ok();
  if (joined_) cut_off_at_ = now + kResumeTime;
  joined_ = writing_ = half_closed_ = false;
  ledger_.Break();
  connection_error_ = status.ok() ? absl::UnavailableError("the broker ended the stream") : status;
  if (left) {
    session_id_ = 0;
    cut_off_at_ = absl::InfiniteDuration();
    connection_error_ = absl::OkStatus();
    if (forced_ || ledger_.all_said()) return Finish(absl::OkStatus());
  }
  if (ReasonOf(status) == Reason::kSessionLost) {
    session_id_ = 0;
    cut_off_at_ = now;
  } else if (client::IsPermanent(status)) {
    return Finish(status);
  }
  join_at_ = now + std::max(RetryAfterOf(status),
                            client::BackoffDelay(channel_->options().backoff, ++failures_));
}

// Jobs.

Worker::Core::Parcel Worker::Core::Front() {
  while (!queue_.empty() && queue_.front()->exhausted()) queue_.pop_front();
  return queue_.empty() ? nullptr : queue_.front();
}

void Worker::Core::RunThread() {
  for (;;) {
    Parcel parcel;
    {
      absl::MutexLock lock(&mu_);
      for (;;) {
        if (threads_end_) return;
        parcel = Front();
        if (parcel != nullptr) break;
        work_.Wait(&mu_);
      }
    }
    Work(parcel);
  }
}

void Worker::Core::RunInline() {
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(running_inline_, true)) return;
  }
  for (;;) {
    Parcel parcel;
    {
      absl::MutexLock lock(&mu_);
      parcel = threads_end_ ? nullptr : Front();
      if (parcel == nullptr) {
        running_inline_ = false;
        return;
      }
    }
    Work(parcel);
  }
}

void Worker::Core::Work(const Parcel& parcel) {
  absl::Duration noted = clock_.Monotonic();
  absl::Duration now = noted;
  int64_t jobs = 0;
  while (const std::optional<size_t> job = parcel->Claim()) {
    if (now > parcel->locked_until()) {
      absl::MutexLock lock(&mu_);
      ledger_.Lose(parcel, *job);
      continue;
    }
    Do(parcel, *job);
    ++jobs;
    now = clock_.Monotonic();
    if (now - noted < kLook) continue;
    NoteWork(std::exchange(jobs, 0), now - std::exchange(noted, now));
  }
  if (jobs > 0) NoteWork(jobs, now - noted);
}

void Worker::Core::Do(const Parcel& parcel, size_t job) {
  const JobResult result = handler_({.topic = *parcel->topic(),
                                     .partition = parcel->partition(),
                                     .delivery_count = parcel->delivery_count(job),
                                     .record = parcel->record(job)});
  if (result.outcome != JobResult::Outcome::kAccept) {
    absl::MutexLock lock(&mu_);
    ledger_.End(parcel, job, result, clock_.Monotonic());
    LookInTime();
  } else if (parcel->Accept(job)) {
    absl::MutexLock lock(&mu_);
    ledger_.NoteAccepted(parcel, clock_.Monotonic());
    LookInTime();
  }
}

void Worker::Core::NoteWork(int64_t jobs, absl::Duration busy) {
  {
    absl::MutexLock lock(&mu_);
    ledger_.NoteWork(jobs, busy);
  }
  Pump();
}

// Time and the end.

Worker::Core::Due Worker::Core::NextDue(absl::Duration now) {
  if (over_) return Due::kNothing;
  if (now >= cut_off_at_) {
    cut_off_at_ = absl::InfiniteDuration();
    ledger_.LoseUnbegun();
  }
  if (stream_ == nullptr && stopping_) {
    if (forced_) return Due::kLeave;
    // A session that may still live holds jobs, which only its end gives back without counting.
    const bool holds = session_id_ != 0 && cut_off_at_ != absl::InfiniteDuration();
    if (!holds && ledger_.all_said()) return Due::kLeave;
  }
  if (stream_ == nullptr && now >= join_at_) return Due::kConnect;
  if (MayWrite() && ledger_.NextTime() <= now) return Due::kPump;
  return Due::kNothing;
}

absl::Duration Worker::Core::NextLook() const {
  if (over_) return absl::InfiniteDuration();
  absl::Duration at = cut_off_at_;
  if (stream_ == nullptr) at = std::min(at, join_at_);
  // What cannot be written now is when it can be.
  if (MayWrite()) at = std::min(at, ledger_.NextTime());
  return at;
}

void Worker::Core::Control() {
  for (;;) {
    Due due;
    std::shared_ptr<WorkStream> to_open;
    std::string join;
    {
      absl::MutexLock lock(&mu_);
      if (control_ends_) return;
      const absl::Duration now = clock_.Monotonic();
      due = NextDue(now);
      switch (due) {
        case Due::kNothing:
          looks_at_ = NextLook();
          changed_.WaitWithTimeout(&mu_, looks_at_ - now);
          looks_at_ = absl::ZeroDuration();
          break;
        case Due::kConnect:
          to_open = stream_ = std::make_shared<WorkStream>(this);
          join = JoinMessage();
          writing_ = true;
          break;
        case Due::kPump:
          break;
        case Due::kLeave:
          Finish(forced_ && !ledger_.all_said()
                     ? absl::DeadlineExceededError(
                           "the broker cannot be reached; what is unconfirmed may be handed out "
                           "again")
                     : absl::OkStatus());
          break;
      }
    }
    if (to_open != nullptr) to_open->Open(*channel_, std::move(join), to_open);
    if (due == Due::kPump) Pump();
  }
}

void Worker::Core::Finish(const absl::Status& status) {
  if (std::exchange(over_, true)) return;
  end_ = status;
  ledger_.Stop();
  queue_.clear();
  changed_.SignalAll();
}

void Worker::Core::RequestStop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    ledger_.Stop();
    queue_.clear();
    changed_.SignalAll();
  }
  Pump();
}

bool Worker::Core::AwaitOver(absl::Duration max_wait) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&over_), max_wait);
}

absl::Status Worker::Core::Wait(absl::Duration max_wait) {
  if (!AwaitOver(max_wait)) {
    return absl::DeadlineExceededError(
        absl::StrCat("the worker goes on after ", absl::FormatDuration(max_wait)));
  }
  absl::MutexLock lock(&mu_);
  return end_;
}

absl::Status Worker::Core::Stop(absl::Duration max_wait) {
  RequestStop();
  if (!AwaitOver(max_wait)) {
    {
      absl::MutexLock lock(&mu_);
      forced_ = true;
      changed_.SignalAll();
    }
    Pump();
  }
  if (!AwaitOver(kLeaveTimeout)) {
    std::shared_ptr<WorkStream> stream;
    {
      absl::MutexLock lock(&mu_);
      Finish(absl::DeadlineExceededError(
          "the broker did not answer; what is unconfirmed may be handed out again"));
      stream = stream_;
    }
    if (stream != nullptr) stream->Cancel(absl::CancelledError("the worker was given up"));
  }
  absl::MutexLock lock(&mu_);
  return end_;
}

WorkerCounters Worker::Core::counters() {
  absl::MutexLock lock(&mu_);
  return ledger_.counters();
}

absl::Status Worker::Core::last_error() const {
  absl::MutexLock lock(&mu_);
  return connection_error_.ok() ? ledger_.last_error() : connection_error_;
}

}  // namespace weir
