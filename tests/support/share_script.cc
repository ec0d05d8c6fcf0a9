#include "tests/support/share_script.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "tests/support/script_words.h"
#include "tests/support/share_text.h"

namespace weir {
namespace {

std::string DescriptionText(const absl::StatusOr<SharePartitionDescription>& description,
                            ShareWorld* world) {
  if (!description.ok()) return ShareErrorText(description.status());
  const FakeJobLog& log = world->log(description->id.partition);
  return Text(*description, log.start, log.end());
}

int64_t Milliseconds(absl::string_view text) { return absl::ToInt64Milliseconds(ParseTime(text)); }

std::vector<Offset> OffsetsOf(const std::vector<std::string>& words, size_t from) {
  std::vector<Offset> offsets;
  for (size_t i = from; i < words.size(); ++i) {
    int64_t offset = 0;
    if (absl::SimpleAtoi(words[i], &offset)) offsets.push_back(Offset{offset});
  }
  return offsets;
}

// "FIRST-LAST@EPOCH.COUNTER".
AckItem ItemOf(absl::string_view text, AckOutcome outcome) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  const std::vector<std::string> jobs = absl::StrSplit(parts.first, '-');
  const std::vector<std::string> token = absl::StrSplit(parts.second, '.');
  WEIR_CHECK(token.size() == 2);
  return {.first = Offset{Number(jobs.front())},
          .last = Offset{Number(jobs.back())},
          .token = {LeaderEpoch{static_cast<int32_t>(Number(token[0]))}, Number(token[1])},
          .outcome = outcome};
}

std::optional<AckOutcome> OutcomeOf(absl::string_view text) {
  if (text == "accept") return AckOutcome::kAccept;
  if (text == "release") return AckOutcome::kRelease;
  if (text == "uncounted") return AckOutcome::kReleaseUncounted;
  if (text == "reject") return AckOutcome::kReject;
  return std::nullopt;
}

}  // namespace

ShareScript::ShareScript() {
  world_.on_record = [this](const InternalRecord& record) {
    Happened("record", ShareRecordText(record, origin_ms_));
  };
  world_.on_append = [this](size_t batches) { Happened("append", absl::StrCat(batches)); };
  world_.on_available = [this](const SharePartitionId& id) { Happened("available", Name(id)); };
  world_.on_dying = [this](const SharePartitionId& id) { Happened("dying", Name(id)); };
  world_.on_locks_forgotten = [this] { Happened("locks", "forgotten"); };
}

std::string ShareScript::Play(absl::string_view script) {
  for (const absl::string_view line : absl::StrSplit(script, '\n')) {
    if (absl::StartsWith(line, " ")) continue;
    absl::StrAppend(&output_, line, "\n");
    const std::vector<std::string> words = absl::StrSplit(
        line.substr(0, line.find('#') == 0 ? 0 : line.size()), ' ', absl::SkipEmpty());
    if (!words.empty()) Command(words);
  }
  return std::exchange(output_, "");
}

void ShareScript::Command(const Words& words) {
  const bool known = GroupCommand(words) || LogCommand(words) || WorkerCommand(words) ||
                     SessionCommand(words) || LetterCommand(words) || AdminCommand(words) ||
                     JobCommand(words) || WorldCommand(words);
  if (!known) Happened("unknown command", words[0]);
}

void ShareScript::Happened(absl::string_view what, absl::string_view line) {
  absl::StrAppend(&output_, "  ", what, " ", line, "\n");
}

Done ShareScript::Answered() {
  return [this](const absl::Status& status) { Happened("answer", ShareErrorText(status)); };
}

template <typename T>
Reply<T> ShareScript::Counted() {
  return [this](absl::StatusOr<T> answer) {
    if (!answer.ok()) return Happened("answer", ShareErrorText(answer.status()));
    if constexpr (std::is_same_v<T, Offset>) {
      Happened("answer", absl::StrCat(answer->value()));
    } else {
      Happened("answer", absl::StrCat(*answer));
    }
  };
}

