#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/group_listing.h"
#include "tools/cli/settings.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

struct GroupOptions {
  std::string group;
  GroupType type = GroupType::kConsumer;
  TopicSelection reads;
  GroupStart start = GroupStart::kEarliest;
  Settings settings;
  std::string prefix;
  std::string topic;
  std::vector<int32_t> partitions;
  std::string to;
  bool dry_run = false;
  bool yes = false;
  OutputFormat output = OutputFormat::kTable;
};
using Shared = std::shared_ptr<GroupOptions>;
using Action = int (*)(const GroupOptions& options, GroupAdmin admin);

CLI::App* Add(CLI::App* group, Invocation& invocation, const Shared& options, const char* name,
              const char* about, const char* example, Action action) {
  CLI::App* command = group->add_subcommand(name, about);
  command->footer(absl::StrCat("Example:\n  ", example));
  command->callback([&invocation, options, action] {
    invocation.run = [&invocation, options, action] {
      absl::StatusOr<Client> client = Connect(invocation);
      return client.ok() ? action(*options, GroupAdmin(*client)) : Fail(client.status());
    };
  });
  return command;
}

void AddName(CLI::App* command, const Shared& options) {
  command->add_option("group", options->group, "The group's name")->required();
}

// What a share group shall read; nothing when that was not said.
std::optional<TopicSelection> Reads(const GroupOptions& options) {
  if (options.reads.topics.empty() && options.reads.prefix.empty()) return std::nullopt;
  return options.reads;
}

int Create(const GroupOptions& options, GroupAdmin admin) {
  const auto config = ParseAssignments(options.settings.set);
  if (!config.ok()) return FailUsage(absl::StrCat("--config: ", config.status().message()));
  const bool is_share = options.type == GroupType::kShare;
  if (is_share != Reads(options).has_value()) {
    return FailUsage(is_share ? "a share group needs --topic or --prefix: what it reads"
                              : "--topic and --prefix are of share groups (--type share); members "
                                "of consumer groups say themselves what they read");
  }
  const absl::Status created = is_share ? admin.CreateShare({.group = options.group,
                                                             .start = options.start,
                                                             .reads = options.reads,
                                                             .config = *config})
                                        : admin.Create(options.group, options.start, *config);
  if (!created.ok()) return Fail(created);
  Print(absl::StrCat("created ", NameOf(options.type), " group ", options.group,
                     ", which starts at ", NameOf(options.start), "\n"));
  return kExitOk;
}

int List(const GroupOptions& options, GroupAdmin admin) {
  const auto groups = admin.List(options.prefix);
  if (!groups.ok()) return Fail(groups.status());
  Listing listing({"group", "type", "state", "paused", "members"});
  for (const GroupAdmin::Summary& group : *groups) {
    listing.AddRow({group.group, std::string(NameOf(group.type)), std::string(NameOf(group.state)),
                    group.paused, int64_t{group.members}});
  }
  Print(listing.Render(options.output));
  return kExitOk;
}

int Describe(const GroupOptions& options, GroupAdmin admin) {
  const auto group = admin.Describe(options.group);
  if (!group.ok()) return Fail(group.status());
  Print(RenderGroup(*group, options.output));
  return kExitOk;
}

int Alter(const GroupOptions& options, GroupAdmin admin) {
  const std::optional<TopicSelection> reads = Reads(options);
  return ChangeSettings(
      options.settings, options.output,
      [&](const auto& set, const auto& remove) {
        return admin.Alter(options.group, set, remove, reads);
      },
      /*changes_more=*/reads.has_value());
}

int SetPaused(const GroupOptions& options, GroupAdmin admin, bool paused) {
  if (const absl::Status set = admin.SetPaused(options.group, paused); !set.ok()) return Fail(set);
  Print(absl::StrCat("group ", options.group, paused ? " is paused\n" : " goes on\n"));
  return kExitOk;
}
int Pause(const GroupOptions& options, GroupAdmin admin) { return SetPaused(options, admin, true); }
int Resume(const GroupOptions& options, GroupAdmin admin) {
  return SetPaused(options, admin, false);
}

int Delete(const GroupOptions& options, GroupAdmin admin) {
  if (!options.yes) {
    return FailUsage(absl::StrCat("this deletes group '", options.group,
                                  "' for good, with its committed offsets or the state of its "
                                  "jobs; topics stay. Repeat with --yes"));
  }
  if (const absl::Status deleted = admin.Delete(options.group); !deleted.ok()) return Fail(deleted);
  Print(absl::StrCat("deleted group ", options.group, "\n"));
  return kExitOk;
}

// A position, or "+N" and "-N" from what is committed.
absl::StatusOr<GroupAdmin::ResetTarget> ParseTarget(absl::string_view text) {
  if (absl::StartsWith(text, "+") || absl::StartsWith(text, "-")) {
    absl::string_view number = text;
    absl::ConsumePrefix(&number, "+");
    int64_t records = 0;
    if (!absl::SimpleAtoi(number, &records))
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no number of records"));
    return GroupAdmin::Shift{records};
  }
  absl::StatusOr<Position> position =
      ParsePositionArgument(text, Clock::Real().Now(), absl::LocalTimeZone());
  if (!position.ok()) return position.status();
  return std::visit([](const auto& at) -> GroupAdmin::ResetTarget { return at; }, *position);
}

