#include "broker/rpc/join_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

JoinStream::JoinStream(const Services* services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      session_(std::make_shared<MemberSession>(services->groups, services->sessions, this)) {
  absl::Status admitted = services_->calls->Enter(this);
  if (admitted.ok()) admitted = CheckGroups(*services_);
  absl::MutexLock lock(&mu_);
  if (!admitted.ok()) {
    End(admitted);
  } else if (!finished_) {  // Stop may have come already
    StartRead(&bytes_);
  }
}

absl::Status JoinStream::Take() {
  v1::JoinRequest in;
  WEIR_ASSIGN_OR_RETURN(const Reservation memory, DecodeRequest(bytes_, limits::kSmallRequestBytes,
                                                                services_->memory->calls(), &in));
  bytes_.Clear();
  WEIR_RETURN_IF_ERROR(CheckJoins(in.has_join(), /*first=*/!joined_));
  if (!std::exchange(joined_, true)) {
    WEIR_ASSIGN_OR_RETURN(JoinRequest request, DecodeMembership(in.join(), context_->peer()));
    {
      absl::MutexLock lock(&mu_);
      joining_ = true;
    }
    session_->Join(std::move(request));
  }
  if (in.has_subscribe()) session_->Subscribe(DecodeSubscription(in.subscribe()));
  if (in.revoked_epoch() != 0) session_->ConfirmRevoked(MemberEpoch{in.revoked_epoch()});
  return absl::OkStatus();
}

void JoinStream::OnReadDone(bool ok) {
  // Whether a stream that gives no more was closed or broke is known for sure only when it is over.
  const absl::Status taken = ok ? Take() : absl::OkStatus();
  absl::MutexLock lock(&mu_);
  if (!ok) {
    leaving_ = !finished_;  // a broker that stops has ended the call before: the member comes back
    if (!joining_) End(absl::OkStatus());
  } else if (!taken.ok()) {
    End(taken);
  } else if (!finished_) {
    StartRead(&bytes_);
  }
}

void JoinStream::OnJoined(const Joined& joined) {
  absl::MutexLock lock(&mu_);
  session_facts_ = joined;
  joining_ = false;
  if (leaving_) End(absl::OkStatus());
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
  out_ = ToByteBuffer(*std::exchange(next_, std::nullopt));
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
