#include "broker/rpc/work_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/job_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "broker/rpc/worker_checks.h"
#include "broker/rpc/worker_sessions.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_shards.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

WorkStream::WorkStream(const Services* services, grpc::CallbackServerContext* context)
    : services_(services), context_(context) {
  absl::Status admitted = services_->calls->Enter(this);
  if (admitted.ok()) admitted = CheckGroups(*services_);
  absl::MutexLock lock(&mu_);
  if (admitted.ok()) {
    GoOn();
  } else {
    End(admitted);
  }
}

// --- What the worker says ---

void WorkStream::OnReadDone(bool ok) {
  const absl::Status taken = ok ? Take() : absl::OkStatus();
  absl::MutexLock lock(&mu_);
  reading_ = false;
  closed_ |= !ok;
  if (!taken.ok()) End(taken);
  GoOn();
}

absl::Status WorkStream::Take() {
  v1::WorkRequest in;
  WEIR_ASSIGN_OR_RETURN(Reservation memory, DecodeRequest(bytes_, limits::kCommitRequestBytes,
                                                          services_->memory->calls(), &in));
  bytes_.Clear();
  WEIR_RETURN_IF_ERROR(CheckJoins(in.has_join(), /*first=*/session_ == nullptr));
  if (in.has_join()) WEIR_RETURN_IF_ERROR(Join(in.join()));
  WEIR_RETURN_IF_ERROR(CheckJobItems(in.acknowledge_size(), in.renew_size()));
  WEIR_RETURN_IF_ERROR(CheckCredits(in.credits()));
  // What is done is said first: after a restart of the broker a job that a worker has finished must
  // not be handed out before.
  if (in.acknowledge_size() > 0 || in.renew_size() > 0) Acknowledge(in, std::move(memory));
  if (in.credits() > 0) session_->AddCredits(in.credits());
  return absl::OkStatus();
}

absl::Status WorkStream::Join(const v1::WorkJoin& join) {
  WEIR_ASSIGN_OR_RETURN(const WorkerFacts facts,
                        CheckWorker(*services_, join.group(), join.worker(), join.max_bytes()));
  group_ = join.group();
  format_ = join.format();
  max_bytes_ = facts.max_bytes;
  std::shared_ptr<WorkerSession> session;
  if (join.session_id() > 0) {
    session = services_->workers->Resume(ShareSessionId(static_cast<uint64_t>(join.session_id())),
                                         group_);
  }
  const bool resumed = session != nullptr;
  if (!resumed) {
    WEIR_ASSIGN_OR_RETURN(
        session, services_->workers->Open(
                     services_, {.group = group_,
                                 .worker = join.worker(),
                                 .read_bytes = std::min(max_bytes_, limits::kJobReadBytes)}));
  }
  v1::WorkResponse response;
  response.mutable_session()->set_session_id(static_cast<int64_t>(session->id().value()));
  response.mutable_session()->set_resumed(resumed);
  response.mutable_session()->set_ack_timeout_ms(facts.ack_timeout_ms);
  session_ = std::move(session);
  {
    absl::MutexLock lock(&mu_);
    Put({.bytes = ToByteBuffer(response)});
  }
  session_->SetOwner(this);
  return absl::OkStatus();
}

absl::Status WorkStream::CheckCredits(int64_t credits) {
  absl::MutexLock lock(&mu_);
  if (credits < 0 || credits > limits::kCreditsMost - credits_) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("credits is ", credits, " beside ", credits_,
                                  " that are open; it must be 0 or more, and at most ",
                                  limits::kCreditsMost, " may be open"));
  }
  credits_ += credits;
  return absl::OkStatus();
}

void WorkStream::Acknowledge(const v1::WorkRequest& request, Reservation memory) {
  uint64_t number = 0;
  {
    absl::MutexLock lock(&mu_);
    number = first_slot_ + slots_.size();
    slots_.emplace_back();
    ++asked_;
  }
  AcknowledgeJobs(*services_, group_, request.acknowledge(), request.renew(),
                  [this, number, memory = std::move(memory)](JobAnswers answers) mutable {
                    memory.Release();
                    OnAnswers(number, std::move(answers));
                  });
}

void WorkStream::OnAnswers(uint64_t number, JobAnswers answers) {
  const int64_t settled = answers.settled;
  int64_t renewed_until_ms = 0;
  for (const v1::AcknowledgeResult& result : answers.renewed)
    renewed_until_ms = std::max(renewed_until_ms, result.lock_until_ms());
  {
    absl::MutexLock lock(&mu_);
    Slot& slot = slots_[number - first_slot_];
    slot.answered = true;
    for (v1::AcknowledgeResult& result : answers.acknowledged)
      *slot.answer.add_acknowledged() = std::move(result);
    for (v1::AcknowledgeResult& result : answers.renewed)
      *slot.answer.add_renewed() = std::move(result);
    while (!slots_.empty() && slots_.front().answered) {
      grpc::ByteBuffer bytes = ToByteBuffer(slots_.front().answer);
      const auto size = static_cast<int64_t>(bytes.Length());
      Put({.bytes = std::move(bytes), .answer_bytes = size});
      slots_.pop_front();
      ++first_slot_;
    }
    GoOn();
  }
  session_->OnSettled(settled, renewed_until_ms);
  Release();
}