int Reset(const GroupOptions& options, GroupAdmin admin) {
  absl::StatusOr<GroupAdmin::ResetTarget> to = ParseTarget(options.to);
  if (!to.ok()) return FailUsage(absl::StrCat("--to: ", to.status().message()));
  GroupAdmin::ResetSpec spec{.group = options.group,
                             .topic = options.topic,
                             .to = *std::move(to),
                             .dry_run = options.dry_run};
  for (const int32_t partition : options.partitions)
    spec.partitions.push_back(PartitionIndex(partition));
  const auto outcomes = admin.ResetOffsets(spec);
  if (!outcomes.ok()) return Fail(outcomes.status());
  Listing listing({"topic", "partition", "before", "after"});
  absl::Status failed;
  for (const GroupAdmin::ResetOutcome& outcome : *outcomes) {
    if (!outcome.after.ok() && failed.ok()) failed = outcome.after.status();
    listing.AddRow({options.topic, int64_t{outcome.partition.value()},
                    outcome.before.has_value() ? Cell(outcome.before->value()) : Cell(),
                    outcome.after.ok() ? Cell(outcome.after->value()) : Cell()});
  }
  if (!failed.ok()) return Fail(failed);
  Print(listing.Render(options.output));
  return kExitOk;
}

absl::StatusOr<GroupType> ParseType(absl::string_view text) {
  for (const GroupType type : {GroupType::kConsumer, GroupType::kShare}) {
    if (text == NameOf(type)) return type;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is none of consumer, share"));
}

// `instead`: said after what the options are.
void AddReads(CLI::App* command, const Shared& options, const std::string& instead) {
  command
      ->add_option("--topic", options->reads.topics,
                   "Of a share group: a topic that it reads; again for more" + instead)
      ->allow_extra_args(false);
  command->add_option("--prefix", options->reads.prefix,
                      "Of a share group: it reads all topics whose names begin so" + instead);
}

}  // namespace

void AddGroupCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* group = app.add_subcommand(
      "group", "Create, list, describe, change and reset consumer groups and share groups");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  weir group describe email\n"
      "  weir group create resize --type share --topic pictures --config max.delivery.attempts=3\n"
      "  weir group reset email --topic orders --to 2h --dry-run");
  const auto options = std::make_shared<GroupOptions>();
  const std::string example = "session.timeout.ms=10000";

  CLI::App* create = Add(group, invocation, options, "create", "Create a group",
                         "weir group create email --start latest\n"
                         "  weir group create resize --type share --topic pictures "
                         "--config max.delivery.attempts=3",
                         Create);
  AddName(create, options);
  AddParsed(
      create, "--type", &options->type, ParseType,
      "consumer (default): members share partitions; share: a work queue, whose workers share "
      "single records");
  AddReads(create, options, "");
  AddParsed(
      create, "--start", &options->start, ParseStart,
      "Where it begins in topics it has not read yet: earliest (default), latest, none (not for "
      "share groups)");
  AddConfigOption(create, &options->settings, example);

  CLI::App* list = Add(group, invocation, options, "list", "List groups",
                       "weir group list --prefix billing. --output json", List);
  list->add_option("--prefix", options->prefix, "Only those whose names begin so");
  AddOutputOption(list, &options->output);

  CLI::App* describe = Add(group, invocation, options, "describe",
                           "Show a group's members or jobs, positions and lag",
                           "weir group describe email", Describe);
  AddName(describe, options);
  AddOutputOption(describe, &options->output);

  CLI::App* alter = Add(group, invocation, options, "alter", "Change a group's settings",
                        "weir group alter email --config session.timeout.ms=10000", Alter);
  AddName(alter, options);
  AddReads(alter, options, ". Instead of all that it reads now");
  AddChangeOptions(alter, &options->settings, example);
  AddOutputOption(alter, &options->output);

  AddName(Add(group, invocation, options, "pause", "Let a group's members or workers rest",
              "weir group pause email", Pause),
          options);
  AddName(Add(group, invocation, options, "resume", "Let a paused group go on",
              "weir group resume email", Resume),
          options);

  CLI::App* reset =
      Add(group, invocation, options, "reset", "Move a group's committed offsets in a topic",
          "weir group reset email --topic orders --to 2h --dry-run", Reset);
  AddName(reset, options);
  reset->add_option("--topic", options->topic, "The topic")->required();
  reset->add_option("--partition", options->partitions, "Only this partition; again for more")
      ->allow_extra_args(false)
      ->check(CLI::NonNegativeNumber);
  reset
      ->add_option("--to", options->to,
                   "earliest, latest, an offset, a time (see weir consume --help), or +N and -N "
                   "records from what is committed")
      ->required();
  reset->add_flag("--dry-run", options->dry_run, "Only show what would be");
  AddOutputOption(reset, &options->output);

  CLI::App* remove = Add(group, invocation, options, "delete",
                         "Delete a group with its committed offsets or the state of its jobs",
                         "weir group delete email --yes", Delete);
  AddName(remove, options);
  remove->add_flag("--yes", options->yes, "Really do it");
}

}  // namespace weir
