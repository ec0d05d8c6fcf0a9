// FetchStream: one FetchStream call: it reads a partition on and on, one message at a time: the
// next is read when gRPC has taken the last. A reader that does not read holds one message; while
// its pace is unknown, or after it has stalled, that is a small one.
//
// Deletes itself when the call is over. Its steps never overlap; Stop and OnCancel may come at any
// time.
#ifndef WEIR_BROKER_RPC_FETCH_STREAM_H_
#define WEIR_BROKER_RPC_FETCH_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/partition/tail_reader.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/services.h"
#include "weir/v1/log.pb.h"

namespace weir {

class FetchStream : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public LongCall {
 public:
  FetchStream(const Services* services, grpc::CallbackServerContext* context,
              const grpc::ByteBuffer* request);

  void Stop() override;

 private:
  absl::Status Start(const grpc::ByteBuffer& request);
  void OnLog(absl::StatusOr<std::shared_ptr<PartitionLog>> log);
  void ReadNext();
  void OnRead(absl::StatusOr<PartitionRead> read);
  // The message for what was read, or why there is none.
  absl::StatusOr<grpc::ByteBuffer> Encode(PartitionRead read);
  // An empty message: there is no memory for it; keep_bytes_ says how much it takes.
  absl::StatusOr<grpc::ByteBuffer> EncodeRecords(v1::FetchStreamResponse head, PartitionRead read);
  void End(const absl::Status& status);
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  v1::FetchStreamRequest request_;
  Reservation memory_;          // for the request
  Reservation message_memory_;  // for message_, where that has none with it
  int64_t keep_bytes_ = 0;      // not 0: the next message, of plain records, takes so much
  int64_t max_bytes_ = 0;       // of a message, as asked
  int64_t chunk_bytes_ = 0;     // of the next message
  int64_t sent_bytes_ = 0;      // since the stream began or stalled
  Offset position_;             // the next record that the reader wants
  Offset until_;
  absl::Duration write_started_;
  grpc::ByteBuffer message_;
  std::atomic<bool> stopping_{false};

  std::shared_ptr<TailReader> reader_;

  absl::Mutex mu_;
  std::shared_ptr<TailReader> to_cancel_ ABSL_GUARDED_BY(mu_);  // reader_, for Stop and OnCancel
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_FETCH_STREAM_H_
