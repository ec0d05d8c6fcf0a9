#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/dead_letter_text.h"
#include "tools/cli/json.h"
#include "tools/cli/listing.h"
#include "tools/cli/paged_walk.h"
#include "tools/cli/stop_signal.h"
#include "weir/share_admin.h"

namespace weir {
namespace {

constexpr int64_t kShown = 20;
constexpr int32_t kPage = 100;
constexpr int64_t kStep = 1'000;  // letters that one call looks at
constexpr int64_t kStepsPerSecond = 10;

struct DlqOptions {
  std::string group;
  ShareAdmin::DeadLetterFilter filter;
  std::string from;
  std::string until;
  int64_t max = kShown;
  bool to_topic = false;
  bool dry_run = false;
  int32_t max_redrives = 3;
  int64_t rate = 0;
  bool yes = false;
  OutputFormat output = OutputFormat::kTable;
};
using Shared = std::shared_ptr<DlqOptions>;
using Action = int (*)(const DlqOptions& options, const Client& client);
using Reasons = std::map<std::string, int64_t>;

// What many steps have come to, besides the letters that are counted.
struct Totals {
  int64_t already = 0;
  int64_t too_often = 0;
  Reasons stay;     // by why
  Reasons reasons;  // of those that are counted

  static void Add(const Reasons& more, Reasons* to) {
    for (const auto& [reason, count] : more) (*to)[reason] += count;
  }
};

void WriteCounts(absl::string_view name, const Reasons& counts, JsonWriter* json) {
  json->Key(name).BeginObject();
  for (const auto& [reason, count] : counts) json->Key(reason).Int(count);
  json->EndObject();
}

// Purges, or only counts.
void PurgeAll(const DlqOptions& options, const Client& client, bool dry_run, PagedWalk* walk,
              Totals* totals) {
  ShareAdmin admin(client);
  const ShareAdmin::PurgeSpec spec{
      .group = options.group, .filter = options.filter, .dry_run = dry_run, .limit = kStep};
  walk->Run([&](const std::string& page) -> absl::StatusOr<std::string> {
    auto some = admin.PurgeDeadLetters(spec, page);
    if (!some.ok()) return some.status();
    walk->Count(some->purged);
    Totals::Add(some->reasons, &totals->reasons);
    return some->next;
  });
}

// Counts without fetching what the letters hold.
int List(const DlqOptions& options, const Client& client) {
  ShareAdmin admin(client);
  const auto oldest = admin.ListDeadLetters(options.group, options.filter, "", 1);
  if (!oldest.ok()) return Fail(oldest.status());
  PagedWalk walk("dead letters", "counted");
  Totals totals;
  PurgeAll(options, client, /*dry_run=*/true, &walk, &totals);
  if (!walk.has_result()) return walk.End();
  std::optional<absl::Time> died;
  if (!oldest->letters.empty()) died = oldest->letters.front().died;
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(options.group);
    json.Key("dead_letter_topic").String(oldest->topic).Key("count").Int(walk.count());
    json.Key("oldest_ms");
    died.has_value() ? json.Int(absl::ToUnixMillis(*died)) : json.Null();
    WriteCounts("reasons", totals.reasons, &json);
    Print(absl::StrCat(json.EndObject().text(), "\n"));
    return walk.End();
  }
  std::string heading = absl::StrCat(oldest->topic, "  ", WithCommas(walk.count()),
                                     walk.count() == 1 ? " dead letter" : " dead letters");
  if (died.has_value()) absl::StrAppend(&heading, ", the oldest of ", TimeText(*died));
  Print(absl::StrCat(heading, "\n"));
  if (walk.count() > 0) {
    Listing listing({"reason", "count"});
    for (const auto& [reason, count] : totals.reasons) listing.AddRow({reason, count});
    Print(absl::StrCat("\n", listing.Render(OutputFormat::kTable)));
  }
  return walk.End();
}

int Show(const DlqOptions& options, const Client& client) {
  ShareAdmin admin(client);
  std::string page;
  int64_t left = options.max;
  do {
    const auto letters = admin.ListDeadLetters(
        options.group, options.filter, page, static_cast<int32_t>(std::min<int64_t>(left, kPage)));
    if (!letters.ok()) return Fail(letters.status());
    for (const ShareAdmin::DeadLetter& letter : letters->letters) {
      Print(options.output == OutputFormat::kJson ? DeadLetterJson(letters->topic, letter)
                                                  : DeadLetterText(letters->topic, letter));
    }
    left -= static_cast<int64_t>(letters->letters.size());
    page = letters->next;
  } while (!page.empty() && left > 0);
  if (!page.empty())
    std::fprintf(stderr, "weir: there may be more dead letters; --max shows more\n");
  return kExitOk;
}

void PrintRedriven(const DlqOptions& options, int64_t redriven, const Totals& totals) {
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(options.group).Key("dry_run").Bool(options.dry_run);
    json.Key("redriven").Int(redriven).Key("already_redriven").Int(totals.already);
    json.Key("too_often").Int(totals.too_often);
    WriteCounts("stay", totals.stay, &json);
    WriteCounts("reasons", totals.reasons, &json);
    return Print(absl::StrCat(json.EndObject().text(), "\n"));
  }
  const std::string reasons = ReasonsText(totals.reasons);
  std::string text = absl::StrCat(
      redriven, options.dry_run ? " would be" : "", " redriven to ",
      options.to_topic ? "their topic, for everyone" : absl::StrCat("group ", options.group),
      reasons.empty() ? "" : absl::StrCat(" (", reasons, ")"), "\n");
  if (totals.already > 0)
    absl::StrAppend(&text, totals.already, " were redriven or purged before\n");
  if (totals.too_often > 0) {
    absl::StrAppend(&text, totals.too_often, " stay: they were redriven ", options.max_redrives,
                    " times or more (--max-redrives)\n");
  }
  int64_t stay = 0;
  for (const auto& [why, count] : totals.stay) stay += count;
  if (stay > 0) {
    absl::StrAppend(&text, stay, " stay: they cannot be sent (", ReasonsText(totals.stay), ")\n");
  }
  Print(text);
}

