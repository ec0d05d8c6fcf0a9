// weir: the command line of Weir. Parses, then runs the one command that was asked for.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "storage/base/lock_cycles.h"
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

// The word that stands where a command should; empty when there is none.
std::string StrayWord(const CLI::App& app) {
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    if (word.empty() || word.front() != '-') return word;
  }
  return "";
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
      ->capture_default_str();
  app.fallthrough();
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    const std::string stray = StrayWord(*failed);
    if (error.get_name() == "RequiredError" && !stray.empty()) return NoCommand(stray);
    return std::string("weir: ") + error.what() +
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
  try {
    app.parse(Arguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weir::kExitOk : weir::kExitUsage;
  }
  return invocation.run();
}

}  // namespace

int main(int argc, char** argv) {
  weir::DoNotLookForLockCycles();
  // Who stops reading our output shows as EPIPE, which each command handles.
  std::signal(SIGPIPE, SIG_IGN);
  return Run(argc, argv);
}
