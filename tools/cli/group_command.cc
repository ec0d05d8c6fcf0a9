#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
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
#include "tools/cli/json.h"
#include "tools/cli/settings.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

struct GroupOptions {
  std::string group;
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

const char* NameOf(GroupAdmin::State state) {
  switch (state) {
    case GroupAdmin::State::kEmpty:
      return "empty";
    case GroupAdmin::State::kStable:
      return "stable";
    case GroupAdmin::State::kRebalancing:
      return "rebalancing";
  }
  return "";
}

const char* NameOf(GroupStart start) {
  switch (start) {
    case GroupStart::kEarliest:
      return "earliest";
    case GroupStart::kLatest:
      return "latest";
    case GroupStart::kNone:
      return "none";
  }
  return "";
}

// "12.3s", "3h5m": as exact as a person wants to know.
std::string Roughly(absl::Duration duration) {
  const absl::Duration step = duration < absl::Minutes(1) ? absl::Milliseconds(100)
                              : duration < absl::Hours(1) ? absl::Seconds(1)
                                                          : absl::Minutes(1);
  return absl::FormatDuration(absl::Trunc(duration, step));
}

int Create(const GroupOptions& options, GroupAdmin admin) {
  const auto config = ParseAssignments(options.settings.set);
  if (!config.ok()) return FailUsage(absl::StrCat("--config: ", config.status().message()));
  if (const absl::Status created = admin.Create(options.group, options.start, *config);
      !created.ok())
    return Fail(created);
  Print(absl::StrCat("created consumer group ", options.group, ", which starts at ",
                     NameOf(options.start), "\n"));
  return kExitOk;
}

int List(const GroupOptions& options, GroupAdmin admin) {
  const auto groups = admin.List(options.prefix);
  if (!groups.ok()) return Fail(groups.status());
  Listing listing({"group", "type", "state", "paused", "members"});
  for (const GroupAdmin::Summary& group : *groups) {
    listing.AddRow({group.group, std::string("consumer"), std::string(NameOf(group.state)),
                    group.paused, int64_t{group.members}});
  }
  Print(listing.Render(options.output));
  return kExitOk;
}

Listing MembersOf(const GroupAdmin::Description& group, OutputFormat output) {
  Listing listing({"member", "instance", "client", "host", "since", "connected", "partitions"});
  for (const GroupAdmin::MemberDescription& member : group.members) {
    std::map<std::string, std::vector<int32_t>> by_topic;
    for (const NamedPartition& p : member.partitions)
      by_topic[p.topic].push_back(p.partition.value());
    const std::string partitions =
        absl::StrJoin(by_topic, " ", [](std::string* out, const auto& entry) {
          absl::StrAppend(out, entry.first, ":", absl::StrJoin(entry.second, ","));
        });
    const std::string since =
        output == OutputFormat::kJson
            ? absl::FormatTime(absl::RFC3339_sec, member.joined, absl::UTCTimeZone())
            : absl::StrCat(Roughly(Clock::Real().Now() - member.joined), " ago");
    const auto or_nothing = [](const std::string& text) {
      return text.empty() ? Cell() : Cell(text);
    };
    listing.AddRow({member.member_id, or_nothing(member.instance_id), or_nothing(member.client_id),
                    or_nothing(member.host), since, member.connected, or_nothing(partitions)});
  }
  return listing;
}

Listing PartitionsOf(const GroupAdmin::Description& group, OutputFormat output) {
  Listing listing({"topic", "partition", "committed_offset", "end_offset", "lag",
                   output == OutputFormat::kJson ? "lag_ms" : "lag_time", "member"});
  for (const GroupAdmin::PartitionDescription& p : group.partitions) {
    const Cell lag_time = output == OutputFormat::kJson
                              ? Cell(absl::ToInt64Milliseconds(p.lag_time))
                          : p.lag == 0 ? Cell()
                                       : Cell(Roughly(p.lag_time));
    listing.AddRow({p.partition.topic, int64_t{p.partition.partition.value()},
                    p.committed.has_value() ? Cell(p.committed->value()) : Cell(),
                    p.high_watermark.value(), p.lag, lag_time,
                    p.member_id.empty() ? Cell() : Cell(p.member_id)});
  }
  return listing;
}

int Describe(const GroupOptions& options, GroupAdmin admin) {
  const auto group = admin.Describe(options.group);
  if (!group.ok()) return Fail(group.status());
  int64_t lag = 0;
  for (const GroupAdmin::PartitionDescription& p : group->partitions) lag += p.lag;
  const Listing config = SettingsListing(group->config);
  const Listing members = MembersOf(*group, options.output);
  const Listing partitions = PartitionsOf(*group, options.output);
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(group->group).Key("type").String("consumer");
    json.Key("start").String(NameOf(group->start)).Key("state").String(NameOf(group->state));
    json.Key("paused").Bool(group->paused).Key("epoch").Int(group->epoch).Key("lag").Int(lag);
    json.Key("config");
    config.WriteTo(&json);
    json.Key("members");
    members.WriteTo(&json);
    json.Key("partitions");
    partitions.WriteTo(&json);
    Print(absl::StrCat(json.EndObject().text(), "\n"));
    return kExitOk;
  }
  Print(absl::StrCat("group ", group->group, "  type consumer  start ", NameOf(group->start),
                     "  state ", NameOf(group->state), group->paused ? " (paused)" : "",
                     "  members ", group->members.size(), "  lag ", WithCommas(lag), "\n\n",
                     config.Render(options.output)));
  if (members.rows() > 0) Print(absl::StrCat("\n", members.Render(options.output)));
  if (partitions.rows() > 0) Print(absl::StrCat("\n", partitions.Render(options.output)));
  return kExitOk;
}

