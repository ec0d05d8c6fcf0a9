#include "client/src/group_member.h"

#include <algorithm>
#include <utility>

#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/error.h"

namespace weir::client {

// From Open to its end; it only hands on, one write at a time, and keeps itself alive until it is
// over.
class GroupMember::Link : public StreamEvents {
 public:
  explicit Link(GroupMember* member) : member_(member) {}

  // `self` is this.
  void Open(Channel& channel, const v1::Membership& membership, std::shared_ptr<Link> self) {
    absl::MutexLock lock(&mu_);
    self_ = std::move(self);
    stream_ = channel.Open(kJoin, this);
    v1::JoinRequest request;
    *request.mutable_join() = membership;
    Write(request);
    stream_->Read();
  }
  void Confirm(int64_t epoch) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    confirm_ = epoch;
    WriteNext();
  }
  void Leave() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    leave_ = true;
    WriteNext();
  }
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (stream_ != nullptr) stream_->Cancel();
  }

 private:
  void OnWritten() override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    WriteNext();
  }
  void OnMessage(SharedBytes message) override {
    v1::JoinResponse response;
    if (!response.ParseFromString(message.ToString())) return Cancel();
    if (response.has_assignment())
      member_->OnAssignment(this, std::move(*response.mutable_assignment()));
    absl::MutexLock lock(&mu_);
    stream_->Read();
  }
  void OnClosed(const absl::Status& status) override {
    std::shared_ptr<Link> self;
    {
      absl::MutexLock lock(&mu_);
      self = std::move(self_);
    }
    member_->OnClosed(this, status);
  }

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || last_ || stream_ == nullptr) return;
    v1::JoinRequest request;
    request.set_revoked_epoch(std::exchange(confirm_, 0));
    if (leave_) {
      last_ = true;
      stream_->WriteLast(request.SerializeAsString());
    } else if (request.revoked_epoch() != 0) {
      Write(request);
    }
  }
  void Write(const v1::JoinRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    auto bytes = std::make_shared<const std::string>(request.SerializeAsString());
    writing_ = true;
    stream_->Write(*bytes, "", bytes);
  }

  GroupMember* const member_;  // waits for OnClosed before it goes
  absl::Mutex mu_;
  std::shared_ptr<Link> self_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Stream> stream_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool last_ ABSL_GUARDED_BY(mu_) = false;  // nothing more can be written
  bool leave_ ABSL_GUARDED_BY(mu_) = false;
  int64_t confirm_ ABSL_GUARDED_BY(mu_) = 0;  // to be written; 0: nothing
};

GroupMember::GroupMember(std::shared_ptr<Channel> channel, v1::Membership membership,
                         std::function<void()> on_change)
    : channel_(std::move(channel)),
      on_change_(std::move(on_change)),
      membership_(std::move(membership)),
      thread_(std::make_unique<ThreadExecutor>("weir-member", 1)) {
  thread_->Post([this] { Run(); });
}

GroupMember::~GroupMember() {
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    changed_.SignalAll();
  }
  thread_.reset();  // no stream is opened any more
  std::shared_ptr<Link> link;
  {
    absl::MutexLock lock(&mu_);
    link = link_;
  }
  if (link != nullptr) link->Cancel();
  absl::MutexLock lock(&mu_);
  const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return link_ == nullptr; };
  mu_.Await(absl::Condition(&over));
}

void GroupMember::Run() {
  for (;;) {
    std::shared_ptr<Link> to_open;
    v1::Membership membership;
    bool cut_off = false;
    bool leaves = false;
    {
      absl::MutexLock lock(&mu_);
      if (stopped_) return;
      leaves = leaving_;
      const absl::Duration now = clock_.Monotonic();
      const bool joins = link_ == nullptr && (!leaving_ || MustTell());
      cut_off = now >= cut_off_at_;
      if (cut_off) {
        Lose();
      } else if (joins && now >= join_at_) {
        to_open = link_ = std::make_shared<Link>(this);
        membership = membership_;
      } else {
        changed_.WaitWithTimeout(&mu_,
                                 (joins ? std::min(cut_off_at_, join_at_) : cut_off_at_) - now);
      }
    }
    if (cut_off) on_change_();
    if (to_open == nullptr) continue;
    to_open->Open(*channel_, membership, to_open);
    if (leaves) to_open->Leave();
  }
}

