// LogService: the door of produce, fetch and offsets: one function per call, each of which makes
// the object that serves it. Any thread.
#ifndef WEIR_BROKER_RPC_LOG_SERVICE_H_
#define WEIR_BROKER_RPC_LOG_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {

// Raw: the handler gets the message's bytes, so that nothing is decoded before its memory is
// reserved.
using LogServiceBase = v1::LogService::WithRawCallbackMethod_Produce<
    v1::LogService::WithRawCallbackMethod_ProduceStream<v1::LogService::WithRawCallbackMethod_Fetch<
        v1::LogService::WithRawCallbackMethod_FetchStream<
            v1::LogService::WithRawCallbackMethod_ListOffsets<
                v1::LogService::WithRawCallbackMethod_InitProducer<v1::LogService::Service>>>>>>;

class LogService : public LogServiceBase {
 public:
  explicit LogService(const Services* services) : services_(services) {}

  grpc::ServerUnaryReactor* Produce(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ProduceStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Fetch(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* FetchStream(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListOffsets(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* InitProducer(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_LOG_SERVICE_H_