// --- Jobs ---

void WorkStream::OnJobs(JobDelivery delivery) {
  absl::MutexLock lock(&mu_);
  if (finished_) return;
  for (const AcquiredJobs& jobs : delivery.jobs) credits_ -= jobs.last - jobs.first + 1;
  services_->metrics->CountFetched(static_cast<int64_t>(delivery.buffer->read.read.batches.size));
  if (format_ == v1::RECORD_BATCH) {
    std::vector<grpc::Slice> slices;
    AppendBatchJobs(delivery, &slices);
    Put({.bytes = grpc::ByteBuffer(slices.data(), slices.size()), .ends_delivery = true});
    return GoOn();
  }
  PlainJobs plain = EncodePlainJobs(delivery, max_bytes_);
  std::optional<Reservation> memory = services_->memory->fetch().TryReserve(plain.bytes);
  if (!memory.has_value()) return End(OverMemoryBudget(services_->memory->fetch(), plain.bytes));
  for (v1::Delivery& jobs : plain.deliveries) {
    v1::WorkResponse response;
    *response.add_deliveries() = std::move(jobs);
    Put({.bytes = ToByteBuffer(response)});
  }
  if (!plain.unreadable.empty()) RejectUnreadable(delivery, plain.unreadable, plain.why);
  // Nothing to write: the next one may come all the same.
  if (out_.empty()) Put({.bytes = ToByteBuffer(v1::WorkResponse())});
  out_.back().ends_delivery = true;
  out_.back().memory = *std::move(memory);
  GoOn();
}

void WorkStream::RejectUnreadable(const JobDelivery& delivery,
                                  const std::vector<AcquiredJobs>& jobs, const absl::Status& why) {
  v1::WorkRequest request;
  for (const AcquiredJobs& range : jobs)
    AddAcknowledgement(delivery, range, v1::REJECT, why.message(), request.mutable_acknowledge());
  ++asked_;
  // Without the session's lock, under which this is called.
  services_->disk->Post([this, request = std::move(request)] {
    AcknowledgeJobs(*services_, group_, request.acknowledge(), request.renew(),
                    [this](JobAnswers answers) {
                      session_->OnSettled(answers.settled, /*renewed_until_ms=*/0);
                      session_->AddCredits(answers.settled);  // the worker never saw them
                      Release();
                    });
  });
}

// --- The stream ---

void WorkStream::Put(Message message) {
  if (finished_) return;
  unwritten_answers_ += message.answer_bytes;
  out_.push_back(std::move(message));
}

void WorkStream::GoOn() {
  if (finished_) return;
  if (!writing_ && !out_.empty()) {
    writing_ = true;
    grpc::WriteOptions options;
    // It goes out with the one behind it; but gRPC sends the first with its headers, and would wait
    // for ever for those to be gone.
    if (written_ && out_.size() > 1) options.set_buffer_hint();
    StartWrite(&out_.front().bytes, options);
  }
  if (closed_ && slots_.empty() && out_.empty()) return End(absl::OkStatus());
  if (!reading_ && !closed_ && slots_.size() < size_t{limits::kStreamRequests} &&
      unwritten_answers_ < limits::kUnwrittenAnswerBytes) {
    reading_ = true;
    StartRead(&bytes_);
  }
}

void WorkStream::OnWriteDone(bool ok) {
  bool passed_on = false;
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    written_ = true;
    passed_on = ok && out_.front().ends_delivery;
    unwritten_answers_ -= out_.front().answer_bytes;
    out_.pop_front();
    GoOn();
  }
  if (passed_on) session_->OnPassedOn();
}

void WorkStream::OnEnd(const absl::Status& why) {
  absl::MutexLock lock(&mu_);
  End(why);
}

void WorkStream::Stop() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  End(ShuttingDown());
}

void WorkStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  End(absl::CancelledError("the worker has gone"));
}

void WorkStream::End(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  if (!status.ok() && !absl::IsCancelled(status)) services_->metrics->CountError(status);
  Finish(EndStatus(context_, status));
}

void WorkStream::OnDone() {
  bool broke = false;
  {
    absl::MutexLock lock(&mu_);
    // A worker that is refused has not gone: it may come back with its session.
    broke = !stopping_ && (context_->IsCancelled() || !closed_);
  }
  if (session_ != nullptr && broke) services_->workers->Break(session_);
  if (session_ != nullptr && !broke) services_->workers->Close(session_);
  Release();
}

void WorkStream::Release() {
  {
    absl::MutexLock lock(&mu_);
    if (--asked_ > 0) return;
  }
  services_->calls->Leave(this);  // a stopping broker waits for what is still under way here
  delete this;
}

}  // namespace weir
