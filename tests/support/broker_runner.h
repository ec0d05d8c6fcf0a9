// BrokerRunner: a real weir-broker as a child process on a given data directory and free ports of
// loopback, that of gRPC kept for it while it is away. Killed with this object. One thread.
#ifndef WEIR_TESTS_SUPPORT_BROKER_RUNNER_H_
#define WEIR_TESTS_SUPPORT_BROKER_RUNNER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace weir {

class BrokerRunner {
 public:
  // `program`: the path of weir-broker.
  explicit BrokerRunner(std::string program) : program_(std::move(program)) {}
  ~BrokerRunner();
  BrokerRunner(const BrokerRunner&) = delete;

  // Starts it and waits for the line that says it is ready. Later starts use the same gRPC port.
  // Fails with what the broker printed when it ends instead.
  absl::Status Start(const std::string& data_directory,
                     const std::vector<std::string>& arguments = {});
  // kill -9, and waits until it is gone.
  void Kill();
  // SIGTERM, and waits; the exit status.
  int Terminate();

  const std::string& address() const { return address_; }  // host:port of gRPC
  pid_t pid() const { return pid_; }

 private:
  absl::Status ReservePort();
  int Wait();

  const std::string program_;
  std::string address_;
  int reserved_ = -1;  // a socket that holds its port
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_BROKER_RUNNER_H_
