#include "broker/rpc/member_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/error.h"

namespace weir {

void MemberSession::Join(JoinRequest request) {
  partition_ = shards_->PartitionOf(request.group);
  if (request.member_id.empty()) request.member_id = RandomTopicId().ToString();  // 128 random bits
  request.session = sessions_->Enter(partition_, this);
  {
    absl::MutexLock lock(&mu_);
    stream_ = {.group = request.group, .member_id = request.member_id, .session = request.session};
  }
  shards_->Ask<Joined>(
      partition_,
      [request = std::move(request)](GroupMachine& machine, const MachineTime& now,
                                     Reply<Joined> reply) mutable {
        return machine.membership().Join(now, std::move(request), std::move(reply));
      },
      [self = shared_from_this()](const absl::StatusOr<Joined>& joined) {
        self->OnJoined(joined);
      });
}

void MemberSession::OnJoined(const absl::StatusOr<Joined>& joined) {
  MemberStream gone;
  bool leave = false;
  {
    absl::MutexLock lock(&mu_);
    joined_ = joined.ok();
    if (!joined.ok()) return End(joined.status());
    if (owner_ != nullptr) owner_->OnJoined(*joined);
    if (!closed_) return;
    gone = stream_;
    leave = leave_;
  }
  TellGone(gone, leave);  // it closed before it had joined
}

void MemberSession::ConfirmRevoked(MemberEpoch epoch) {
  shards_->Tell(
      partition_,
      [stream = stream(), epoch](GroupMachine& machine, const MachineTime& now, Done done) {
        return machine.membership().ConfirmRevoked(now, stream, epoch, std::move(done));
      },
      [self = shared_from_this()](const absl::Status& status) { self->EndIfFailed(status); });
}

void MemberSession::Subscribe(Subscription subscription) {
  shards_->Tell(
      partition_,
      [stream = stream(), subscription = std::move(subscription)](
          GroupMachine& machine, const MachineTime& now, Done done) mutable {
        return machine.membership().Subscribe(now, stream, std::move(subscription),
                                              std::move(done));
      },
      [self = shared_from_this()](const absl::Status& status) { self->EndIfFailed(status); });
}

void MemberSession::Close(bool leave) {
  MemberStream stream;
  bool joined = false;
  {
    absl::MutexLock lock(&mu_);
    owner_ = nullptr;
    closed_ = true;
    leave_ = leave;
    stream = stream_;
    joined = joined_;
  }
  if (stream.session == SessionId{0}) return;
  sessions_->Leave(partition_, stream.session);
  if (joined) TellGone(stream, leave);
}

void MemberSession::TellGone(const MemberStream& stream, bool leave) {
  shards_->Tell(
      partition_,
      [stream, leave](GroupMachine& machine, const MachineTime& now, Done done) {
        if (leave) return machine.membership().Leave(now, stream, std::move(done));
        return machine.membership().SessionLost(now, stream);
      },
      [](const absl::Status&) {});  // whom it concerns has gone
}

void MemberSession::OnNotice(const Notice& notice) {
  absl::MutexLock lock(&mu_);
  switch (notice.kind) {
    case Notice::Kind::kAssignment:
      if (owner_ != nullptr) owner_->OnAssignment(notice);
      return;
    case Notice::Kind::kFenced:
      return End(
          MakeError(Reason::kUnknownMember,
                    absl::StrCat("member '", stream_.member_id, "' of group '", stream_.group,
                                 "' was fenced: it did not give up in time what it was "
                                 "asked to, or was cut off for too long")));
    case Notice::Kind::kSuperseded:
      return End(MakeError(Reason::kSessionLost,
                           absl::StrCat("another stream has taken over member '", stream_.member_id,
                                        "' of group '", stream_.group, "'")));
  }
}

void MemberSession::OnDropped() {
  absl::MutexLock lock(&mu_);
  End(MakeError(Reason::kSessionLost, "the group was loaded anew: join again with id and epoch"));
}

void MemberSession::EndIfFailed(const absl::Status& status) {
  if (status.ok()) return;
  absl::MutexLock lock(&mu_);
  End(status);
}

void MemberSession::End(const absl::Status& why) {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->OnEnd(why);
}

MemberStream MemberSession::stream() const {
  absl::MutexLock lock(&mu_);
  return stream_;
}

std::string MemberSession::member_id() const { return stream().member_id; }

}  // namespace weir
