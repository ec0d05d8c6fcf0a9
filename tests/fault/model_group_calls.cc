#include "tests/fault/model_group_calls.h"

namespace weir {

ModelStream::ModelStream(v1::GroupService::Stub* stub, const v1::Membership& membership) {
  PrepareCall(&context_);
  stream_ = stub->Join(&context_);
  v1::JoinRequest request;
  *request.mutable_join() = membership;
  stream_->Write(request);
}

ModelStream::~ModelStream() {
  if (finished_) return;
  context_.TryCancel();
  stream_->Finish();
}

bool ModelStream::Read(v1::MemberAssignment* assignment) {
  v1::JoinResponse response;
  if (!stream_->Read(&response)) return false;
  *assignment = response.assignment();
  return true;
}

void ModelStream::ConfirmRevoked(int64_t epoch) {
  v1::JoinRequest request;
  request.set_revoked_epoch(epoch);
  stream_->Write(request);
}

ModelEnd ModelStream::Leave() {
  stream_->WritesDone();
  v1::JoinResponse response;
  while (stream_->Read(&response)) {
  }
  finished_ = true;
  const grpc::Status status = stream_->Finish();
  return EndOf(status, context_);
}

ModelGroupCalls::ModelGroupCalls(const std::string& address)
    : stub_(v1::GroupService::NewStub(ConnectModel(address))) {}

}  // namespace weir
