// Hostile configuration: flags, environment and file of any bytes. The parser refuses them with
// INVALID_ARGUMENT and a message, or gives a configuration in which every value is in its
// documented range, and which --print-config prints so that it is read back as the same.
//
//   input := line*; a line that begins with "--" is a flag, one of the form WEIR_NAME=VALUE is of
//            the environment; behind a line "%" the rest is the file.
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "broker/config.h"
#include "broker/config_settings.h"
#include "storage/base/check.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

constexpr char kFile[] = "/weir.toml";

struct Input {
  std::vector<std::string> flags;
  std::map<std::string, std::string> environment;
  std::optional<std::string> file;
};

Input Parse(absl::string_view bytes) {
  Input input;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const absl::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line == "%") {
      input.file = std::string(bytes);
      return input;
    }
    // As the system gives them: without zeros.
    const std::string text(line.substr(0, line.find('\0')));
    const std::pair<std::string, std::string> variable =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (absl::StartsWith(text, "WEIR_")) {
      input.environment.insert(variable);
    } else {
      input.flags.push_back(text);
    }
  }
  return input;
}

absl::StatusOr<BrokerCommand> Run(const Input& input, bool print) {
  SimFileSystem fs;
  WEIR_CHECK(CreateDirectories(fs, "/proc").ok());
  fs.WriteRaw("/proc/meminfo", "MemTotal: 4194304 kB\n");
  std::vector<const char*> flags{"weir-broker"};
  if (print) flags.push_back("--print-config");
  if (input.file) {
    fs.WriteRaw(kFile, *input.file);
    flags.insert(flags.end(), {"--config", kFile});
  }
  for (const std::string& flag : input.flags) flags.push_back(flag.c_str());
  return ParseBrokerConfig(
      static_cast<int>(flags.size()), flags.data(),
      [&](const char* name) -> const char* {
        const auto it = input.environment.find(name);
        return it == input.environment.end() ? nullptr : it->second.c_str();
      },
      fs);
}

void CheckEndpoint(const Endpoint& endpoint, bool insecure) {
  WEIR_CHECK(!endpoint.host.empty());
  WEIR_CHECK(endpoint.port >= 0 && endpoint.port <= 65'535);
  WEIR_CHECK(insecure || endpoint.IsLoopback());
}

template <typename T>
bool Between(T value, T least, T most) {
  return value >= least && value <= most;
}

// What README.md and --help promise of each.
void CheckRanges(const BrokerConfig& config, bool exposure_checked) {
  using namespace limits;
  WEIR_CHECK(!config.data_dir.empty());
  CheckEndpoint(config.listen, config.insecure || !exposure_checked);
  CheckEndpoint(config.http, config.insecure || !exposure_checked);
  WEIR_CHECK(config.memory_limit >= kMemoryLimitSmallest);
  WEIR_CHECK(config.disk_low.value_or(0) >= 0 && config.disk_ok.value_or(0) >= 0);
  WEIR_CHECK(!config.disk_low || !config.disk_ok || *config.disk_ok >= *config.disk_low);
  WEIR_CHECK(
      Between(config.journal_file_bytes, kJournalFileBytesSmallest, kJournalFileBytesLargest));
  WEIR_CHECK(config.journal_file_bytes % kJournalBlock == 0);
  WEIR_CHECK(Between(config.journal_files, kJournalFilesFewest, kJournalFilesMost));
  WEIR_CHECK(
      Between<int64_t>(static_cast<int64_t>(config.open_files), kOpenFilesFewest, kOpenFilesMost));
  WEIR_CHECK(Between(config.grace_period, absl::Seconds(1), absl::Hours(1)));
  WEIR_CHECK(Between(config.retention_check_interval, absl::Milliseconds(10), absl::Hours(1)));
  WEIR_CHECK(Between(config.producer_id_expiration_ms, kProducerKeptMs, kProducerExpirationMostMs));
  constexpr absl::string_view kLevels[] = {"trace", "debug", "info", "warn", "error"};
  WEIR_CHECK(std::count(std::begin(kLevels), std::end(kLevels), config.log_level) == 1);
  WEIR_CHECK(Between(config.topic_partitions, 1, kPartitionsPerTopic));
  const TopicConfig& topic = config.topic_defaults;
  WEIR_CHECK(topic.retention_ms >= -1 && topic.retention_bytes >= -1 && topic.segment_ms >= 1);
  WEIR_CHECK(Between(topic.segment_bytes, kSegmentBytesSmallest, kSegmentBytesLargest));
  WEIR_CHECK(Between<int64_t>(topic.max_message_bytes, 100, kMaxMessageBytesLargest));
}

bool Same(const BrokerConfig& a, const BrokerConfig& b) {
  for (const Setting& setting : Settings()) {
    if (setting.get(a) != setting.get(b)) return false;
  }
  return a.listen == b.listen && a.http == b.http && a.disk_low == b.disk_low &&
         a.disk_ok == b.disk_ok && a.grace_period == b.grace_period &&
         a.topic_defaults == b.topic_defaults;
}

void CheckPrinted(const Input& input, const BrokerConfig& config) {
  const auto printed = Run(input, /*print=*/true);
  WEIR_CHECK(printed.ok() && printed->print.has_value());
  WEIR_CHECK(Same(printed->config, config));
  const auto again = Run({.file = printed->print}, /*print=*/true);
  WEIR_CHECK(again.ok());
  WEIR_CHECK(Same(again->config, config));
}

void RunOne(absl::string_view bytes) {
  const Input input = Parse(bytes);
  const auto command = Run(input, /*print=*/false);
  if (!command.ok()) {
    WEIR_CHECK(absl::IsInvalidArgument(command.status()) && !command.status().message().empty());
    return;
  }
  const bool runs = !command->print.has_value();
  if (!runs && !absl::StartsWith(*command->print, "# Settings")) return;  // help or version
  CheckRanges(command->config, /*exposure_checked=*/runs);
  CheckPrinted(input, command->config);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
