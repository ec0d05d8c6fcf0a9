#include "tools/bench/broker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"
#include "tools/bench/spawn.h"

namespace weir {
namespace {

// A start costs the ring, not the log; this is far beyond.
constexpr absl::Duration kReadyTimeout = absl::Minutes(2);

// weir-broker beside this program (installed), or in the build's broker folder.
absl::StatusOr<std::string> FindProgram() {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path places[] = {self / "weir-broker", self / "../../broker/weir-broker",
                                          self / "../broker/weir-broker"};
  for (const std::filesystem::path& place : places) {
    if (access(place.c_str(), X_OK) == 0) return place.lexically_normal().string();
  }
  return absl::NotFoundError(absl::StrCat("there is no weir-broker beside ", self.string(),
                                          "; name it with --broker-program"));
}

absl::StatusOr<pid_t> StartProgram(std::vector<std::string> command, int output) {
  const std::string program = command[0];
  pid_t pid = -1;
  const int error = Spawn(
      {.words = std::move(command), .files = {{output, STDOUT_FILENO}, {output, STDERR_FILENO}}},
      &pid);
  if (error != 0) return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", program));
  return pid;
}

}  // namespace

BrokerProcess::BrokerProcess(std::string directory, std::string program,
                             std::vector<std::string> arguments)
    : directory_(std::move(directory)),
      data_directory_(JoinPath(directory_, "data")),
      program_(std::move(program)),
      arguments_(std::move(arguments)) {}

absl::StatusOr<std::unique_ptr<BrokerProcess>> BrokerProcess::Start(const Options& options) {
  std::string program = options.program;
  if (program.empty()) {
    WEIR_ASSIGN_OR_RETURN(program, FindProgram());
  }
  std::string directory = JoinPath(options.directory, "weir-bench-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr)
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", directory));
  std::unique_ptr<BrokerProcess> broker(
      new BrokerProcess(std::move(directory), std::move(program), options.arguments));
  WEIR_RETURN_IF_ERROR(FileSystem::Posix().CreateDirectory(broker->data_directory_));
  WEIR_RETURN_IF_ERROR(broker->Launch());
  return broker;
}

BrokerProcess::Options BrokerProcess::options() const {
  return {.program = program_, .directory = ParentPath(directory_), .arguments = arguments_};
}

BrokerProcess::~BrokerProcess() {
  Kill();
  RemoveTree(FileSystem::Posix(), directory_).IgnoreError();
}

std::vector<std::string> BrokerProcess::command_line() const {
  std::vector<std::string> command = {program_, "--data-dir", data_directory_, "--listen",
                                      address_, "--http",     http_address_};
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  return command;
}

absl::Status BrokerProcess::Launch() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  absl::StatusOr<pid_t> pid = StartProgram(command_line(), ends[1]);
  close(ends[1]);
  if (!pid.ok()) {
    close(ends[0]);
    return pid.status();
  }
  pid_ = *pid;
  WEIR_ASSIGN_OR_RETURN(output_, BrokerOutput::Start(ends[0], JoinPath(directory_, "broker.log")));
  WEIR_ASSIGN_OR_RETURN(const BrokerAddresses addresses, output_->WaitUntilReady(kReadyTimeout));
  address_ = addresses.grpc;
  if (!addresses.http.empty()) http_address_ = addresses.http;
  return absl::OkStatus();
}

void BrokerProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  output_.reset();
}

void BrokerProcess::Abandon() const {
  const pid_t pid = pid_;
  if (pid > 0) kill(pid, SIGKILL);
  RemoveTree(FileSystem::Posix(), directory_).IgnoreError();
}

absl::Status BrokerProcess::StartAgain() { return Launch(); }

}  // namespace weir
