#include "tools/cli/group_listing.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/cli/json.h"
#include "tools/cli/settings.h"

namespace weir {

absl::string_view NameOf(GroupType type) {
  return type == GroupType::kShare ? "share" : "consumer";
}

absl::string_view NameOf(GroupAdmin::State state) {
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

absl::string_view NameOf(GroupStart start) {
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

absl::StatusOr<GroupStart> ParseShareStart(absl::string_view text) {
  for (const GroupStart start : {GroupStart::kEarliest, GroupStart::kLatest}) {
    if (text == NameOf(start)) return start;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is neither earliest nor latest"));
}

absl::StatusOr<GroupStart> ParseStart(absl::string_view text) {
  if (text == NameOf(GroupStart::kNone)) return GroupStart::kNone;
  const absl::StatusOr<GroupStart> start = ParseShareStart(text);
  if (start.ok()) return start;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is none of earliest, latest, none"));
}

namespace {

std::string Since(absl::Time time, OutputFormat output) {
  if (output == OutputFormat::kJson)
    return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
  return absl::StrCat(HumanDuration(Clock::Real().Now() - time), " ago");
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
    const auto or_nothing = [](const std::string& text) {
      return text.empty() ? Cell() : Cell(text);
    };
    listing.AddRow({member.member_id, or_nothing(member.instance_id), or_nothing(member.client_id),
                    or_nothing(member.host), Since(member.joined, output), member.connected,
                    or_nothing(partitions)});
  }
  return listing;
}

Listing WorkersOf(const GroupAdmin::Description& group, OutputFormat output) {
  Listing listing({"worker", "session", "since", "connected"});
  for (const GroupAdmin::MemberDescription& worker : group.members) {
    listing.AddRow({worker.client_id.empty() ? Cell() : Cell(worker.client_id), worker.member_id,
                    Since(worker.joined, output), worker.connected});
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
                                       : Cell(HumanDuration(p.lag_time));
    listing.AddRow({p.partition.topic, int64_t{p.partition.partition.value()},
                    p.committed.has_value() ? Cell(p.committed->value()) : Cell(),
                    p.high_watermark.value(), p.lag, lag_time,
                    p.member_id.empty() ? Cell() : Cell(p.member_id)});
  }
  return listing;
}

Listing SharePartitionsOf(const GroupAdmin::Description& group, OutputFormat output) {
  const bool is_json = output == OutputFormat::kJson;
  Listing listing({"topic", "partition", "state", "unfinished",
                   is_json ? "oldest_unfinished_ms" : "oldest", "in_flight", "delayed", "blocked",
                   "dying", "accepted", "cancelled", "expired", "dead", "start_offset",
                   "end_offset", "dead_letter_error"});
  for (const GroupAdmin::SharePartitionDescription& p : group.share_partitions) {
    const Cell oldest = is_json             ? Cell(absl::ToInt64Milliseconds(p.oldest_age))
                        : p.unfinished == 0 ? Cell()
                                            : Cell(HumanDuration(p.oldest_age));
    int64_t dead = 0;
    for (const auto& [reason, count] : p.died) dead += count;
    listing.AddRow({p.partition.topic, int64_t{p.partition.partition.value()}, p.state,
                    p.unfinished, oldest, p.in_flight, p.delayed, p.blocked, p.dying, p.accepted,
                    p.cancelled, p.expired, dead, p.start_offset.value(), p.high_watermark.value(),
                    p.dead_letter_error.empty() ? Cell() : Cell(p.dead_letter_error)});
  }
  return listing;
}

std::string PauseOf(const GroupAdmin::Description& group) {
  if (group.paused_by_breaker) return " (paused by the breaker: too many jobs died)";
  return group.paused ? " (paused)" : "";
}

std::string ReadsOf(const GroupAdmin::Description& group) {
  return group.reads.prefix.empty() ? absl::StrJoin(group.reads.topics, ",")
                                    : absl::StrCat(group.reads.prefix, "*");
}

std::string RenderShareGroup(const GroupAdmin::Description& group, OutputFormat output) {
  int64_t unfinished = 0;
  for (const auto& p : group.share_partitions) unfinished += p.unfinished;
  const Listing config = SettingsListing(group.config);
  const Listing workers = WorkersOf(group, output);
  const Listing partitions = SharePartitionsOf(group, output);
  if (output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(group.group).Key("type").String("share");
    json.Key("start").String(NameOf(group.start)).Key("paused").Bool(group.paused);
    json.Key("paused_by_breaker").Bool(group.paused_by_breaker).Key("topics").BeginArray();
    for (const std::string& topic : group.reads.topics) json.String(topic);
    json.EndArray().Key("topic_prefix").String(group.reads.prefix);
    json.Key("dead_letter_topic").String(group.dead_letter_topic);
    json.Key("unfinished").Int(unfinished).Key("config");
    config.WriteTo(&json);
    json.Key("workers");
    workers.WriteTo(&json);
    json.Key("partitions");
    partitions.WriteTo(&json);
    return absl::StrCat(json.EndObject().text(), "\n");
  }
  return absl::StrCat("group ", group.group, "  type share  start ", NameOf(group.start),
                      PauseOf(group), "  reads ", ReadsOf(group), "  dead letters ",
                      group.dead_letter_topic, "  unfinished ", WithCommas(unfinished), "\n\n",
                      config.Render(output),
                      workers.rows() > 0 ? absl::StrCat("\n", workers.Render(output)) : "",
                      partitions.rows() > 0 ? absl::StrCat("\n", partitions.Render(output)) : "");
}

std::string RenderConsumerGroup(const GroupAdmin::Description& group, OutputFormat output) {
  int64_t lag = 0;
  for (const GroupAdmin::PartitionDescription& p : group.partitions) lag += p.lag;
  const Listing config = SettingsListing(group.config);
  const Listing members = MembersOf(group, output);
  const Listing partitions = PartitionsOf(group, output);
  if (output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(group.group).Key("type").String("consumer");
    json.Key("start").String(NameOf(group.start));
    json.Key("state").String(NameOf(group.state));
    json.Key("paused").Bool(group.paused).Key("epoch").Int(group.epoch).Key("lag").Int(lag);
    json.Key("config");
    config.WriteTo(&json);
    json.Key("members");
    members.WriteTo(&json);
    json.Key("partitions");
    partitions.WriteTo(&json);
    return absl::StrCat(json.EndObject().text(), "\n");
  }
  return absl::StrCat("group ", group.group, "  type consumer  start ", NameOf(group.start),
                      "  state ", NameOf(group.state), PauseOf(group), "  members ",
                      group.members.size(), "  lag ", WithCommas(lag), "\n\n",
                      config.Render(output),
                      members.rows() > 0 ? absl::StrCat("\n", members.Render(output)) : "",
                      partitions.rows() > 0 ? absl::StrCat("\n", partitions.Render(output)) : "");
}

}  // namespace

std::string RenderGroup(const GroupAdmin::Description& group, OutputFormat output) {
  return group.type == GroupType::kShare ? RenderShareGroup(group, output)
                                         : RenderConsumerGroup(group, output);
}

}  // namespace weir
