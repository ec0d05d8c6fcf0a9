// ProduceStream: one ProduceStream call. It reads ahead while requests are being committed and
// gives the answers in the order of the requests, one message each, without blocking a thread for
// either. It stops reading when the broker is out of memory for requests, when too many of its own
// are unanswered, or when its producer does not take its answers; HTTP/2 flow control then holds
// the producer.
//
// Deletes itself when the call is over. Guarded by mu_; of gRPC and the engine only StartRead,
// which just notes a wish, is called with it held.
#ifndef WEIR_BROKER_RPC_PRODUCE_STREAM_H_
#define WEIR_BROKER_RPC_PRODUCE_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/produce_decoder.h"
#include "broker/rpc/services.h"
#include "weir/v1/log.pb.h"

namespace weir {

class ProduceStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                      public LongCall {
 public:
  ProduceStream(const Services* services, grpc::CallbackServerContext* context);

  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A request that is not answered yet, or whose answer waits to be written.
  struct Slot {
    absl::Duration arrived;
    bool answered = false;
    grpc::ByteBuffer answer;
    Reservation memory;  // of the answer, until it is written
  };

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override;

  // What is to be done next, without the lock.
  struct Next {
    const grpc::ByteBuffer* write = nullptr;
    bool more_to_write = false;
    bool finish = false;
    absl::Status end;                // with `finish`
    std::vector<Reservation> freed;  // given back when this goes
  };

  // The request in in_, slot `number`: finds out what memory it takes, and waits for it.
  void Admit(uint64_t number);
  // It will not be tried.
  void Refuse(uint64_t number, uint64_t tag, const absl::Status& why, Reservation memory)
      ABSL_LOCKS_EXCLUDED(mu_);
  // It has its memory.
  void Take(uint64_t number, Reservation memory);
  void Submit(uint64_t number, ProduceEngine::Prepared prepared, uint64_t tag, Reservation memory);
  // What the answer takes of `memory` stays reserved until it is written.
  void Answer(uint64_t number, const v1::ProduceResponse& response, const absl::Status& outcome,
              Reservation memory) ABSL_LOCKS_EXCLUDED(mu_);
  // The first slot is over.
  void DropFront(Next* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The last request has been queued, or refused: only now may the next be read, so that appends
  // keep the order of requests.
  void ReadOn() ABSL_LOCKS_EXCLUDED(mu_);
  void Plan(Next* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Do(const Next& next) ABSL_LOCKS_EXCLUDED(mu_);

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  std::atomic<bool> cancelled_{false};
  grpc::ByteBuffer in_;                    // belongs to the read under way, then to Admit and Take,
  std::optional<ProduceDecoder> decoder_;  // as what is known of it

  absl::Mutex mu_;
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mu_);       // oldest first
  uint64_t first_slot_ ABSL_GUARDED_BY(mu_) = 0;      // the number of slots_.front()
  int64_t unwritten_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // of answers
  bool taking_ ABSL_GUARDED_BY(mu_) = false;          // the last request is not queued yet
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;       // slots_.front()'s answer
  bool read_closed_ ABSL_GUARDED_BY(mu_) = false;   // the producer has said all, or is gone
  bool write_broken_ ABSL_GUARDED_BY(mu_) = false;  // nobody takes answers any more
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PRODUCE_STREAM_H_
