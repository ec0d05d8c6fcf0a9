// JoinStream: one Join call: membership in a group and nothing else. The stream is the session.
//
// Deletes itself when the call is over. Guarded by mu_.
#ifndef WEIR_BROKER_RPC_JOIN_STREAM_H_
#define WEIR_BROKER_RPC_JOIN_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/member_session.h"
#include "broker/rpc/services.h"
#include "weir/v1/group.pb.h"

namespace weir {

class JoinStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public LongCall,
                   public MemberSession::Owner {
 public:
  JoinStream(const Services* services, grpc::CallbackServerContext* context);

  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnJoined(const Joined& joined) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnAssignment(const Notice& notice) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override;

  // What the message in bytes_ asks for.
  absl::Status Take();
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<MemberSession> session_;
  grpc::ByteBuffer bytes_;  // belongs to the read under way
  bool joined_ = false;     // the first message has come; of the reads

  absl::Mutex mu_;
  Joined session_facts_ ABSL_GUARDED_BY(mu_);
  std::optional<v1::JoinResponse> next_
      ABSL_GUARDED_BY(mu_);                    // to be written; only the newest counts
  grpc::ByteBuffer out_ ABSL_GUARDED_BY(mu_);  // being written
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool joining_ ABSL_GUARDED_BY(mu_) = false;  // whether it is a member is not heard yet
  bool leaving_ ABSL_GUARDED_BY(mu_) = false;  // the member has closed its side
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_JOIN_STREAM_H_
