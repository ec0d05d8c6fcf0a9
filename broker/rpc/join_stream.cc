#include "broker/rpc/join_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/group_encoding.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {

JoinStream::JoinStream(const Services* services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      session_(std::make_shared<MemberSession>(services->groups, services->sessions, this)) {
  absl::Status admitted = services_->calls->Enter(this);
  if (admitted.ok()) admitted = CheckGroups(*services_);
  absl::MutexLock lock(&mu_);
  if (admitted.ok()) {
    StartRead(&in_);
  } else {
    End(admitted);
  }
}

absl::Status JoinStream::Take() {
  if (in_.has_join() == joined_) {
    return MakeError(Reason::kInvalidRequest,
                     joined_ ? "only the first message joins" : "the first message must join");
  }
  if (!std::exchange(joined_, true)) {
    WEIR_ASSIGN_OR_RETURN(JoinRequest request, DecodeMembership(in_.join(), context_->peer()));
    session_->Join(std::move(request));
  }
  if (in_.has_subscribe()) session_->Subscribe(DecodeSubscription(in_.subscribe()));
  if (in_.revoked_epoch() != 0) session_->ConfirmRevoked(MemberEpoch{in_.revoked_epoch()});
  return absl::OkStatus();
}

void JoinStream::OnReadDone(bool ok) {
  // Whether a stream that gives no more was closed or broke is known for sure only when it is over.
  const absl::Status taken = ok ? Take() : absl::OkStatus();
  absl::MutexLock lock(&mu_);
  if (!ok) {
    leaving_ = !finished_;
    End(absl::OkStatus());
  } else if (!taken.ok()) {
    End(taken);
  } else if (!finished_) {
    StartRead(&in_);
  }
}

void JoinStream::OnJoined(const Joined& joined) {
  absl::MutexLock lock(&mu_);
  session_facts_ = joined;
}

void JoinStream::OnAssignment(const Notice& notice) {
  absl::MutexLock lock(&mu_);
  v1::JoinResponse response;
  EncodeAssignment(*services_->catalog, session_facts_, notice, response.mutable_assignment());
  next_ = std::move(response);
  WriteNext();
}

void JoinStream::WriteNext() {
  if (writing_ || finished_ || !next_.has_value()) return;
  out_ = *std::exchange(next_, std::nullopt);
  writing_ = true;
  StartWrite(&out_);
}

void JoinStream::OnWriteDone(bool) {
  absl::MutexLock lock(&mu_);
  writing_ = false;
  WriteNext();
}

void JoinStream::OnEnd(const absl::Status& why) {
  absl::MutexLock lock(&mu_);
  End(why);
}

void JoinStream::Stop() {
  absl::MutexLock lock(&mu_);
  End(ShuttingDown());
}

void JoinStream::End(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  if (!status.ok()) services_->metrics->CountError(status);
  Finish(EndStatus(context_, status));
}

void JoinStream::OnDone() {
  bool leave = false;
  {
    absl::MutexLock lock(&mu_);
    leave = leaving_ && !context_->IsCancelled();
  }
  session_->Close(leave);
  services_->calls->Leave(this);
  delete this;
}

}  // namespace weir
