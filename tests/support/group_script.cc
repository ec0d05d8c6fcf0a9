#include "tests/support/group_script.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "tests/support/group_text.h"
#include "tests/support/script_words.h"

namespace weir {
namespace {

std::optional<GroupStart> StartOf(const std::map<std::string, std::string>& options) {
  const auto found = options.find("start");
  if (found == options.end()) return std::nullopt;
  for (const GroupStart start : {GroupStart::kEarliest, GroupStart::kLatest, GroupStart::kNone}) {
    if (found->second == GroupStartName(start)) return start;
  }
  WEIR_CHECK(false);
}

// Names with commas, or a prefix and a star.
Subscription SubscriptionOf(absl::string_view text) {
  if (absl::ConsumeSuffix(&text, "*")) return {.topics = {}, .prefix = std::string(text)};
  return {.topics = absl::StrSplit(text, ',', absl::SkipEmpty()), .prefix = ""};
}

// The word on=TOPICS, which is taken out.
std::optional<Subscription> TakeSubscription(std::map<std::string, std::string>* options) {
  const auto on = options->extract("on");
  if (on.empty()) return std::nullopt;
  return SubscriptionOf(on.mapped());
}

ResetTarget TargetOf(absl::string_view text) {
  if (text == "earliest") return ResetToEarliest{};
  if (text == "latest") return ResetToLatest{};
  if (absl::ConsumePrefix(&text, "by")) return ResetBy{Number(text)};
  return Offset{Number(text)};
}

}  // namespace

GroupScript::GroupScript() {
  world_.on_record = [this](const InternalRecord& record) {
    Happened("record", Text(record, world_.topics()));
  };
  world_.on_notice = [this](const Notice& notice) {
    Happened("notice", Text(notice, world_.topics()));
  };
  world_.on_sessions_dropped = [this] { Happened("sessions", "dropped"); };
  world_.on_share_head = [this](const ShareHead& head) {
    Happened("published", Text(head, world_.topics()));
  };
}

std::string GroupScript::Play(absl::string_view script) {
  for (const absl::string_view line : absl::StrSplit(script, '\n')) {
    if (absl::StartsWith(line, " ")) continue;
    absl::StrAppend(&output_, line, "\n");
    const std::vector<std::string> words = absl::StrSplit(
        line.substr(0, line.find('#') == 0 ? 0 : line.size()), ' ', absl::SkipEmpty());
    if (!words.empty()) Command(words);
  }
  return std::exchange(output_, "");
}

void GroupScript::Command(const Words& words) {
  const bool known = TopicCommand(words) || MemberCommand(words) || OffsetCommand(words) ||
                     AdminCommand(words) || WorldCommand(words);
  if (!known) Happened("unknown command", words[0]);
}

void GroupScript::Happened(absl::string_view what, absl::string_view line) {
  absl::StrAppend(&output_, "  ", what, " ", line, "\n");
}

Done GroupScript::Answered() {
  return [this](const absl::Status& status) { Happened("answer", Text(status)); };
}

MemberStream GroupScript::StreamOf(const std::string& group, const std::string& member) const {
  const std::pair<std::string, std::string> parts = absl::StrSplit(member, absl::MaxSplits('#', 1));
  if (!parts.second.empty())
    return {group, parts.first, SessionId{static_cast<uint64_t>(Number(parts.second))}};
  const auto session = sessions_.find(parts.first);
  return {group, parts.first, session == sessions_.end() ? SessionId{0} : session->second};
}

TopicId GroupScript::TopicOf(absl::string_view name) const {
  const auto topic = world_.topics().Find(name);
  TopicId unknown;
  unknown.bytes.fill(0xff);
  return topic.has_value() ? topic->id : unknown;
}

TopicPartition GroupScript::PartitionOf(absl::string_view text) const {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  return {TopicOf(parts.first), PartitionIndex{static_cast<int32_t>(Number(parts.second))}};
}

bool GroupScript::TopicCommand(const Words& words) {
  FakeTopics& topics = world_.topics();
  if (words[0] == "topic") {
    topics.Set(words[1], static_cast<int32_t>(Number(words[2])));
  } else if (words[0] == "log") {
    topics.SetBounds(PartitionOf(words[1]), {Offset{Number(words[2])}, Offset{Number(words[3])}});
  } else if (words[0] == "unavailable") {
    topics.SetUnavailable(MakeError(Reason::kLogDirFenced, "for the test"));
  } else if (words[0] == "available") {
    topics.SetUnavailable(absl::OkStatus());
  } else if (words[0] == "delete-topic") {
    topics.Delete(words[1]);
  } else {
    return false;
  }
  world_.Run([this](const MachineTime& now) { return world_.machine().TopicsChanged(now); });
  return true;
}

bool GroupScript::MemberCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb == "join") {
    Join(words);
    return true;
  }
  if (verb != "lost" && verb != "leave" && verb != "confirm" && verb != "subscribe") return false;
  const MemberStream stream = StreamOf(words[1], words[2]);
  world_.Run([&](const MachineTime& now) {
    Membership& membership = world_.machine().membership();
    if (verb == "lost") return membership.SessionLost(now, stream);
    if (verb == "leave") return membership.Leave(now, stream, Answered());
    if (verb == "confirm")
      return membership.ConfirmRevoked(now, stream, MemberEpoch{Number(words[3])}, Answered());
    return membership.Subscribe(now, stream, SubscriptionOf(words[3]), Answered());
  });
  return true;
}