SharePartitionId ShareScript::IdOf(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::ByAnyChar("/:"));
  WEIR_CHECK(parts.size() == 3);
  const auto [topic, added] = topics_.try_emplace(parts[1]);
  if (added) topic->second.bytes[0] = static_cast<uint8_t>(topics_.size());
  return {parts[0], {topic->second, PartitionIndex{static_cast<int32_t>(Number(parts[2]))}}};
}

std::string ShareScript::Name(const SharePartitionId& id) const {
  const auto topic = std::find_if(topics_.begin(), topics_.end(), [&id](const auto& entry) {
    return entry.second == id.partition.topic;
  });
  return absl::StrCat(id.group, "/", topic->first, ":", id.partition.partition.value());
}

bool ShareScript::GroupCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb == "group") {
    SetGroup(words);
    return true;
  }
  if (verb == "delete-group") {
    world_.settings().Remove(words[1]);
    return true;
  }
  ShareSettings& settings = groups_[words.size() > 1 ? words[1] : ""];
  if (verb == "group-again") {
    settings.incarnation = ++groups_[""].incarnation;
  } else if (verb == "pause") {
    settings.pause = SharePause::kPaused;
  } else if (verb == "breaker") {
    settings.pause = SharePause::kPausedByBreaker;
  } else if (verb == "resume") {
    settings.pause = SharePause::kRunning;
  } else {
    return false;
  }
  world_.settings().Set(words[1], settings);
  return true;
}

void ShareScript::SetGroup(const Words& words) {
  ShareSettings& settings = groups_[words[1]];
  if (settings.incarnation == 0) settings.incarnation = ++groups_[""].incarnation;
  for (const auto& [name, value] : OptionsOf(words, 2)) {
    if (name == "order") settings.order = ShareOrder::kKey;
    if (name == "ack-timeout") settings.ack_timeout_ms = Milliseconds(value);
    if (name == "attempts") settings.max_delivery_attempts = static_cast<int32_t>(Number(value));
    if (name == "backoff") settings.retry_backoff_initial_ms = Milliseconds(value);
    if (name == "backoff-max") settings.retry_backoff_max_ms = Milliseconds(value);
    if (name == "in-flight") settings.max_in_flight = Number(value);
    if (name == "parked") settings.max_parked = Number(value);
  }
  world_.settings().Set(words[1], settings);
}

bool ShareScript::LogCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb != "produce" && verb != "unreadable" && verb != "trim") return false;
  FakeJobLog& log = world_.log(IdOf(words[1]).partition);
  const int64_t number = Number(words[2]);
  if (verb == "trim") {
    log.start = Offset{number};
    return true;
  }
  const Options options = OptionsOf(words, 3);
  FakeJobLog::Record record{.key = {}, .deliver_at_ms = 0, .batch_first = Offset{-1}};
  if (options.contains("key")) record.key = options.at("key");
  if (options.contains("at"))
    record.deliver_at_ms = world_.now().now_ms + Milliseconds(options.at("at"));
  if (verb == "unreadable") {
    record.batch_first = log.end();
    record.batch_last = log.end() + (number - 1);
  }
  log.records.insert(log.records.end(), static_cast<size_t>(number), record);
  return true;
}

bool ShareScript::WorkerCommand(const Words& words) {
  if (words[0] == "acquire") {
    Acquire(words);
  } else if (words[0] == "ack" || OutcomeOf(words[0]).has_value()) {
    Acknowledge(words);
  } else if (words[0] == "renew") {
    Renew(words);
  } else {
    return false;
  }
  return true;
}