int Redrive(const DlqOptions& options, const Client& client) {
  ShareAdmin admin(client);
  PagedWalk walk("dead letters", "redriven");
  Totals totals;
  const absl::Duration start = Clock::Real().Monotonic();
  const bool paced = options.rate > 0 && !options.dry_run;
  const ShareAdmin::RedriveSpec spec{
      .group = options.group,
      .filter = options.filter,
      .to_topic = options.to_topic,
      .dry_run = options.dry_run,
      .max_redrives = options.max_redrives,
      .limit = paced ? std::clamp<int64_t>(options.rate / kStepsPerSecond, 1, kStep) : kStep};
  walk.Run([&](const std::string& page) -> absl::StatusOr<std::string> {
    // Held back before a step, for all that earlier ones have driven.
    if (paced) {
      const absl::Duration due = start + absl::Seconds(1) * walk.count() / options.rate;
      if (walk.stop().WaitFor(due - Clock::Real().Monotonic())) return std::string();
    }
    auto some = admin.Redrive(spec, page);
    if (!some.ok()) return some.status();
    walk.Count(some->redriven);
    totals.already += some->already_redriven;
    totals.too_often += some->too_often;
    Totals::Add(some->stay, &totals.stay);
    Totals::Add(some->reasons, &totals.reasons);
    return some->next;
  });
  if (walk.has_result()) PrintRedriven(options, walk.count(), totals);
  return walk.End();
}

int Purge(const DlqOptions& options, const Client& client) {
  if (!options.yes && !options.dry_run) {
    return FailUsage(
        "purged dead letters are neither listed nor redriven any more. Repeat with --yes, or see "
        "with --dry-run what it would be");
  }
  PagedWalk walk("dead letters", "purged");
  Totals totals;
  PurgeAll(options, client, options.dry_run, &walk, &totals);
  if (!walk.has_result()) return walk.End();
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("group").String(options.group).Key("dry_run").Bool(options.dry_run);
    json.Key("purged").Int(walk.count());
    WriteCounts("reasons", totals.reasons, &json);
    Print(absl::StrCat(json.EndObject().text(), "\n"));
  } else {
    const std::string reasons = ReasonsText(totals.reasons);
    Print(absl::StrCat(walk.count(), options.dry_run ? " would be" : "", " purged",
                       reasons.empty() ? "" : absl::StrCat(" (", reasons, ")"), "\n"));
  }
  return walk.End();
}

