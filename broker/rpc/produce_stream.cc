#include "broker/rpc/produce_stream.h"

#include <memory>
#include <optional>
#include <utility>

#include "broker/rpc/call_context.h"
#include "broker/rpc/produce_decoder.h"
#include "broker/rpc/produce_encoding.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {

ProduceStream::ProduceStream(const Services* services, grpc::CallbackServerContext* context)
    : services_(services), context_(context) {
  const bool admitted = services_->calls->Enter(this).ok();
  Next next;
  {
    absl::MutexLock lock(&mu_);
    stopping_ |= !admitted;
    Plan(&next);
  }
  Do(next);
}

void ProduceStream::OnDone() {
  services_->calls->Leave(this);
  delete this;
}

void ProduceStream::Stop() {
  Next next;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    Plan(&next);
  }
  Do(next);
}

void ProduceStream::OnReadDone(bool ok) {
  Next next;
  uint64_t number = 0;
  bool taken = false;
  {
    absl::MutexLock lock(&mu_);
    reading_ = false;
    taken = ok && !stopping_;
    if (taken) {
      number = first_slot_ + slots_.size();
      slots_.push_back({.arrived = services_->clock->Monotonic()});
      taking_ = true;
    } else {
      read_closed_ |= !ok;
      Plan(&next);
    }
  }
  if (!taken) return Do(next);
  Admit(number);
}

void ProduceStream::Admit(uint64_t number) {
  decoder_.emplace(&in_);
  if (const absl::Status status = decoder_->Look(); !status.ok())
    return Refuse(number, decoder_->client_tag(), status, {});
  std::optional<Reservation> memory = services_->memory->produce().ReserveOrNotify(
      decoder_->memory_bytes(), [this, number](Reservation admitted) {
        // Only to get off the thread that gave memory back.
        services_->disk->Post([this, number, admitted = std::move(admitted)]() mutable {
          Take(number, std::move(admitted));
        });
      });
  if (memory.has_value()) Take(number, *std::move(memory));
}

void ProduceStream::Refuse(uint64_t number, uint64_t tag, const absl::Status& why,
                           Reservation memory) {
  decoder_.reset();
  in_.Clear();
  Answer(number, ToResponse(tag, why), why, std::move(memory));
  ReadOn();
}

void ProduceStream::Take(uint64_t number, Reservation memory) {
  const uint64_t tag = decoder_->client_tag();
  const absl::StatusOr<DecodedProduce> decoded = decoder_->Decode();
  if (!decoded.ok()) return Refuse(number, tag, decoded.status(), std::move(memory));
  absl::StatusOr<ProduceRequest> request = ToProduceRequest(*decoded);
  if (!request.ok()) return Refuse(number, tag, request.status(), std::move(memory));
  // What a record batch refers to of the message is kept alive by it.
  const int64_t kept = request->batch.has_value() ? static_cast<int64_t>(in_.Length()) : 0;
  decoder_.reset();
  in_.Clear();
  services_->produce->Prepare(
      *std::move(request), [this, number, tag, kept, memory = std::move(memory)](
                               absl::StatusOr<ProduceEngine::Prepared> prepared) mutable {
        if (prepared.ok()) {
          ShrinkTo(kept + HeldBytes(*prepared), &memory);
          Submit(number, *std::move(prepared), tag, std::move(memory));
        } else {
          Answer(number, ToResponse(tag, prepared.status()), prepared.status(), std::move(memory));
        }
        ReadOn();
      });
}

void ProduceStream::Submit(uint64_t number, ProduceEngine::Prepared prepared, uint64_t tag,
                           Reservation memory) {
  services_->produce->Append(
      std::move(prepared), [this] { return cancelled_.load(std::memory_order_relaxed); },
      [this, number, tag, memory = std::move(memory)](ProduceOutcome outcome) mutable {
        Answer(number, ToResponse(tag, outcome), outcome.FirstError(), std::move(memory));
      });
}

void ProduceStream::Answer(uint64_t number, const v1::ProduceResponse& response,
                           const absl::Status& outcome, Reservation memory) {
  grpc::ByteBuffer bytes = ToByteBuffer(response);
  const auto size = static_cast<int64_t>(bytes.Length());
  ShrinkTo(size, &memory);
  const Services* const services = services_;  // once the lock is given up, others may end the call
  Next next;
  absl::Duration arrived;
  {
    absl::MutexLock lock(&mu_);
    Slot& slot = slots_[number - first_slot_];
    slot.answer.Swap(&bytes);
    slot.memory = std::move(memory);
    slot.answered = true;
    unwritten_bytes_ += size;
    arrived = slot.arrived;
    Plan(&next);
  }
  services->metrics->CountCall(Call::kProduceStream, services->clock->Monotonic() - arrived,
                               outcome);
  Do(next);
}

void ProduceStream::ReadOn() {
  Next next;
  {
    absl::MutexLock lock(&mu_);
    taking_ = false;
    Plan(&next);
  }
  Do(next);
}

void ProduceStream::OnWriteDone(bool ok) {
  Next next;
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    write_broken_ |= !ok;
    DropFront(&next);
    Plan(&next);
  }
  Do(next);
}

void ProduceStream::DropFront(Next* next) {
  Slot& slot = slots_.front();
  unwritten_bytes_ -= static_cast<int64_t>(slot.answer.Length());
  next->freed.push_back(std::move(slot.memory));
  slots_.pop_front();
  ++first_slot_;
}

void ProduceStream::Plan(Next* next) {
  // Answers that nobody takes are dropped in their order all the same.
  while (write_broken_ && !writing_ && !slots_.empty() && slots_.front().answered) DropFront(next);
  if (!writing_ && !slots_.empty() && slots_.front().answered) {
    writing_ = true;
    next->write = &slots_.front().answer;
    // gRPC sends the first answer with its headers; held back, it would wait for ever for those.
    next->more_to_write = first_slot_ > 0 && slots_.size() > 1 && slots_[1].answered;
  }
  const bool may_read = !reading_ && !taking_ && !read_closed_ && !stopping_;
  if (may_read && slots_.size() < limits::kStreamRequests &&
      unwritten_bytes_ < limits::kUnwrittenAnswerBytes) {
    reading_ = true;
    StartRead(&in_);
  }
  next->finish = !finished_ && slots_.empty() && !taking_ && (read_closed_ || stopping_);
  finished_ |= next->finish;
  if (next->finish && !read_closed_) next->end = ShuttingDown();
}

void ProduceStream::Do(const Next& next) {
  if (next.write != nullptr) {
    grpc::WriteOptions options;
    if (next.more_to_write) options.set_buffer_hint();  // it goes out with the one behind it
    StartWrite(next.write, options);
  } else if (next.finish) {
    Finish(EndStatus(context_, next.end));
  }
}

}  // namespace weir
