// How the client tests' brokers listen: on loopback, and patient with pings as the real one is.
#ifndef WEIR_TESTS_UNIT_CLIENT_FAKE_SERVER_H_
#define WEIR_TESTS_UNIT_CLIENT_FAKE_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"

namespace weir {

inline std::string LoopbackAddress(int port) { return absl::StrCat("127.0.0.1:", port); }

// `*port`: where to listen; 0: on a free one, which is put there when the server is built.
inline void ListenOnLoopback(grpc::ServerBuilder* builder, int* port) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(limits::kRequestBytes));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              static_cast<int>(limits::kPingIntervalMs));
  builder->AddListeningPort(LoopbackAddress(*port), grpc::InsecureServerCredentials(), port);
}

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_CLIENT_FAKE_SERVER_H_
