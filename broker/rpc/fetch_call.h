// FetchCall: one unary Fetch. Deletes itself when the call is over.
#ifndef WEIR_BROKER_RPC_FETCH_CALL_H_
#define WEIR_BROKER_RPC_FETCH_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/partition/fetch.h"
#include "broker/rpc/services.h"
#include "weir/v1/log.pb.h"

namespace weir {

class FetchCall : public grpc::ServerUnaryReactor {
 public:
  // `request` and `response` are gRPC's, good until the call is over.
  FetchCall(const Services* services, grpc::CallbackServerContext* context,
            const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

 private:
  absl::Status Start(const grpc::ByteBuffer& request);
  absl::StatusOr<FetchLimits> Limits() const;
  std::vector<FetchQuery> Queries() const;
  void OnFetched(absl::StatusOr<Fetch::Results> results);
  void EncodeBatches(Fetch::Results results);
  absl::Status EncodeRecords(Fetch::Results results);
  // Moves what fits `room` of one partition's records into `head`; gives their bytes.
  int64_t AddRecords(int index, PartitionRead& result, int64_t room, v1::PartitionRecords* head);
  // The fields around the payload.
  v1::PartitionRecords Head(int index, const absl::StatusOr<PartitionRead>& result) const;
  void End(const absl::Status& status);
  void OnCancel() override;
  void OnDone() override;

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  const absl::Duration start_;
  v1::FetchRequest request_;
  Reservation memory_;         // for the request
  Reservation answer_memory_;  // for what of the answer has none with it
  int64_t max_bytes_ = 0;      // of the answer
  size_t first_ = 0;           // the partition that gets the room first

  absl::Mutex mu_;
  std::shared_ptr<Fetch> fetch_ ABSL_GUARDED_BY(mu_);  // null until it starts
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_FETCH_CALL_H_
