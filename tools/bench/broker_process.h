// BrokerProcess: a weir-broker of our own, with a data directory of its own, on free ports of
// loopback. What it says goes to broker.log in its directory. Killed, and its directory removed,
// with this object. One thread.
#ifndef WEIR_TOOLS_BENCH_BROKER_PROCESS_H_
#define WEIR_TOOLS_BENCH_BROKER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/bench/broker_output.h"

namespace weir {

class BrokerProcess {
 public:
  struct Options {
    std::string program;    // empty: weir-broker beside this program, or where the build puts it
    std::string directory;  // a new directory is made in it
    std::vector<std::string> arguments;  // further ones
  };

  // Starts it and waits until it says that it is ready.
  static absl::StatusOr<std::unique_ptr<BrokerProcess>> Start(const Options& options);
  ~BrokerProcess();

  const std::string& address() const { return address_; }  // host:port
  const std::string& http_address() const { return http_address_; }
  pid_t pid() const { return pid_; }
  const std::string& data_directory() const { return data_directory_; }
  // Of another one like it.
  Options options() const;
  // As it was started.
  std::vector<std::string> command_line() const;

  // With SIGKILL, as a crash would, and waits until it is gone.
  void Kill();
  // For a program that is about to end: kills it and removes its files, from any thread.
  void Abandon() const;
  // After Kill(): on the same data, the same ports. Returns once it is ready.
  absl::Status StartAgain();

 private:
  BrokerProcess(std::string directory, std::string program, std::vector<std::string> arguments);
  absl::Status Launch();

  const std::string directory_;
  const std::string data_directory_;
  const std::string program_;
  const std::vector<std::string> arguments_;
  std::string address_ = "127.0.0.1:0";
  std::string http_address_ = "127.0.0.1:0";
  pid_t pid_ = -1;
  std::unique_ptr<BrokerOutput> output_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BROKER_PROCESS_H_
