#include "tests/fault/model_calls.h"

namespace weir {

ModelCalls::ModelCalls(const std::string& address)
    : channel_(ConnectModel(address)),
      admin_(v1::AdminService::NewStub(channel_)),
      log_(v1::LogService::NewStub(channel_)) {}

ModelEnd ModelCalls::CreateTopic(const v1::CreateTopicRequest& request,
                                 v1::CreateTopicResponse* response) {
  return CallModel(*admin_, &v1::AdminService::Stub::CreateTopic, request, response);
}

ModelEnd ModelCalls::ListTopics(const v1::ListTopicsRequest& request,
                                v1::ListTopicsResponse* response) {
  return CallModel(*admin_, &v1::AdminService::Stub::ListTopics, request, response);
}

ModelEnd ModelCalls::DescribeTopic(const v1::DescribeTopicRequest& request,
                                   v1::DescribeTopicResponse* response) {
  return CallModel(*admin_, &v1::AdminService::Stub::DescribeTopic, request, response);
}

ModelEnd ModelCalls::Produce(const v1::ProduceRequest& request, v1::ProduceResponse* response) {
  return CallModel(*log_, &v1::LogService::Stub::Produce, request, response);
}

ModelEnd ModelCalls::ProduceStream(const std::vector<v1::ProduceRequest>& requests,
                                   std::vector<v1::ProduceResponse>* responses) {
  grpc::ClientContext context;
  PrepareCall(&context);
  const auto stream = log_->ProduceStream(&context);
  for (const v1::ProduceRequest& request : requests) stream->Write(request);
  stream->WritesDone();
  v1::ProduceResponse response;
  while (stream->Read(&response)) responses->push_back(response);
  return EndOf(stream->Finish(), context);
}

ModelEnd ModelCalls::Fetch(const v1::FetchRequest& request, v1::FetchResponse* response) {
  return CallModel(*log_, &v1::LogService::Stub::Fetch, request, response);
}

ModelEnd ModelCalls::FetchStream(const v1::FetchStreamRequest& request,
                                 std::vector<v1::FetchStreamResponse>* responses) {
  grpc::ClientContext context;
  PrepareCall(&context);
  const auto stream = log_->FetchStream(&context, request);
  v1::FetchStreamResponse response;
  while (stream->Read(&response)) responses->push_back(response);
  return EndOf(stream->Finish(), context);
}

ModelEnd ModelCalls::ListOffsets(const v1::ListOffsetsRequest& request,
                                 v1::ListOffsetsResponse* response) {
  return CallModel(*log_, &v1::LogService::Stub::ListOffsets, request, response);
}

ModelEnd ModelCalls::InitProducer(const v1::InitProducerRequest& request,
                                  v1::InitProducerResponse* response) {
  return CallModel(*log_, &v1::LogService::Stub::InitProducer, request, response);
}

}  // namespace weir