absl::Status ParseTimes(DlqOptions* options) {
  const auto parse = [](const std::string& text, std::optional<absl::Time>* time) {
    if (text.empty()) return absl::OkStatus();
    const auto parsed = ParseTimeArgument(text, Clock::Real().Now(), absl::LocalTimeZone());
    if (parsed.ok()) *time = *parsed;
    return parsed.status();
  };
  const absl::Status from = parse(options->from, &options->filter.from);
  return from.ok() ? parse(options->until, &options->filter.until) : from;
}

CLI::App* Add(CLI::App* dlq, Invocation& invocation, const Shared& options, const char* name,
              const char* about, const char* example, Action action) {
  CLI::App* command = dlq->add_subcommand(name, about);
  command->footer(absl::StrCat("Example:\n  ", example));
  command->add_option("--group", options->group, "The share group")->required();
  command->add_option("--reason", options->filter.reason, "Only those that died of it")
      ->check(CLI::IsMember({"MAX_ATTEMPTS", "REJECTED", "EXPIRED", "UNREADABLE"}));
  command->add_option("--key", options->filter.key, "Only those whose records have this key");
  command->add_option("--from", options->from,
                      "Only those that died at or after this time (see weir consume --help)");
  command->add_option("--until", options->until, "Only those that died before this time");
  AddOutputOption(command, &options->output);
  command->callback([&invocation, options, action] {
    if (const absl::Status parsed = ParseTimes(options.get()); !parsed.ok())
      throw CLI::ValidationError("--from and --until", std::string(parsed.message()));
    invocation.run = [&invocation, options, action] {
      StopSignal::Block();
      absl::StatusOr<Client> client = Connect(invocation);
      return client.ok() ? action(*options, *client) : Fail(client.status());
    };
  });
  return command;
}

}  // namespace

void AddDlqCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* dlq = app.add_subcommand("dlq", "Look at a share group's dead letters, send them back");
  dlq->require_subcommand(1);
  dlq->footer(
      "Examples:\n"
      "  weir dlq list --group email\n"
      "  weir dlq show --group email --reason REJECTED --max 5\n"
      "  weir dlq redrive --group email --dry-run");
  const auto options = std::make_shared<DlqOptions>();

  Add(dlq, invocation, options, "list", "How many there are, of which reasons, and how old",
      "weir dlq list --group email", List);

  CLI::App* show = Add(dlq, invocation, options, "show",
                       "Dead letters with their reason, error and history, oldest first",
                       "weir dlq show --group email --reason REJECTED --max 5", Show);
  show->add_option("--max", options->max, "Show at most so many")
      ->check(AtLeast(1))
      ->capture_default_str();

  CLI::App* redrive =
      Add(dlq, invocation, options, "redrive", "Send dead letters back to their group",
          "weir dlq redrive --group email --reason MAX_ATTEMPTS --rate 100", Redrive);
  redrive->add_flag("--dry-run", options->dry_run, "Only tell what would be redriven");
  redrive->add_flag("--to-topic", options->to_topic,
                    "Publish them in their topic, for all its readers, not only for the group");
  redrive
      ->add_option("--max-redrives", options->max_redrives,
                   "Those that were redriven so often stay where they are")
      ->check(CLI::Range(1, limits::kRedrivesMost))
      ->capture_default_str();
  redrive->add_option("--rate", options->rate, "At most so many per second")->check(AtLeast(1));

  CLI::App* purge = Add(dlq, invocation, options, "purge", "Be done with dead letters",
                        "weir dlq purge --group email --until 7d --yes", Purge);
  purge->add_flag("--dry-run", options->dry_run, "Only tell what would be purged");
  purge->add_flag("--yes", options->yes, "Really do it");
}

}  // namespace weir