void GroupScript::Join(const Words& words) {
  std::map<std::string, std::string> options = OptionsOf(words, 4);
  JoinRequest request{
      .group = words[1],
      .member_id = words[2],
      .epoch = MemberEpoch{options.contains("epoch") ? Number(options["epoch"]) : 0},
      .session = SessionId{++joins_},
      .instance_id = options["instance"],
      .subscription = SubscriptionOf(words[3]),
      .client_id = "client",
      .host = "host",
      .assignor = ParseAssignor(options["assignor"]),
      .start = StartOf(options)};
  const SessionId session = request.session;
  world_.Run([&](const MachineTime& now) {
    return world_.machine().membership().Join(
        now, request, [this, session, member = words[2]](absl::StatusOr<Joined> joined) {
          if (!joined.ok()) return Happened("answer", Text(joined.status()));
          sessions_[member] = session;
          Happened("answer", absl::StrCat("epoch=", joined->epoch.value(),
                                          joined->resumed ? " resumed" : ""));
        });
  });
}

bool GroupScript::OffsetCommand(const Words& words) {
  if (words[0] == "commit") {
    Commit(words);
  } else if (words[0] == "fetch") {
    Fetch(words);
  } else if (words[0] == "reset") {
    Reset(words);
  } else {
    return false;
  }
  return true;
}

void GroupScript::Commit(const Words& words) {
  std::map<std::string, std::string> options = OptionsOf(words, 4);
  CommitRequest request{.group = words[1],
                        .member_id = words[2] == "-" ? "" : words[2],
                        .epoch = MemberEpoch{Number(words[3])},
                        .offsets = {},
                        .start = StartOf(options)};
  for (size_t i = 4; i < words.size(); ++i) {
    const std::pair<std::string, std::string> item =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    if (!absl::StrContains(item.first, ':')) continue;
    OffsetCommit commit{.partition = PartitionOf(item.first),
                        .offset = Offset{Number(item.second)}};
    if (options.contains("metadata"))
      commit.metadata = std::string(static_cast<size_t>(Number(options["metadata"])), 'x');
    request.offsets.push_back(std::move(commit));
  }
  world_.Run([&](const MachineTime& now) {
    return world_.machine().offsets().Commit(
        now, std::move(request), [this](absl::StatusOr<std::vector<absl::Status>> outcomes) {
          if (!outcomes.ok()) return Happened("answer", Text(outcomes.status()));
          Happened("answer",
                   absl::StrJoin(*outcomes, " ", [](std::string* out, const auto& status) {
                     absl::StrAppend(out, Text(status));
                   }));
        });
  });
}

void GroupScript::Fetch(const Words& words) {
  std::map<std::string, std::string> options = OptionsOf(words, 2);
  FetchOffsetsRequest request{.group = words[1]};
  if (options.contains("limit")) request.limit = static_cast<size_t>(Number(options["limit"]));
  for (size_t i = 2; i < words.size(); ++i) {
    if (absl::StrContains(words[i], ':')) request.partitions.push_back(PartitionOf(words[i]));
  }
  const auto name = [this](const TopicPartition& partition) {
    return absl::StrCat(world_.topics().NameOf(partition.topic), ":", partition.partition.value());
  };
  world_.Run([&](const MachineTime&) {
    return world_.machine().offsets().Fetch(request, [this, name](
                                                         absl::StatusOr<FetchedOffsets> fetched) {
      if (!fetched.ok()) return Happened("answer", Text(fetched.status()));
      std::string text;
      for (const FetchedOffset& offset : fetched->offsets) {
        absl::StrAppend(&text, " ", name(offset.partition), "=");
        if (offset.read_from == ReadFrom::kCommitted) {
          absl::StrAppend(&text, offset.committed->offset.value());
        } else {
          absl::StrAppend(&text, offset.read_from == ReadFrom::kLogStart ? "log-start" : "nowhere");
        }
      }
      if (fetched->next.has_value()) absl::StrAppend(&text, " next ", name(*fetched->next));
      Happened("answer", text.empty() ? "nothing" : text.substr(1));
    });
  });
}

