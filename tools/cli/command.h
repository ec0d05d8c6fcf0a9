// What every subcommand of `weir` shares: how it joins the command line, what it is given, how it
// ends. A command is one file with one Add...Command function, which declares its options and
// leaves in Invocation::run what is to be done once everything is parsed.
#ifndef WEIR_TOOLS_CLI_COMMAND_H_
#define WEIR_TOOLS_CLI_COMMAND_H_

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cli/listing.h"
#include "weir/client.h"

namespace weir {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;  // as shells show a program that Ctrl-C ended

struct Invocation {
  std::string broker = "127.0.0.1:9095";
  std::function<int()> run;
};

void AddTopicCommand(CLI::App& app, Invocation& invocation);
void AddProduceCommand(CLI::App& app, Invocation& invocation);
void AddConsumeCommand(CLI::App& app, Invocation& invocation);
void AddGroupCommand(CLI::App& app, Invocation& invocation);
void AddOffsetsCommand(CLI::App& app, Invocation& invocation);
void AddLogCommand(CLI::App& app, Invocation& invocation);
void AddWorkCommand(CLI::App& app, Invocation& invocation);
void AddJobsCommand(CLI::App& app, Invocation& invocation);
void AddDlqCommand(CLI::App& app, Invocation& invocation);
void AddTopCommand(CLI::App& app, Invocation& invocation);
void AddBenchCommand(CLI::App& app, Invocation& invocation);

// Checks for numbers of an option, whose error names the range.
CLI::Range AtLeast(int64_t least);
CLI::Range PartitionNumber();

// --output table|json.
void AddOutputOption(CLI::App* command, OutputFormat* format);
// An option whose text `parse` turns into `*target`; what it refuses is wrong usage.
template <typename T, typename Target>
CLI::Option* AddParsed(CLI::App* command, const std::string& name, Target* target,
                       absl::StatusOr<T> (*parse)(absl::string_view), const std::string& help) {
  return command->add_option_function<std::string>(
      name,
      [name, target, parse](const std::string& text) {
        absl::StatusOr<T> value = parse(text);
        if (!value.ok()) throw CLI::ValidationError(name, std::string(value.status().message()));
        *target = *std::move(value);
      },
      help);
}

// A client whose connection stands. UNAVAILABLE, naming the address, when there is no broker.
absl::StatusOr<Client> Connect(const Invocation& invocation);

// "REASON: message", or the message alone when the error carries no reason.
std::string ErrorText(const absl::Status& status);
// Say on stderr what went wrong and what may help, and give the exit status.
int Fail(const absl::Status& status);
int FailUsage(absl::string_view message);
// What a person may try after this error; empty when there is nothing to say.
std::string HintFor(const absl::Status& status);

// Writes all of it to stdout. Nothing more to do when nobody reads any more; what else went wrong
// EndOutput tells.
void Print(absl::string_view text);
// The exit status of a command that ends with `code`: not 0 when its output could not be written.
int EndOutput(int code);
// An option that is given must say something: an unset variable of a script is no wish for all.
void RefuseEmptyValues(CLI::App* app);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_COMMAND_H_
