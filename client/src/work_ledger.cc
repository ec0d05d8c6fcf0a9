#include "client/src/work_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir::client {
namespace {

using Outcome = JobResult::Outcome;

// How much work is asked for ahead.
constexpr double kAheadSeconds = 0.2;
// Jobs that are asked for, for each thread, before it is known how long one takes.
constexpr int64_t kFirstJobs = 2;
constexpr double kTimedSeconds = 1;
// Of one message, which must stay well below limits::kSmallRequestBytes.
constexpr size_t kMessageBytes = 256 * limits::kKiB;
constexpr size_t kItemBytes = 48;  // about, without topic and text
constexpr size_t kRenewals = 4'000;
constexpr absl::Duration kSayAgainPause = absl::Milliseconds(100);
constexpr absl::Duration kShortestAckTimeout = absl::Milliseconds(3);

v1::AcknowledgeType OnWire(Outcome outcome) {
  switch (outcome) {
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

// Acknowledgement and Renewal name jobs by the same fields.
template <typename Message>
void SetJobs(const std::string& topic, int32_t partition, const JobSpan& jobs, Message* message) {
  message->set_topic(topic);
  message->set_partition(partition);
  message->set_first_offset(jobs.first);
  if (jobs.last != jobs.first) message->set_last_offset(jobs.last);
  message->mutable_lock_token()->set_epoch(jobs.lock.epoch);
  message->mutable_lock_token()->set_counter(jobs.lock.counter);
}

int64_t DelayMs(absl::Duration delay) {
  return std::clamp<int64_t>(absl::ToInt64Milliseconds(delay), 0, limits::kReleaseDelayLongestMs);
}

}  // namespace

void WorkLedger::Join(bool resumed, absl::Duration ack_timeout) {
  joined_ = true;
  ack_timeout_ = std::max(ack_timeout, kShortestAckTimeout);
  if (resumed) return;
  // What handlers still do is acknowledged all the same, but there is nothing to renew.
  LoseUnbegun();
  for (const std::shared_ptr<JobParcel>& parcel : parcels_) parcel->place.reset();
  parcels_.clear();
}

void WorkLedger::Break() {
  joined_ = false;
  outstanding_ = 0;
  gathered_.insert(gathered_.begin(), std::make_move_iterator(unanswered_.begin()),
                   std::make_move_iterator(unanswered_.end()));
  gathered_jobs_ += std::exchange(unanswered_jobs_, 0);
  unanswered_.clear();
  for (const Renewal& renewal : renewals_) {
    JobParcel& parcel = *renewal.parcel;
    if (!parcel.place.has_value()) continue;
    parcel.renew_at = absl::ZeroDuration();
    parcels_.splice(parcels_.begin(), parcels_, *parcel.place);
  }
  renewals_.clear();
}

void WorkLedger::Stop() {
  stopping_ = true;
  GiveBackUnbegun();
}

void WorkLedger::Add(const std::shared_ptr<JobParcel>& parcel, absl::Duration now) {
  const auto jobs = static_cast<int64_t>(parcel->size());
  if (jobs == 0) return;
  counters_.received += jobs;
  outstanding_ = std::max<int64_t>(outstanding_ - jobs, 0);
  open_ += jobs;
  parcel->renew_at = now + ack_timeout_ / 3;
  parcel->SetLockedUntil(now + ack_timeout_);
  parcel->place = parcels_.insert(parcels_.end(), parcel);
  if (parcel->unreadable().empty()) return;
  last_error_ = parcel->read_status();
  for (const JobSpan& span : parcel->unreadable()) {
    open_ -= span.jobs();
    Gather({.topic = parcel->topic(),
            .partition = parcel->partition().value(),
            .jobs = span,
            .result = JobResult(parcel->read_status())});
  }
  parcel->EndUnreadable();
  Review(*parcel);
}

void WorkLedger::Gather(Item item) {
  gathered_jobs_ += item.jobs.jobs();
  gathered_.push_back(std::move(item));
}

void WorkLedger::Review(JobParcel& parcel) {
  if (parcel.open() > 0 || !parcel.place.has_value()) return;
  const Parcels::iterator place = *std::exchange(parcel.place, std::nullopt);
  parcels_.erase(place);  // perhaps the last to hold on to it
}

void WorkLedger::End(const std::shared_ptr<JobParcel>& parcel, size_t job, const JobResult& result,
                     absl::Duration now) {
  parcel->End(job);
  --open_;
  say_by_ = std::min(say_by_, now + kSayWithin);
  Gather({.topic = parcel->topic(),
          .partition = parcel->partition().value(),
          .jobs = parcel->SpanOf(job),
          .result = result});
  Review(*parcel);
}

void WorkLedger::Lose(const std::shared_ptr<JobParcel>& parcel, size_t job) {
  parcel->End(job);
  --open_;
  ++counters_.lock_lost;
  Review(*parcel);
}

void WorkLedger::NoteWork(int64_t jobs, absl::Duration busy) {
  finished_ += jobs;
  timed_jobs_ += static_cast<double>(jobs);
  timed_seconds_ += absl::ToDoubleSeconds(busy);
  while (timed_seconds_ > kTimedSeconds) {
    timed_seconds_ /= 2;
    timed_jobs_ /= 2;
  }
}

void WorkLedger::GiveBackUnbegun() {
  for (auto at = parcels_.begin(); at != parcels_.end();) {
    const std::shared_ptr<JobParcel> parcel = *at++;
    open_ -= parcel->EndAllUnbegun();
    Review(*parcel);
  }
}

void WorkLedger::LoseUnbegun() {
  const int64_t before = open_;
  GiveBackUnbegun();
  counters_.lock_lost += before - open_;
}

void WorkLedger::CollectAccepted() {
  finished_ = 0;
  for (const std::shared_ptr<JobParcel>& parcel : std::exchange(accepted_in_, {})) {
    parcel->TakeAccepted([&](const JobSpan& span) {
      open_ -= span.jobs();
      if (!gathered_.empty()) {
        Item& last = gathered_.back();
        if (last.topic == parcel->topic() && last.result.outcome == Outcome::kAccept &&
            last.jobs.lock == span.lock && last.jobs.last + 1 == span.first) {
          last.jobs.last = span.last;
          gathered_jobs_ += span.jobs();
          return;
        }
      }
      Gather({.topic = parcel->topic(), .partition = parcel->partition().value(), .jobs = span});
    });
    Review(*parcel);
  }
}

int64_t WorkLedger::Window() const {
  const int64_t threads = std::max(options_.threads, 1);
  if (timed_jobs_ == 0) return std::min(kFirstJobs * threads, options_.max_open);
  const double per_thread = 1 + kAheadSeconds * timed_jobs_ / std::max(timed_seconds_, 1e-9);
  return std::min(static_cast<int64_t>(std::min(per_thread, 1e6)) * threads, options_.max_open);
}

int64_t WorkLedger::Credits() const {
  if (stopping_) return 0;
  const int64_t taken = open_ + outstanding_;
  const int64_t unsaid = gathered_jobs_ + unanswered_jobs_ + later_jobs_;
  return std::max<int64_t>(std::min(Window() - taken, kOpenJobsMost - taken - unsaid), 0);
}

bool WorkLedger::IsTimeToSpeak(absl::Duration now) const {
  const int64_t to_say = finished_ + gathered_jobs_;
  return stopping_ || now >= NextTime() || to_say >= kGatheredJobs ||
         (to_say > 0 && unanswered_.empty()) || Credits() >= std::max<int64_t>(Window() / 2, 1);
}

std::optional<v1::WorkRequest> WorkLedger::Next(absl::Duration now) {
  if (!joined_ || !IsTimeToSpeak(now)) return std::nullopt;
  CollectAccepted();
  if (now >= say_again_at_) {
    for (Item& item : std::exchange(later_, {})) Gather(std::move(item));
    later_jobs_ = 0;
    say_again_at_ = absl::InfiniteDuration();
  }
  v1::WorkRequest request;
  SayAcknowledgements(&request);
  if (gathered_.empty()) say_by_ = absl::InfiniteDuration();
  SayRenewals(now, &request);
  const int64_t credits = Credits();
  request.set_credits(credits);
  outstanding_ += credits;
  if (credits == 0 && request.acknowledge_size() == 0 && request.renew_size() == 0)
    return std::nullopt;
  return request;
}

void WorkLedger::SayAcknowledgements(v1::WorkRequest* request) {
  size_t bytes = 0;
  int64_t jobs = 0;
  while (!gathered_.empty()) {
    Item& item = gathered_.front();
    bytes += kItemBytes + item.topic->size() + item.result.error.size();
    jobs += item.jobs.jobs();
    if (request->acknowledge_size() > 0 &&
        (bytes > kMessageBytes || jobs > limits::kAckJobs ||
         request->acknowledge_size() >= static_cast<int>(limits::kAckItems)))
      break;
    v1::Acknowledgement* const said = request->add_acknowledge();
    SetJobs(*item.topic, item.partition, item.jobs, said);
    said->set_type(OnWire(item.result.outcome));
    if (item.result.delay.has_value()) said->set_delay_ms(DelayMs(*item.result.delay));
    if (!item.result.error.empty())
      said->set_error(WellFormedUtf8(item.result.error, limits::kJobErrorBytes));
    gathered_jobs_ -= item.jobs.jobs();
    unanswered_jobs_ += item.jobs.jobs();
    unanswered_.push_back(std::move(item));
    gathered_.pop_front();
  }
}

void WorkLedger::SayRenewals(absl::Duration now, v1::WorkRequest* request) {
  while (!parcels_.empty() && parcels_.front()->renew_at <= now) {
    const std::shared_ptr<JobParcel> parcel = parcels_.front();
    std::vector<JobSpan> spans;
    parcel->VisitOpen([&](const JobSpan& span) { spans.push_back(span); });
    if (request->renew_size() > 0 &&
        static_cast<size_t>(request->renew_size()) + spans.size() > kRenewals)
      return;  // with the next message
    for (const JobSpan& span : spans) {
      SetJobs(*parcel->topic(), parcel->partition().value(), span, request->add_renew());
      renewals_.push_back({.parcel = parcel, .jobs = span, .sent = now});
    }
    parcel->renew_at = now + ack_timeout_ / 3;
    parcels_.splice(parcels_.end(), parcels_, parcels_.begin());
  }
}

absl::Duration WorkLedger::NextTime() const {
  if (!joined_) return absl::InfiniteDuration();
  absl::Duration at = say_again_at_;
  if (unanswered_.empty()) at = std::min(at, say_by_);
  return parcels_.empty() ? at : std::min(at, parcels_.front()->renew_at);
}

absl::Status WorkLedger::TakeAnswers(const v1::WorkResponse& response, absl::Duration now) {
  if (response.acknowledged_size() > static_cast<int>(unanswered_.size()) ||
      response.renewed_size() > static_cast<int>(renewals_.size())) {
    return MakeError(Reason::kInternal,
                     absl::StrCat("the broker answered ", response.acknowledged_size(),
                                  " acknowledgements and ", response.renewed_size(),
                                  " renewals of ", unanswered_.size(), " and ", renewals_.size()));
  }
  for (const v1::AcknowledgeResult& result : response.acknowledged()) {
    const Item item = std::move(unanswered_.front());
    unanswered_.pop_front();
    unanswered_jobs_ -= item.jobs.jobs();
    Count(item, result, now);
  }
  for (const v1::AcknowledgeResult& result : response.renewed()) {
    const Renewal renewal = std::move(renewals_.front());
    renewals_.pop_front();
    TakeRenewed(renewal, result);
  }
  return absl::OkStatus();
}

void WorkLedger::Count(const Item& item, const v1::AcknowledgeResult& result, absl::Duration now) {
  if (result.has_error()) {
    last_error_ = StatusOf(result.error());
    if (MayBeTriedAgain(last_error_)) {
      say_again_at_ =
          std::min(say_again_at_, now + std::max(RetryAfterOf(last_error_), kSayAgainPause));
      later_jobs_ += item.jobs.jobs();
      later_.push_back(item);
    } else {
      counters_.refused += item.jobs.jobs();
    }
    return;
  }
  for (const v1::AcknowledgeResult::Range& range : result.ranges()) {
    const int64_t jobs = range.last_offset() - range.first_offset() + 1;
    if (range.code() == v1::ALREADY_DONE) {
      counters_.already_done += jobs;
    } else if (range.code() == v1::LOCK_LOST) {
      counters_.lock_lost += jobs;
    } else if (item.result.outcome == Outcome::kAccept) {
      counters_.accepted += jobs;
    } else if (item.result.outcome == Outcome::kReject) {
      counters_.rejected += jobs;
    } else if (item.result.outcome == Outcome::kRelease) {
      counters_.released += jobs;
    } else {
      counters_.released_uncounted += jobs;
    }
  }
}

void WorkLedger::TakeRenewed(const Renewal& renewal, const v1::AcknowledgeResult& result) {
  JobParcel& parcel = *renewal.parcel;
  if (result.has_error()) {
    last_error_ = StatusOf(result.error());
    return;
  }
  for (const v1::AcknowledgeResult::Range& range : result.ranges()) {
    if (range.code() == v1::OK) {
      counters_.renewed += range.last_offset() - range.first_offset() + 1;
      parcel.SetLockedUntil(renewal.sent + ack_timeout_);
      continue;
    }
    const int64_t lost = parcel.EndUnbegun(range.first_offset(), range.last_offset());
    counters_.lock_lost += lost;
    open_ -= lost;
  }
  Review(parcel);
}

WorkerCounters WorkLedger::counters() {
  CollectAccepted();
  WorkerCounters counters = counters_;
  counters.open = open_;
  counters.unanswered = gathered_jobs_ + unanswered_jobs_ + later_jobs_;
  return counters;
}

}  // namespace weir::client