void ShareScript::Acquire(const Words& words) {
  Options options = OptionsOf(words, 4);
  AcquireRequest request{
      .id = IdOf(words[1]),
      .session = ShareSessionId{static_cast<uint64_t>(Number(words[2]))},
      .worker = options.contains("worker") ? options["worker"] : absl::StrCat("w", words[2]),
      .max_jobs = Number(words[3]),
      .session_is_idle = options.contains("idle"),
      .scan = {}};
  const absl::StatusOr<Acquired> acquired =
      world_.Acquire(request, options.contains("scan") ? Number(options["scan"]) : 1'000);
  Happened("answer", acquired.ok() ? Text(*acquired) : ShareErrorText(acquired.status()));
}

void ShareScript::Acknowledge(const Words& words) {
  AcknowledgeRequest request{.id = IdOf(words[1]), .log_end = {}, .items = {}};
  request.log_end = world_.log(request.id.partition).end();
  Options options = OptionsOf(words, 2);
  for (size_t i = 2; i < words.size(); ++i) {
    if (!absl::StrContains(words[i], '@')) continue;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    AckItem item = ItemOf(parts.first, *OutcomeOf(words[0] == "ack" ? parts.second : words[0]));
    if (options.contains("delay")) item.delay_ms = Milliseconds(options["delay"]);
    item.error = options["error"];
    request.items.push_back(std::move(item));
  }
  world_.Run([&](const MachineTime& now) {
    return world_.machine().acknowledgement().Acknowledge(
        now, request, [this](absl::StatusOr<std::vector<AckResult>> results) {
          Happened("answer", results.ok() ? Text(*results) : ShareErrorText(results.status()));
        });
  });
}

void ShareScript::Renew(const Words& words) {
  RenewRequest request{.id = IdOf(words[1]), .items = {}};
  for (size_t i = 2; i < words.size(); ++i) {
    const AckItem item = ItemOf(words[i], AckOutcome::kAccept);
    request.items.push_back({item.first, item.last, item.token});
  }
  world_.Run([&](const MachineTime& now) {
    return world_.machine().acknowledgement().Renew(
        now, request, [this](absl::StatusOr<Renewed> renewed) {
          Happened("answer",
                   renewed.ok() ? Text(*renewed, origin_ms_) : ShareErrorText(renewed.status()));
        });
  });
}

bool ShareScript::SessionCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb != "break" && verb != "back" && verb != "close") return false;
  const ShareSessionId session{static_cast<uint64_t>(Number(words[1]))};
  world_.Run([&](const MachineTime& now) {
    ShareSessions& sessions = world_.machine().sessions();
    if (verb == "break") return sessions.Break(now, session);
    if (verb == "back") return sessions.Resume(now, session);
    return sessions.Close(now, session, Answered());
  });
  return true;
}

bool ShareScript::LetterCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb == "refuse-letters") {
    world_.refuse_appends = MakeError(Reason::kDiskLow, "for the test");
  } else if (verb == "take-letters") {
    world_.refuse_appends = absl::OkStatus();
  } else if (verb == "take") {
    TakeLetters(words);
  } else if (verb == "write" || verb == "postpone") {
    WriteLetters(words);
  } else if (verb == "mark") {
    Mark(words);
  } else {
    return false;
  }
  return true;
}

void ShareScript::TakeLetters(const Words& words) {
  world_.Run([&](const MachineTime& now) {
    return world_.machine().dead_letters().Take(
        now, IdOf(words[1]), static_cast<size_t>(Number(words[2])),
        [this](absl::StatusOr<std::vector<DyingJob>> jobs) {
          if (!jobs.ok()) return Happened("answer", ShareErrorText(jobs.status()));
          for (const DyingJob& job : *jobs) Happened("letter", Text(job, origin_ms_));
        });
  });
}

void ShareScript::WriteLetters(const Words& words) {
  const SharePartitionId id = IdOf(words[1]);
  const std::vector<Offset> jobs = OffsetsOf(words, 2);
  DeadLettersRequest request{.id = id, .jobs = jobs, .batches = {}};
  request.batches.resize(jobs.size());
  DeadLetters& letters = world_.machine().dead_letters();
  world_.Run([&](const MachineTime& now) {
    if (words[0] == "write") return letters.Write(now, std::move(request), Counted<int64_t>());
    return letters.Postpone(now, id, jobs, absl::UnavailableError("for the test"), Answered());
  });
}

