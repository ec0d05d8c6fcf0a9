#include "tools/cli/command.h"

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// How long a broker may take to answer the first time; a restart is quicker.
constexpr absl::Duration kConnectTimeout = absl::Seconds(3);

constexpr absl::string_view kNotRunning =
    "is the broker running? Start one with 'weir-broker --data-dir ./data', or name another with "
    "--broker HOST:PORT or WEIR_BROKER";

int output_error = 0;  // the errno of the first write to stdout that failed

}  // namespace

CLI::Range AtLeast(int64_t least) {
  return {least, std::numeric_limits<int64_t>::max(), least > 0 ? "POSITIVE" : "NONNEGATIVE"};
}

CLI::Range PartitionNumber() { return {0, limits::kPartitionsPerTopic - 1}; }

void AddOutputOption(CLI::App* command, OutputFormat* format) {
  command
      ->add_option_function<std::string>(
          "--output",
          [format](const std::string& text) {
            *format = text == "json" ? OutputFormat::kJson : OutputFormat::kTable;
          },
          "How to print: table, or json with one object per line")
      ->check(CLI::IsMember({"table", "json"}))
      ->default_str("table");
}

absl::StatusOr<Client> Connect(const Invocation& invocation) {
  Client client({.broker = invocation.broker, .client_id = "weir-cli"});
  if (const absl::Status connected = client.WaitUntilConnected(kConnectTimeout); !connected.ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot connect to a broker at ", invocation.broker));
  }
  return client;
}

std::string HintFor(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  if (!reason) {
    if (absl::IsUnavailable(status)) return std::string(kNotRunning);
    if (absl::IsDeadlineExceeded(status))
      return "the broker did not answer in time; what was asked for may still happen";
    return "";
  }
  switch (*reason) {
    case Reason::kUnknownTopic:
      return "'weir topic list' shows the topics there are; 'weir topic create NAME --partitions "
             "N' makes one";
    case Reason::kUnknownPartition:
      return "partitions count from 0; 'weir topic describe NAME' shows how many there are";
    case Reason::kTopicExists:
      return "'weir topic describe NAME' shows it; 'weir topic alter' and 'add-partitions' change "
             "it";
    case Reason::kOffsetOutOfRange:
      return "'weir offsets TOPIC' shows what can be read; '--from earliest' begins with the "
             "oldest record there is";
    case Reason::kMessageTooLarge:
      return "when it is the topic's limit, 'weir topic alter NAME --config max.message.bytes=N' "
             "raises it, to at most 32MiB";
    case Reason::kDiskLow:
      return "free space on the broker's disk, or let retention do it: 'weir topic alter NAME "
             "--config retention.ms=N'";
    case Reason::kOverMemoryBudget:
    case Reason::kTooManyRequests:
    case Reason::kShuttingDown:
      return "try again in a moment";
    case Reason::kLogDirFenced:
      return "a disk error stopped the broker's writes; its log says which, a restart recovers";
    case Reason::kCorruptBatch:
      return "'weir log verify DATA-DIR' on the broker's machine shows whether it is damaged on "
             "the "
             "disk; then '--partition P --from OFFSET' or 'weir group reset --partition P --to "
             "OFFSET' reads on behind it";
    case Reason::kNoCommittedOffset:
      return "name the partitions in which something is committed with --partition, or give "
             "earliest, latest, an offset or a time";
    case Reason::kPartitionDamaged:
      return "'weir log verify DATA-DIR' on the broker's machine shows what is damaged";
    case Reason::kUnknownGroup:
      return "'weir group list' shows the groups there are; 'weir work --group G --topic T' makes "
             "a share group";
    case Reason::kGroupTypeMismatch:
      return "'weir work', 'jobs' and 'dlq' are for share groups, 'weir consume --group' and "
             "'group reset' for consumer groups; 'weir group list' shows which is which";
    default:
      return "";
  }
}

std::string ErrorText(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return absl::StrCat(reason ? absl::StrCat(InfoOf(*reason).name, ": ") : "",
                      status.message().empty() ? absl::StatusCodeToString(status.code())
                                               : std::string(status.message()));
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "weir: %s\n", ErrorText(status).c_str());
  if (const std::string hint = HintFor(status); !hint.empty())
    std::fprintf(stderr, "hint: %s\n", hint.c_str());
  return kExitFailed;
}

int FailUsage(absl::string_view message) {
  std::fprintf(stderr, "weir: %.*s\n", static_cast<int>(message.size()), message.data());
  return kExitUsage;
}

void Print(absl::string_view text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno != EPIPE && output_error == 0) output_error = errno;
}

int EndOutput(int code) {
  errno = 0;
  std::cout.flush();  // help texts
  if (!std::cout && errno != EPIPE && output_error == 0) output_error = errno == 0 ? EIO : errno;
  if (output_error == 0) return code;
  const int failed = Fail(absl::ErrnoToStatus(output_error, "cannot write the output"));
  return code == kExitOk ? failed : code;
}

void RefuseEmptyValues(CLI::App* app) {
  for (CLI::Option* option : app->get_options()) {
    if (option->get_items_expected_max() == 0) continue;  // a flag
    option->check([](const std::string& text) {
      return text.empty() ? std::string("its value is empty") : std::string();
    });
  }
  for (CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; }))
    RefuseEmptyValues(command);
}

}  // namespace weir
