#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/group_listing.h"
#include "tools/cli/settings.h"
#include "tools/cli/stop_signal.h"
#include "tools/cli/work_run.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

struct WorkOptions {
  WorkRunOptions run;
  std::string topic;
  GroupStart start = GroupStart::kEarliest;
  Settings settings;
};
using Config = std::map<std::string, std::string>;

// The group is as the command line says, or why not.
absl::Status CheckGroup(const WorkOptions& options, const Config& config,
                        const GroupAdmin::Description& group) {
  if (group.type != GroupType::kShare) {
    return MakeError(Reason::kGroupTypeMismatch,
                     absl::StrCat("group '", options.run.group, "' is no share group"));
  }
  const bool reads =
      std::find(group.reads.topics.begin(), group.reads.topics.end(), options.topic) !=
          group.reads.topics.end() ||
      (!group.reads.prefix.empty() && absl::StartsWith(options.topic, group.reads.prefix));
  if (!options.topic.empty() && !reads) {
    return absl::FailedPreconditionError(absl::StrCat(
        "group '", options.run.group, "' exists and does not read topic '", options.topic, "' but ",
        group.reads.prefix.empty() ? absl::StrJoin(group.reads.topics, ", ")
                                   : absl::StrCat(group.reads.prefix, "*")));
  }
  for (const auto& [name, value] : config) {
    const auto entry = std::find_if(group.config.begin(), group.config.end(),
                                    [&, &name = name](const auto& e) { return e.name == name; });
    if (entry == group.config.end()) {
      return MakeError(Reason::kInvalidConfig,
                       absl::StrCat("share groups have no setting '", name, "'"));
    }
    if (entry->value != value) {
      return absl::FailedPreconditionError(
          absl::StrCat("group '", options.run.group, "' exists with ", name, "=", entry->value,
                       ", not ", value, "; 'weir group alter' changes it"));
    }
  }
  return absl::OkStatus();
}

// With a topic the group comes to be when there is none.
absl::Status FindGroup(const WorkOptions& options, const Config& config, const Client& client) {
  GroupAdmin admin(client);
  absl::StatusOr<GroupAdmin::Description> group = admin.Describe(options.run.group);
  if (ReasonOf(group.status()) == Reason::kUnknownGroup && !options.topic.empty()) {
    const absl::Status created = admin.CreateShare({.group = options.run.group,
                                                    .start = options.start,
                                                    .reads = {.topics = {options.topic}},
                                                    .config = config});
    if (created.ok()) return created;
    if (ReasonOf(created) != Reason::kGroupExists) return created;
    group = admin.Describe(options.run.group);  // somebody else was quicker
  }
  return group.ok() ? CheckGroup(options, config, *group) : group.status();
}

int Run(const WorkOptions& options, const Invocation& invocation) {
  const auto config = ParseAssignments(options.settings.set);
  if (!config.ok()) return FailUsage(absl::StrCat("--config: ", config.status().message()));
  StopSignal::Block();
  absl::StatusOr<Client> client = Connect(invocation);
  if (!client.ok()) return Fail(client.status());
  if (const absl::Status found = FindGroup(options, *config, *client); !found.ok())
    return Fail(found);
  return RunWork(options.run, *client);
}

// "host:pid", which a person finds again.
std::string DefaultName() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return absl::StrCat(host.data(), ":", getpid()).substr(0, limits::kWorkerNameBytes);
}

}  // namespace

void AddWorkCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<WorkOptions>();
  options->run.name = DefaultName();
  CLI::App* work = app.add_subcommand("work", "Do the jobs of a share group with a command");
  work->add_option("--group", options->run.group, "The share group")->required();
  work->add_option("--topic", options->topic,
                   "What the group reads: it is created when there is none of the name");
  AddParsed(work, "--start", &options->start, ParseShareStart,
            "Where a group that is created begins: earliest (default) or latest");
  AddConfigOption(work, &options->settings, "max.delivery.attempts=3");
  work->add_option("--concurrency", options->run.concurrency, "Jobs at the same time")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  work->add_option("--exec", options->run.exec,
                   "The command for each job; without it jobs are printed, one JSON object a line, "
                   "and accepted")
      ->check([](const std::string& text) {
        const bool blank = absl::StripAsciiWhitespace(text).empty();
        return std::string(blank ? "there is no command in it" : "");
      });
  work->add_option("--name", options->run.name,
                   "The worker's name, in lists of jobs and histories of dead letters (host:pid)");
  work->add_option("--max", options->run.max, "Stop after so many jobs")->check(AtLeast(1));
  AddParsed(work, "--stop-timeout", &options->run.stop_timeout, ParseDurationArgument,
            "After Ctrl-C, once no command runs, how long to wait for answers still to come (10s)");
  AddParsed(work, "--progress", &options->run.progress, ParseProgressArgument,
            "auto: a line on stderr when that is a terminal; bar; lines: 'progress accepted=N ...' "
            "again and again; none");
  work->footer(
      "The command gets the job's value on stdin, and in its environment WEIR_KEY, WEIR_OFFSET,\n"
      "WEIR_ATTEMPT (1 is the first), WEIR_TOPIC, WEIR_PARTITION, WEIR_TIMESTAMP_MS, WEIR_GROUP,\n"
      "and WEIR_HEADER_<NAME> for each header. A single word is a program in PATH, started\n"
      "without a shell; anything else goes to /bin/sh -c. How it ends decides:\n"
      "  0         the job is accepted\n"
      "  100       rejected: a dead letter, never tried again\n"
      "  126, 127  the worker stops: the command cannot be run. The job does not count as tried\n"
      "  else      released: tried again after the group's backoff\n"
      "The last 4 KiB of its stderr are the job's error text. Its locks are kept however long it\n"
      "takes. Ctrl-C takes no more jobs and finishes those at work; a second one ends their "
      "commands,\n"
      "and the jobs go back without counting as tried.\n"
      "--config applies to a group that is created; one that exists must be set so already.\n"
      "Examples:\n"
      "  weir work --group email --topic user.signed_up --concurrency 8 --exec ./send-email\n"
      "  weir work --group audit --topic orders --exec 'jq -c . >> audit.log'");
  work->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
