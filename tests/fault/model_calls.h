// ModelCalls: the generated stubs of the broker's services over a connection of their own, with how
// each call ended in the words of the error table. Every call is waited for. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_CALLS_H_
#define WEIR_TESTS_FAULT_MODEL_CALLS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/fault/model_wire.h"
#include "weir/v1/admin.grpc.pb.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {

class ModelCalls {
 public:
  explicit ModelCalls(const std::string& address);

  ModelEnd CreateTopic(const v1::CreateTopicRequest& request, v1::CreateTopicResponse* response);
  ModelEnd ListTopics(const v1::ListTopicsRequest& request, v1::ListTopicsResponse* response);
  ModelEnd DescribeTopic(const v1::DescribeTopicRequest& request,
                         v1::DescribeTopicResponse* response);
  ModelEnd Produce(const v1::ProduceRequest& request, v1::ProduceResponse* response);
  // Sends all of them without waiting, then takes the answers.
  ModelEnd ProduceStream(const std::vector<v1::ProduceRequest>& requests,
                         std::vector<v1::ProduceResponse>* responses);
  ModelEnd Fetch(const v1::FetchRequest& request, v1::FetchResponse* response);
  // Reads until the broker ends the stream.
  ModelEnd FetchStream(const v1::FetchStreamRequest& request,
                       std::vector<v1::FetchStreamResponse>* responses);
  ModelEnd ListOffsets(const v1::ListOffsetsRequest& request, v1::ListOffsetsResponse* response);
  ModelEnd InitProducer(const v1::InitProducerRequest& request, v1::InitProducerResponse* response);

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AdminService::Stub> admin_;
  const std::unique_ptr<v1::LogService::Stub> log_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_CALLS_H_
