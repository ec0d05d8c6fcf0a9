#include "broker/rpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/rpc/admin_service.h"
#include "broker/rpc/group_service.h"
#include "broker/rpc/log_service.h"
#include "broker/rpc/share_service.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr const char* kServiceNames[] = {"weir.v1.LogService", "weir.v1.GroupService",
                                         "weir.v1.ShareService", "weir.v1.AdminService"};
// A connection whose other end is gone without a word is noticed after these two.
constexpr absl::Duration kCloseConnections = absl::Milliseconds(200);
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

// gRPC's own log lines. What it calls an error is mostly the other end's.
void ForwardLog(gpr_log_func_args* args) {
  const bool error = args->severity == GPR_LOG_SEVERITY_ERROR;
  spdlog::log(error ? spdlog::level::debug : spdlog::level::trace, "grpc: {}", args->message);
}

// What protobuf says of messages that are none.
void ForwardProtobufLog(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  spdlog::debug("protobuf: {}", message);
}

std::string Address(const std::string& host, int port) {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port)
                                      : absl::StrCat(host, ":", port);
}

void Bound(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(limits::kRequestBytes));
  builder->SetMaxSendMessageSize(-1);  // answers are bounded where they are made
  // Batches are compressed inside; a compressed message would be decompressed before anybody can
  // ask for its size.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->SetResourceQuota(
      grpc::ResourceQuota("weir").Resize(static_cast<size_t>(options.buffer_bytes)));
  // With SO_REUSEPORT a second broker on the same port would take half of the first one's
  // connections.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kStreamsPerConnection);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits::kMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              static_cast<int>(limits::kPingIntervalMs));
  // Only reflection is synchronous: one thread is enough for it.
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

class GrpcServerImpl : public GrpcServer {
 public:
  explicit GrpcServerImpl(const Services* services)
      : services_(services),
        log_(services),
        groups_(services),
        shares_(services),
        admin_(services) {}

  absl::Status Listen(const GrpcServerOptions& options) {
    grpc::ServerBuilder builder;
    Bound(options, &builder);
    const std::string address = Address(options.host, options.port);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&log_);
    builder.RegisterService(&groups_);
    builder.RegisterService(&shares_);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::UnavailableError(absl::StrCat(
          "cannot listen on ", address, ": the address is in use, or not one of this machine"));
    }
    SetServing(false);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void SetServing(bool serving) override {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    health->SetServingStatus(serving);
    for (const char* name : kServiceNames) health->SetServingStatus(name, serving);
  }

  void Shutdown(absl::Duration grace) override {
    services_->calls->WaitUntilIdle(grace);
    // Clients are told, and close their connections when they have read the answers; a connection
    // that is cut before can lose them. One that does not close is cut then.
    server_->Shutdown(absl::ToChronoTime(services_->clock->Now() + kCloseConnections));
  }

 private:
  const Services* const services_;
  LogService log_;
  GroupService groups_;
  ShareService shares_;
  AdminService admin_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options,
                                                              const Services* services) {
  gpr_set_log_function(ForwardLog);
  google::protobuf::SetLogHandler(ForwardProtobufLog);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<GrpcServerImpl>(services);
  if (absl::Status status = server->Listen(options); !status.ok()) return status;
  return server;
}

}  // namespace weir