int Alter(const GroupOptions& options, GroupAdmin admin) {
  return ChangeSettings(options.settings, options.output, [&](const auto& set, const auto& remove) {
    return admin.Alter(options.group, set, remove);
  });
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
                                  "' and its committed offsets for good. Repeat with --yes"));
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

absl::StatusOr<GroupStart> ParseStart(absl::string_view text) {
  for (const GroupStart start : {GroupStart::kEarliest, GroupStart::kLatest, GroupStart::kNone}) {
    if (text == NameOf(start)) return start;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is none of earliest, latest, none"));
}

}  // namespace

void AddGroupCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* group =
      app.add_subcommand("group", "Create, list, describe, change and reset consumer groups");
  group->require_subcommand(1);
  const auto options = std::make_shared<GroupOptions>();
  const std::string example = "session.timeout.ms=10000";

  CLI::App* create = Add(group, invocation, options, "create", "Create a group",
                         "weir group create email --start latest", Create);
  AddName(create, options);
  AddParsed(create, "--start", &options->start, ParseStart,
            "Where it begins in topics it has not read yet: earliest (default), latest, none");
  AddConfigOption(create, &options->settings, example);

  CLI::App* list = Add(group, invocation, options, "list", "List groups",
                       "weir group list --prefix billing. --output json", List);
  list->add_option("--prefix", options->prefix, "Only those whose names begin so");
  AddOutputOption(list, &options->output);

  CLI::App* describe =
      Add(group, invocation, options, "describe", "Show a group's members, positions and lag",
          "weir group describe email", Describe);
  AddName(describe, options);
  AddOutputOption(describe, &options->output);

  CLI::App* alter = Add(group, invocation, options, "alter", "Change a group's settings",
                        "weir group alter email --config session.timeout.ms=10000", Alter);
  AddName(alter, options);
  AddChangeOptions(alter, &options->settings, example);
  AddOutputOption(alter, &options->output);

  AddName(Add(group, invocation, options, "pause", "Let a group's members rest",
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

  CLI::App* remove =
      Add(group, invocation, options, "delete", "Delete a group with its committed offsets",
          "weir group delete email --yes", Delete);
  AddName(remove, options);
  remove->add_flag("--yes", options->yes, "Really do it");
}

}  // namespace weir
