// weir: the command line of Weir. Parses, then runs the one command that was asked for.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "storage/base/lock_cycles.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"

namespace {

// The arguments as CLI11 takes them, last first. "help topic create" is another way to say "topic
// create --help".
std::vector<std::string> Arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.push_back("--help");
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

bool IsOption(const std::string& word) {
  return word.size() > 1 && word.front() == '-' && !(word[1] >= '0' && word[1] <= '9');
}

// What no command knows: an option, or a word that stands where a command should.
struct Unknown {
  std::string word;  // empty: there is nothing of the kind
  bool is_option = false;

  std::string Text() const {
    return is_option ? "there is no option '" + word + "' here"
                     : "there is no command '" + word + "'";
  }
};

Unknown FindUnknown(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  const auto option = std::find_if(words.begin(), words.end(), IsOption);
  if (option != words.end()) return {.word = *option, .is_option = true};
  return {.word = words.empty() ? "" : words.front()};
}

// The first of these words, as Arguments() gives them, that is no command of the one before it.
// Empty when all are.
std::string UnknownCommand(const CLI::App& app, std::vector<std::string> words) {
  const CLI::App* at = &app;
  for (; !words.empty(); words.pop_back()) {
    const std::string& word = words.back();
    if (word == "--help") continue;
    const auto below =
        at->get_subcommands([&](const CLI::App* command) { return command->get_name() == word; });
    if (below.empty()) return word;
    at = below.front();
  }
  return "";
}

std::string NoCommand(const std::string& word) {
  return "weir: there is no command '" + word + "'\nhint: 'weir help' shows those there are\n";
}

int Run(int argc, char** argv) {
  CLI::App app("The command line of Weir, a durable log broker");
  weir::Invocation invocation;
  app.name("weir");
  app.set_version_flag("--version", "weir " WEIR_VERSION);
  app.add_option("--broker", invocation.broker,
                 "The broker's address, HOST:PORT; any command takes it too")
      ->envname("WEIR_BROKER")
      ->check([](const std::string& text) {
        return std::string(weir::CheckBrokerArgument(text).message());
      })
      ->capture_default_str();
  app.fallthrough();
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    const Unknown unknown = FindUnknown(*failed);
    const int code = error.get_exit_code();
    const bool missing = code == static_cast<int>(CLI::ExitCodes::RequiredError);
    const bool extra = code == static_cast<int>(CLI::ExitCodes::ExtrasError);
    const bool tell = !unknown.word.empty() && (missing || (extra && unknown.is_option));
    return "weir: " + (tell ? unknown.Text() : std::string(error.what())) +
           "\nhint: 'weir help', or --help behind a command, shows what is possible, with "
           "examples\n";
  });
  app.footer(
      "A first look, with a broker on this machine:\n"
      "  weir topic create orders --partitions 12\n"
      "  printf 'alice:1 apple\\nbob:2 pears\\n' | weir produce orders --key-separator :\n"
      "  weir consume orders --print-key\n"
      "Errors are on stderr. Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted "
      "('work'\n"
      "and 'consume --follow' go on until Ctrl-C: there a first one is 0, a second one 130).\n"
      "'weir help COMMAND' shows a command's options and examples.");

  weir::AddTopicCommand(app, invocation);
  weir::AddProduceCommand(app, invocation);
  weir::AddConsumeCommand(app, invocation);
  weir::AddGroupCommand(app, invocation);
  weir::AddOffsetsCommand(app, invocation);
  weir::AddWorkCommand(app, invocation);
  weir::AddJobsCommand(app, invocation);
  weir::AddDlqCommand(app, invocation);
  weir::AddLogCommand(app, invocation);
  weir::AddTopCommand(app, invocation);
  weir::AddBenchCommand(app, invocation);
  // Only listed: it is turned around before anything is parsed.
  app.add_subcommand("help", "Help of a command, as in: weir help topic create");

  if (argc > 1 && std::string(argv[1]) == "help") {
    if (const std::string unknown = UnknownCommand(app, Arguments(argc, argv)); !unknown.empty()) {
      std::fputs(NoCommand(unknown).c_str(), stderr);
      return weir::kExitUsage;
    }
  }
  weir::RefuseEmptyValues(&app);
  try {
    app.parse(Arguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weir::EndOutput(weir::kExitOk) : weir::kExitUsage;
  }
  return weir::EndOutput(invocation.run());
}

}  // namespace

int main(int argc, char** argv) {
  weir::DoNotLookForLockCycles();
  // Who stops reading our output shows as EPIPE, which each command handles.
  std::signal(SIGPIPE, SIG_IGN);
  return Run(argc, argv);
}