void GroupMember::OnAssignment(Link* link, v1::MemberAssignment assignment) {
  {
    absl::MutexLock lock(&mu_);
    if (link_.get() != link) return;
    membership_.set_member_id(assignment.member_id());
    membership_.set_member_epoch(assignment.member_epoch());
    session_timeout_ = absl::Milliseconds(assignment.session_timeout_ms());
    cut_off_at_ = absl::InfiniteDuration();
    failures_ = 0;
    last_error_ = failure_ = absl::OkStatus();
    assignment_ = std::move(assignment);
  }
  on_change_();
}

void GroupMember::OnClosed(Link* link, const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    if (link_.get() == link) {
      const absl::Duration now = clock_.Monotonic();
      closed_ = status;
      told_ = leaving_ && status.ok();
      const std::optional<Reason> reason = ReasonOf(status);
      if (reason == Reason::kUnknownMember || reason == Reason::kStaleMemberEpoch) {
        Lose();
      } else if (reason == Reason::kSessionLost) {
        // It comes back with id and epoch.
      } else if (IsPermanent(status) || reason == Reason::kInstanceIdInUse) {
        failure_ = status;
      }
      last_error_ = status.ok() ? absl::UnavailableError("the broker ended the stream") : status;
      if (membership_.member_epoch() != 0 && cut_off_at_ == absl::InfiniteDuration())
        cut_off_at_ = now + session_timeout_;
      join_at_ = now + std::max(RetryAfterOf(status),
                                BackoffDelay(channel_->options().backoff, ++failures_));
      changed_.SignalAll();
    }
  }
  on_change_();
  absl::MutexLock lock(&mu_);
  if (link_.get() == link) link_ = nullptr;  // the last that is done with this
  changed_.SignalAll();
}

bool GroupMember::MustTell() const { return membership_.member_epoch() != 0 && !told_; }

void GroupMember::Lose() {
  lost_ = true;
  assignment_.reset();
  membership_.clear_member_id();
  membership_.clear_member_epoch();
  cut_off_at_ = absl::InfiniteDuration();
}

GroupMember::News GroupMember::Take() {
  absl::MutexLock lock(&mu_);
  return {.lost = std::exchange(lost_, false),
          .assignment = std::exchange(assignment_, std::nullopt),
          .failure = failure_};
}

void GroupMember::Confirm(int64_t epoch) {
  std::shared_ptr<Link> link;
  {
    absl::MutexLock lock(&mu_);
    link = link_;
  }
  // Without a stream it is asked again when there is one.
  if (link != nullptr) link->Confirm(epoch);
}

GroupMember::Identity GroupMember::identity() const {
  absl::MutexLock lock(&mu_);
  return {.member_id = membership_.member_id(), .epoch = membership_.member_epoch()};
}

absl::Status GroupMember::last_error() const {
  absl::MutexLock lock(&mu_);
  return last_error_;
}

absl::Status GroupMember::Leave(absl::Duration max_wait) {
  std::shared_ptr<Link> link;
  {
    absl::MutexLock lock(&mu_);
    leaving_ = true;
    link = link_;
    changed_.SignalAll();
  }
  if (link != nullptr) link->Leave();
  absl::MutexLock lock(&mu_);
  const bool was_member = link != nullptr || MustTell();
  const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return link_ == nullptr && !MustTell();
  };
  if (!mu_.AwaitWithTimeout(absl::Condition(&over), max_wait)) {
    return absl::DeadlineExceededError(
        "the broker did not answer; the partitions go to others when the session times out");
  }
  return was_member ? closed_ : absl::OkStatus();
}

}  // namespace weir::client
