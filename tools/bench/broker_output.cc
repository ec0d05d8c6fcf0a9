#include "tools/bench/broker_output.h"

#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr size_t kLastLinesBytes = 2000;

// "127.0.0.1:9095" in "http://127.0.0.1:9095," and the like; empty when there is no address in
// `word`.
std::string AddressIn(absl::string_view word) {
  absl::ConsumePrefix(&word, "http://");
  while (!word.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(word.back())))
    word.remove_suffix(1);
  while (!word.empty() && absl::ascii_ispunct(static_cast<unsigned char>(word.front())) &&
         word.front() != '[')
    word.remove_prefix(1);
  const size_t colon = word.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == word.size()) return "";
  for (const char c : word.substr(colon + 1)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return "";
  }
  return std::string(word);
}

}  // namespace

std::optional<BrokerAddresses> ParseReadyLine(absl::string_view line) {
  constexpr absl::string_view kReady = " ready on ";
  const size_t at = line.find(kReady);
  if (at == absl::string_view::npos || line.find("weir-broker") > at) return std::nullopt;
  BrokerAddresses addresses;
  for (const absl::string_view word :
       absl::StrSplit(line.substr(at + kReady.size()), ' ', absl::SkipEmpty())) {
    std::string address = AddressIn(word);
    if (address.empty()) continue;
    if (addresses.grpc.empty()) {
      addresses.grpc = std::move(address);
    } else if (addresses.http.empty()) {
      addresses.http = std::move(address);
    }
  }
  if (addresses.grpc.empty()) return std::nullopt;
  return addresses;
}

absl::StatusOr<std::unique_ptr<BrokerOutput>> BrokerOutput::Start(int pipe,
                                                                  const std::string& log_path) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<File> log,
                        FileSystem::Posix().Open(log_path, OpenMode::kCreate));
  WEIR_ASSIGN_OR_RETURN(const int64_t size, log->Size());
  std::unique_ptr<BrokerOutput> output(new BrokerOutput(pipe, std::move(log), FilePosition{size}));
  output->thread_ = std::make_unique<ThreadExecutor>("broker-output", 1);
  output->thread_->Post([raw = output.get()] { raw->Read(); });
  return output;
}

BrokerOutput::~BrokerOutput() {
  thread_.reset();
  close(pipe_);
}

void BrokerOutput::Note(absl::string_view bytes) {
  // The log is for people; that it cannot be written must not stop a measurement.
  if (log_->Write(end_, bytes).ok()) end_ += static_cast<int64_t>(bytes.size());
  absl::MutexLock lock(&mu_);
  absl::StrAppend(&last_lines_, bytes);
  if (last_lines_.size() > kLastLinesBytes)
    last_lines_.erase(0, last_lines_.size() - kLastLinesBytes);
  if (ready_) return;
  absl::StrAppend(&line_, bytes);
  const std::vector<std::string> lines = absl::StrSplit(line_, '\n');
  for (size_t i = 0; i + 1 < lines.size() && !ready_; ++i) ready_ = ParseReadyLine(lines[i]);
  line_ = lines.back();
}

void BrokerOutput::Read() {
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(pipe_, buffer, sizeof buffer);
    if (n > 0) Note(absl::string_view(buffer, static_cast<size_t>(n)));
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  absl::MutexLock lock(&mu_);
  ended_ = true;
}

absl::StatusOr<BrokerAddresses> BrokerOutput::WaitUntilReady(absl::Duration timeout) {
  const auto settled = [this]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ready_.has_value() || ended_; };
  absl::MutexLock lock(&mu_);
  if (!mu_.AwaitWithTimeout(absl::Condition(&settled), timeout)) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the broker was not ready within ", absl::FormatDuration(timeout), ": ", last_lines_));
  }
  if (!ready_)
    return absl::UnavailableError(absl::StrCat("the broker ended at once: ", last_lines_));
  return *ready_;
}

}  // namespace weir