void ShareScript::Mark(const Words& words) {
  MarkRequest request{.id = IdOf(words[1]), .offsets = OffsetsOf(words, 2), .batches = {}};
  if (words.back() != "purge") request.batches.resize(1);
  world_.Run([&](const MachineTime& now) {
    return world_.machine().admin().Mark(
        now, std::move(request), [this](const absl::StatusOr<std::vector<Offset>>& before) {
          if (!before.ok()) return Happened("answer", ShareErrorText(before.status()));
          Happened(
              "answer",
              before->empty()
                  ? "ok"
                  : absl::StrCat("marked before: ",
                                 absl::StrJoin(*before, " ", [](std::string* out, Offset offset) {
                                   absl::StrAppend(out, offset.value());
                                 })));
        });
  });
}

bool ShareScript::AdminCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb != "open" && verb != "remove" && verb != "reset" && verb != "expire") return false;
  const SharePartitionId id = IdOf(words[1]);
  const Offset offset{words.size() > 2 ? Number(words[2]) : 0};
  ShareAdmin& admin = world_.machine().admin();
  world_.Run([&](const MachineTime& now) {
    if (verb == "open") return admin.Open(now, id, offset, Counted<Offset>());
    if (verb == "remove") return admin.Remove(id, Answered());
    if (verb == "expire") return admin.ExpireBelow(now, id, offset, Counted<int64_t>());
    return admin.Reset(now, id, offset, words.back() == "dry-run",
                       [this](absl::StatusOr<SharePartitionDescription> was) {
                         Happened("answer", DescriptionText(was, &world_));
                       });
  });
  return true;
}

bool ShareScript::JobCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb != "describe" && verb != "list" && verb != "cancel" && verb != "release-now")
    return false;
  const SharePartitionId id = IdOf(words[1]);
  Options options = OptionsOf(words, 2);
  ShareAdmin& admin = world_.machine().admin();
  world_.Run([&](const MachineTime& now) {
    if (verb == "cancel")
      return admin.CancelJobs(now, id, world_.log(id.partition).end(), OffsetsOf(words, 2),
                              Counted<int64_t>());
    if (verb == "release-now")
      return admin.ReleaseJobs(now, id, OffsetsOf(words, 2), Counted<int64_t>());
    if (verb == "describe") {
      return admin.Describe(now, id, [this](absl::StatusOr<SharePartitionDescription> is) {
        Happened("answer", DescriptionText(is, &world_));
      });
    }
    const ListJobsRequest request{
        .id = id,
        .from = Offset{options.contains("from") ? Number(options["from"]) : 0},
        .limit = options.contains("limit") ? static_cast<size_t>(Number(options["limit"])) : 100};
    return admin.List(now, request, [this](absl::StatusOr<ListedJobs> listed) {
      if (!listed.ok()) return Happened("answer", ShareErrorText(listed.status()));
      std::string text =
          absl::StrJoin(listed->jobs, " ", [this](std::string* out, const auto& job) {
            absl::StrAppend(out, Text(job, origin_ms_));
          });
      if (listed->next.has_value()) absl::StrAppend(&text, " next ", listed->next->value());
      Happened("answer", text.empty() ? "nothing" : text);
    });
  });
  return true;
}

bool ShareScript::WorldCommand(const Words& words) {
  const absl::string_view verb = words[0];
  if (verb == "advance") {
    world_.Advance(ParseTime(words[1]));
  } else if (verb == "clock") {
    world_.JumpWall(ParseTime(words[1]));
  } else if (verb == "fail-append") {
    world_.FailNextAppend(MakeError(Reason::kCommitUncertain, "for the test"));
  } else if (verb == "restart") {
    const std::string difference = world_.Restart();
    if (!difference.empty()) Happened("state differs", difference);
  } else if (verb == "write-store") {
    world_.WriteStore();
  } else {
    return false;
  }
  return true;
}

}  // namespace weir
