// ModelGroupCalls: the generated stub of GroupService over a connection of its own, with how each
// call ended in the words of the error table. Every call is waited for. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_GROUP_CALLS_H_
#define WEIR_TESTS_FAULT_MODEL_GROUP_CALLS_H_

#include <memory>
#include <string>

#include "tests/fault/model_wire.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {

// The stream of a member. One that is not closed is cut off.
class ModelStream {
 public:
  ModelStream(v1::GroupService::Stub* stub, const v1::Membership& membership);
  ~ModelStream();

  // The next assignment; false when the stream is over.
  bool Read(v1::MemberAssignment* assignment);
  void ConfirmRevoked(int64_t epoch);
  // Leaves the group, and waits for the end of the stream; or for an end that came by itself.
  ModelEnd Leave();

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::JoinRequest, v1::JoinResponse>> stream_;
  bool finished_ = false;
};

class ModelGroupCalls {
 public:
  explicit ModelGroupCalls(const std::string& address);

  template <typename Request, typename Response>
  ModelEnd Call(grpc::Status (v1::GroupService::Stub::*call)(grpc::ClientContext*, const Request&,
                                                             Response*),
                const Request& request, Response* response) {
    return CallModel(*stub_, call, request, response);
  }
  std::unique_ptr<ModelStream> Join(const v1::Membership& membership) {
    return std::make_unique<ModelStream>(stub_.get(), membership);
  }

 private:
  const std::unique_ptr<v1::GroupService::Stub> stub_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_GROUP_CALLS_H_
