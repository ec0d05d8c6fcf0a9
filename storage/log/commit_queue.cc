#include "storage/log/commit_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/log/journal_format.h"
#include "storage/log/partition_log.h"

namespace weir {
namespace {

// What waits for space or for room in the journal is looked at again so often: nothing announces
// that space has returned.
constexpr absl::Duration kRetry = absl::Milliseconds(500);
// So often a committer that is to drain looks for room, before it gives up.
constexpr int kVainRetries = 10;

}  // namespace

int64_t CommitQueue::BytesOf(const AppendRequest& request) {
  size_t bytes = request.log_starts.size() * kOffsetEntryBytes;
  for (const BatchAppend& batch : request.batches) bytes += batch.bytes.size() + kEntryHeadBytes;
  return static_cast<int64_t>(bytes);
}

void CommitQueue::Add(AppendRequest request) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mu_);
    if (closed_) {
      refused = MakeError(Reason::kShuttingDown, "the broker is stopping", absl::Seconds(1));
    } else if (requests_.size() >= limits::kCommitQueueRequests) {
      refused =
          MakeError(Reason::kTooManyRequests,
                    absl::StrCat("more than ", limits::kCommitQueueRequests, " produces wait"),
                    absl::Milliseconds(100));
    } else {
      requests_.push_back(std::move(request));
      return Wake();
    }
  }
  Refuse(std::move(request), std::move(refused));
}

void CommitQueue::Run(Control control) {
  absl::MutexLock lock(&mu_);
  controls_.push_back(std::move(control));
  ++news_;  // this one may need no room, or be what makes it
  Wake();
}

void CommitQueue::Refuse(AppendRequest request, absl::Status why) {
  completions_->Post(
      [request = std::move(request), why = std::move(why)]() mutable { request.done(why); });
}

void CommitQueue::RefuseAppends(absl::Status reason) {
  absl::MutexLock lock(&mu_);
  refusal_ = std::move(reason);
  ++news_;
  Wake();
}

absl::Status CommitQueue::refusal() const {
  absl::MutexLock lock(&mu_);
  return refusal_;
}

void CommitQueue::NoteRoom() {
  absl::MutexLock lock(&mu_);
  room_asked_for_ = false;
  ++news_;
  Wake();
}

void CommitQueue::Wake() {
  if (asleep_) wake_.Signal();
}

void CommitQueue::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void CommitQueue::Drain() {
  const auto drained = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (vain_retries_ >= kVainRetries) return true;
    return requests_.empty() && controls_.empty() && !busy_;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&drained));
}

void CommitQueue::Stop() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
  stopping_ = true;
  Wake();
}

void CommitQueue::RefuseAll() {
  std::deque<AppendRequest> left;
  {
    absl::MutexLock lock(&mu_);
    left.swap(requests_);
    controls_.clear();
  }
  for (AppendRequest& request : left)
    Refuse(std::move(request), MakeError(Reason::kShuttingDown, "the broker is stopping"));
}

uint64_t CommitQueue::news() const {
  absl::MutexLock lock(&mu_);
  return news_;
}

std::deque<CommitQueue::Control> CommitQueue::TakeControls() {
  std::deque<Control> taken;
  absl::MutexLock lock(&mu_);
  if (controls_.empty()) return taken;
  taken.swap(controls_);
  busy_ = true;
  return taken;
}

void CommitQueue::PutBack(std::deque<Control> controls) {
  absl::MutexLock lock(&mu_);
  std::move(controls.rbegin(), controls.rend(), std::front_inserter(controls_));
}

CommitQueue::Head CommitQueue::LookAtHead(int64_t most_bytes) const {
  Head head;
  absl::MutexLock lock(&mu_);
  for (; head.count < requests_.size(); ++head.count) {
    const int64_t more = BytesOf(requests_[head.count]);
    if (head.count > 0 && head.bytes + more > most_bytes) break;
    head.bytes += more;
  }
  return head;
}

std::vector<AppendRequest> CommitQueue::Take(size_t count) {
  std::vector<AppendRequest> taken;
  taken.reserve(count);
  absl::MutexLock lock(&mu_);
  busy_ = true;
  for (size_t i = 0; i < count; ++i) {
    taken.push_back(std::move(requests_.front()));
    requests_.pop_front();
  }
  return taken;
}

void CommitQueue::SetIdle() {
  absl::MutexLock lock(&mu_);
  busy_ = false;
}

void CommitQueue::RefuseWithoutRoom() {
  std::vector<std::pair<AppendRequest, absl::Status>> refused;
  {
    absl::MutexLock lock(&mu_);
    std::deque<AppendRequest> stay;
    for (AppendRequest& request : requests_) {
      const auto external = std::find_if(request.batches.begin(), request.batches.end(),
                                         [](const BatchAppend& batch) { return !batch.internal; });
      absl::Status why;
      if (request.abandoned && request.abandoned()) {
        why = absl::CancelledError("the caller has gone");
      } else if (!refusal_.ok() && external != request.batches.end()) {
        why = request.atomic ? OfPart(external->log->id(), refusal_) : refusal_;
      }
      if (why.ok()) {
        stay.push_back(std::move(request));
      } else {
        refused.emplace_back(std::move(request), std::move(why));
      }
    }
    requests_ = std::move(stay);
  }
  for (auto& [request, why] : refused) Refuse(std::move(request), std::move(why));
}

bool CommitQueue::AskForRoom() {
  absl::MutexLock lock(&mu_);
  return !std::exchange(room_asked_for_, true);
}

void CommitQueue::ExpectRoom() {
  absl::MutexLock lock(&mu_);
  room_asked_for_ = false;
}

CommitQueue::Woken CommitQueue::Await(uint64_t heard, bool lacks_room, bool retry) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return Woken::kStop;
  const bool waits = !controls_.empty() || !requests_.empty();
  if (news_ != heard || (waits && !lacks_room)) return Woken::kNews;
  asleep_ = true;
  const bool woken = !wake_.WaitWithTimeout(&mu_, retry ? kRetry : absl::InfiniteDuration());
  asleep_ = false;
  if (woken) return Woken::kNews;
  room_asked_for_ = false;
  if (closed_ && lacks_room) ++vain_retries_;
  return Woken::kTime;
}

}  // namespace weir
