#include "broker/rpc/acquire_call.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/job_acknowledgement.h"
#include "broker/rpc/job_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "broker/rpc/worker_checks.h"
#include "broker/rpc/worker_sessions.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

AcquireCall::AcquireCall(const Services* services, RawCall raw)
    : services_(services), raw_(raw), start_(services->clock->Monotonic()) {
  const absl::Status begun = Begin();
  absl::MutexLock lock(&mu_);
  if (!begun.ok()) End(begun);
}

absl::Status AcquireCall::Begin() {
  WEIR_RETURN_IF_ERROR(services_->calls->Enter(this));
  WEIR_RETURN_IF_ERROR(CheckGroups(*services_));
  WEIR_ASSIGN_OR_RETURN(const Reservation memory,
                        DecodeRequest(*raw_.request, limits::kSmallRequestBytes,
                                      services_->memory->calls(), &request_));
  if (request_.max_jobs() < 1 || request_.max_jobs() > limits::kAcquireJobsMost) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_jobs is ", request_.max_jobs(), "; from 1 to ",
                                  limits::kAcquireJobsMost, " is allowed"));
  }
  if (request_.max_wait_ms() < 0 || request_.max_wait_ms() > limits::kAcquireWaitLongestMs) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_wait_ms is ", request_.max_wait_ms(), "; from 0 to ",
                                  limits::kAcquireWaitLongestMs, " is allowed"));
  }
  WEIR_ASSIGN_OR_RETURN(
      const WorkerFacts facts,
      CheckWorker(*services_, request_.group(), request_.worker(), request_.max_bytes()));
  max_bytes_ = facts.max_bytes;
  ack_timeout_ms_ = facts.ack_timeout_ms;
  std::shared_ptr<WorkerSession> session = services_->workers->Take(
      ShareSessionId(static_cast<uint64_t>(std::max<int64_t>(request_.session_id(), 0))),
      request_.group(), request_.worker());
  if (session == nullptr) {
    WEIR_ASSIGN_OR_RETURN(session,
                          services_->workers->Open(
                              services_, {.group = request_.group(),
                                          .worker = request_.worker(),
                                          .read_bytes = std::min(max_bytes_, limits::kJobReadBytes),
                                          .once = true}));
  }
  session_ = std::move(session);
  const absl::Duration wait =
      std::min(absl::Milliseconds(request_.max_wait_ms()), TimeLeft(*raw_.context));
  {
    absl::MutexLock lock(&mu_);
    ++asked_;  // this call itself
  }
  session_->SetOwner(this);
  session_->AddCredits(request_.max_jobs());
  WaitUntil(start_ + wait);
  Release();
  return absl::OkStatus();
}

void AcquireCall::WaitUntil(absl::Duration deadline) {
  {
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    ++asked_;
  }
  absl::StatusOr<Waiters::Handle> wait = services_->waiters->Add({}, deadline, [this](WakeReason) {
    {
      absl::MutexLock lock(&mu_);
      End(absl::OkStatus());  // with what there is, which may be nothing
    }
    Release();
  });
  if (!wait.ok()) {
    {
      absl::MutexLock lock(&mu_);
      End(wait.status());
    }
    return Release();
  }
  absl::MutexLock lock(&mu_);
  wait_ = *std::move(wait);
  if (finished_) services_->waiters->Cancel(wait_);
}

void AcquireCall::OnJobs(JobDelivery delivery) {
  absl::MutexLock lock(&mu_);
  // What does not fit, and what nobody hears of any more, goes back.
  if (finished_ || (bytes_ > 0 && bytes_ >= max_bytes_)) {
    SayOf(delivery, delivery.jobs, v1::RELEASE_UNCOUNTED, absl::OkStatus());
  } else {
    PutJobs(delivery);
  }
  if (delivery.last) return End(absl::OkStatus());
  Post([this] { session_->OnPassedOn(); });
}

void AcquireCall::PutJobs(const JobDelivery& delivery) {
  const auto read = static_cast<int64_t>(delivery.buffer->read.read.batches.size);
  services_->metrics->CountFetched(read);
  if (request_.format() == v1::RECORD_BATCH) {
    AppendBatchJobs(delivery, &slices_);
    bytes_ += read;
    got_.push_back(delivery);
    return;
  }
  PlainJobs plain = EncodePlainJobs(delivery, max_bytes_);
  std::optional<Reservation> memory = services_->memory->fetch().TryReserve(plain.bytes);
  if (!memory.has_value())
    return SayOf(delivery, delivery.jobs, v1::RELEASE_UNCOUNTED, absl::OkStatus());
  memory_.Absorb(*std::move(memory));
  bytes_ += plain.bytes;
  v1::AcquireResponse part;
  for (v1::Delivery& jobs : plain.deliveries) *part.add_deliveries() = std::move(jobs);
  slices_.emplace_back(part.SerializeAsString());
  got_.push_back(delivery);
  if (!plain.unreadable.empty()) SayOf(delivery, plain.unreadable, v1::REJECT, plain.why);
}

void AcquireCall::SayOf(const JobDelivery& delivery, const std::vector<AcquiredJobs>& jobs,
                        v1::AcknowledgeType type, const absl::Status& why) {
  v1::AcknowledgeRequest request;
  for (const AcquiredJobs& range : jobs)
    AddAcknowledgement(delivery, range, type, why.message(), request.mutable_acknowledge());
  Post([services = services_, group = request_.group(), request = std::move(request)] {
    AcknowledgeJobs(*services, group, request.acknowledge(), request.renew(), [](JobAnswers) {});
  });
}

void AcquireCall::Post(absl::AnyInvocable<void()> work) {
  ++asked_;
  services_->disk->Post([this, work = std::move(work)]() mutable {
    work();
    Release();
  });
}

void AcquireCall::OnEnd(const absl::Status& why) {
  absl::MutexLock lock(&mu_);
  End(why);
}

void AcquireCall::Stop() {
  absl::MutexLock lock(&mu_);
  End(ShuttingDown());
}

void AcquireCall::OnCancel() {
  absl::MutexLock lock(&mu_);
  for (const JobDelivery& delivery : std::exchange(got_, {}))
    SayOf(delivery, delivery.jobs, v1::RELEASE_UNCOUNTED, absl::OkStatus());
  End(absl::CancelledError("the worker has gone"));
}

void AcquireCall::End(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  if (wait_ != nullptr) services_->waiters->Cancel(wait_);
  services_->metrics->CountCall(Call::kAcquire, services_->clock->Monotonic() - start_, status);
  if (status.ok()) {
    v1::AcquireResponse head;
    head.set_session_id(static_cast<int64_t>(session_->id().value()));
    head.set_ack_timeout_ms(ack_timeout_ms_);
    slices_.emplace_back(head.SerializeAsString());
    *raw_.response = grpc::ByteBuffer(slices_.data(), slices_.size());
  }
  Finish(EndStatus(raw_.context, status));
}

void AcquireCall::OnDone() {
  if (session_ != nullptr) {
    // As long as a lock can last.
    services_->workers->Keep(
        session_, services_->clock->Monotonic() + absl::Milliseconds(limits::kLockLongestMs));
  }
  Release();
}

void AcquireCall::Release() {
  {
    absl::MutexLock lock(&mu_);
    if (--asked_ > 0) return;
  }
  services_->calls->Leave(this);
  delete this;
}

}  // namespace weir