void GroupScript::Reset(const Words& words) {
  ResetRequest request{.group = words[1]};
  for (size_t i = 2; i < words.size(); ++i) {
    const std::pair<std::string, std::string> item =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    if (words[i] == "dry-run") {
      request.dry_run = true;
    } else {
      request.items.push_back({PartitionOf(item.first), TargetOf(item.second)});
    }
  }
  world_.Run([&](const MachineTime& now) {
    return world_.machine().offsets().Reset(
        now, request, [this](absl::StatusOr<std::vector<ResetOutcome>> outcomes) {
          if (!outcomes.ok()) return Happened("answer", Text(outcomes.status()));
          std::string text;
          for (const ResetOutcome& outcome : *outcomes) {
            absl::StrAppend(
                &text, " ", outcome.partition.partition.value(), ":",
                outcome.before.has_value() ? absl::StrCat(outcome.before->value()) : "none", "->",
                outcome.after.ok() ? absl::StrCat(outcome.after->value())
                                   : Text(outcome.after.status()));
          }
          Happened("answer", text.substr(1));
        });
  });
}

bool GroupScript::AdminCommand(const Words& words) {
  const absl::string_view verb = words[0];
  GroupAdmin& admin = world_.machine().admin();
  if (verb == "describe") {
    Describe(words[1]);
  } else if (verb == "list") {
    List(words);
  } else if (verb == "create") {
    CreateGroupRequest request{.group = words[1],
                               .start = *StartOf({{"start", words[2]}}),
                               .config = {.set = OptionsOf(words, 3), .remove = {}}};
    const auto type = request.config.set.extract("type");
    if (!type.empty() && type.mapped() == "share") request.type = GroupType::kShare;
    request.subscription = TakeSubscription(&request.config.set).value_or(Subscription{});
    const auto dead_letters = request.config.set.extract("dead-letters");
    if (!dead_letters.empty()) request.dead_letter_topic = TopicOf(dead_letters.mapped());
    world_.Run([&](const MachineTime& now) { return admin.Create(now, request, Answered()); });
  } else if (verb == "alter") {
    GroupConfigChange change{.set = OptionsOf(words, 2), .remove = {}};
    const auto remove = change.set.extract("remove");
    if (!remove.empty()) change.remove.push_back(remove.mapped());
    const auto subscription = TakeSubscription(&change.set);
    world_.Run([&](const MachineTime& now) {
      return admin.Alter(
          now, words[1], change, subscription,
          [this](absl::StatusOr<GroupHead> head) { Happened("answer", Text(head.status())); });
    });
  } else if (verb == "breaker") {
    world_.Run([&](const MachineTime&) {
      const Group* const group = world_.machine().groups().Find(words[1]);
      return admin.PauseByBreaker(words[1], group == nullptr ? 0 : group->head().created_ms,
                                  Answered());
    });
  } else if (verb == "own-dead-letters") {
    world_.Run([&](const MachineTime&) {
      return admin.OwnDeadLetterTopic(words[1], TopicOf(words[2]), Answered());
    });
  } else if (verb == "own-redrive") {
    world_.Run([&](const MachineTime&) {
      return admin.OwnRedriveTopic(words[1], words[2], {TopicOf(words[3]), words[3]}, Answered());
    });
  } else if (verb == "pause" || verb == "resume") {
    world_.Run(
        [&](const MachineTime&) { return admin.SetPaused(words[1], verb == "pause", Answered()); });
  } else if (verb == "delete") {
    world_.Run([&](const MachineTime&) { return admin.Delete(words[1], Answered()); });
  } else {
    return false;
  }
  return true;
}

void GroupScript::Describe(const std::string& group) {
  world_.Run([&](const MachineTime&) {
    return world_.machine().admin().Describe(
        group, [this](absl::StatusOr<GroupDescription> description) {
          if (!description.ok()) return Happened("answer", Text(description.status()));
          std::string text(GroupStateName(description->state));
          if (description->head.paused) absl::StrAppend(&text, " paused");
          if (description->head.paused_by_breaker) absl::StrAppend(&text, " by the breaker");
          for (const MemberDescription& member : description->members) {
            absl::StrAppend(&text, " ", member.member.id, member.connected ? "" : "(away)", "=",
                            member.member.held.size());
          }
          absl::StrAppend(&text, " offsets=", description->committed_offsets);
          Happened("answer", text);
        });
  });
}

void GroupScript::List(const Words& words) {
  std::map<std::string, std::string> options = OptionsOf(words, 1);
  const size_t limit =
      options.contains("limit") ? static_cast<size_t>(Number(options["limit"])) : 100;
  world_.Run([&](const MachineTime&) {
    return world_.machine().admin().List(
        options["after"], limit, [this](absl::StatusOr<std::vector<GroupSummary>> groups) {
          for (const GroupSummary& group : *groups) {
            Happened("answer",
                     absl::StrCat(group.id, " ", GroupTypeName(group.type), " ",
                                  GroupStateName(group.state), group.paused ? " paused" : "",
                                  " members=", group.members));
          }
        });
  });
}

bool GroupScript::WorldCommand(const Words& words) {
  if (words[0] == "advance") {
    world_.Advance(ParseTime(words[1]));
  } else if (words[0] == "clock") {
    world_.JumpWall(ParseTime(words[1]));
  } else if (words[0] == "write-store") {
    world_.WriteStore();
  } else if (words[0] == "restart") {
    const std::string difference = world_.Restart();
    if (!difference.empty()) Happened("state differs", difference);
  } else {
    return false;
  }
  return true;
}

}  // namespace weir
