// weir-broker: the broker's process: its command line, its signals and its exit status.
//   0 an orderly stop; 1 it could not start; 2 wrong usage; 74 a disk error has closed the data
//   directory.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/escaping.h"
#include "absl/synchronization/mutex.h"
#include "broker/config.h"
#include "broker/runtime/logging.h"
#include "broker/server.h"
#include "storage/base/check.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/base/lock_cycles.h"

namespace weir {
namespace {

constexpr int kCannotStart = 1;
constexpr int kWrongUsage = 2;
constexpr int kFenced = 74;  // EX_IOERR
// How long answers that tell of a fence may take to go out.
constexpr absl::Duration kFarewell = absl::Seconds(1);
constexpr unsigned kFarewellAlarmSeconds = 3;

void PrintError(const absl::Status& status) {
  std::fprintf(stderr, "weir-broker: %s\n", std::string(status.message()).c_str());
}

// Why the process is to end. Guarded by mu_.
class Ending {
 public:
  enum class Why { kSignal, kFenced };

  void Set(Why why) {
    absl::MutexLock lock(&mu_);
    if (!why_.has_value() || why == Why::kFenced) why_ = why;
  }
  Why Wait() {
    absl::MutexLock lock(&mu_);
    const auto known = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return why_.has_value(); };
    mu_.Await(absl::Condition(&known));
    return *why_;
  }

 private:
  absl::Mutex mu_;
  std::optional<Why> why_ ABSL_GUARDED_BY(mu_);
};

// Before any other thread exists, so that all inherit it.
sigset_t BlockSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  WEIR_CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  return signals;
}

// The first signal asks for an orderly stop, the second ends the process at once; what was
// acknowledged is safe either way.
void WatchSignals(sigset_t signals, Ending* ending) {
  int signal = 0;
  sigwait(&signals, &signal);
  ending->Set(Ending::Why::kSignal);
  sigwait(&signals, &signal);
  std::_Exit(128 + signal);
}

// What was asked for instead of a broker.
int Print(const std::string& text) {
  for (const std::string& name : UnknownVariables(environ)) {
    std::fprintf(stderr, "weir-broker: %s in the environment is no setting\n",
                 absl::CEscape(name).c_str());
  }
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
  PrintError(absl::ErrnoToStatus(errno, "cannot write the output"));
  return kCannotStart;
}

int Run(const BrokerConfig& config) {
  const sigset_t signals = BlockSignals();
  const LogLines lines = config.log_format == LogFormat::kJson ? LogLines::kJson : LogLines::kText;
  if (const absl::Status status = SetUpLogging(lines, config.log_level); !status.ok()) {
    PrintError(status);
    return kWrongUsage;
  }
  for (const std::string& name : UnknownVariables(environ)) {
    spdlog::warn("{} in the environment is no setting; weir-broker --print-config shows them all",
                 absl::CEscape(name));
  }
  static Ending& ending = *new Ending;  // the threads that use it end with the process
  auto server =
      Server::Start(config, [](const absl::Status&) { ending.Set(Ending::Why::kFenced); });
  if (!server.ok()) {
    PrintError(server.status());
    return kCannotStart;
  }
  // Never destroyed: it waits for signals until the process is gone.
  auto* const watcher = new ThreadExecutor("weir-signals", 1);
  watcher->Post([signals] { WatchSignals(signals, &ending); });
  std::printf("weir-broker %s ready on %s (gRPC) and %s (HTTP), data in %s\n",
              std::string(WeirVersion()).c_str(), (*server)->grpc().ToString().c_str(),
              (*server)->http().ToString().c_str(), config.data_dir.c_str());
  std::fflush(stdout);
  if (ending.Wait() == Ending::Why::kFenced) {
    alarm(kFarewellAlarmSeconds);  // should even that hang: SIGALRM ends the process
    (*server)->SayFarewell(kFarewell);
    std::_Exit(kFenced);  // no flush, no clean mark: the next start recovers
  }
  const absl::Status stopped = (*server)->Stop(config.grace_period);
  if (stopped.ok()) return 0;
  PrintError(stopped);
  std::_Exit(kFenced);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::DoNotLookForLockCycles();
  const absl::StatusOr<weir::BrokerCommand> command = weir::ParseBrokerConfig(
      argc, argv, [](const char* name) -> const char* { return std::getenv(name); },
      weir::FileSystem::Posix());
  if (!command.ok()) {
    weir::PrintError(command.status());
    return weir::kWrongUsage;
  }
  if (command->print.has_value()) return weir::Print(*command->print);
  return weir::Run(command->config);
}
