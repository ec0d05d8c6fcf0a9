#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/json.h"
#include "tools/cli/listing.h"
#include "tools/cli/paged_walk.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/stop_signal.h"
#include "weir/consumer.h"
#include "weir/share_admin.h"

namespace weir {
namespace {

using JobState = ShareAdmin::JobState;

constexpr int64_t kShown = 1'000;
// Of a key a table shows so many bytes.
constexpr size_t kKeyShown = 60;
constexpr absl::Duration kReadTimeout = absl::Seconds(10);

struct JobsOptions {
  std::string group;
  std::optional<JobState> state;
  int64_t max = kShown;
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;            // of the one that is shown
  std::vector<int64_t> offsets;  // of those that are changed
  bool all = false;
  bool yes = false;
  OutputFormat output = OutputFormat::kTable;
};
using Shared = std::shared_ptr<JobsOptions>;
using Action = int (*)(const JobsOptions& options, const Client& client);

constexpr std::pair<JobState, const char*> kStates[] = {{JobState::kAcquired, "acquired"},
                                                        {JobState::kDelayed, "delayed"},
                                                        {JobState::kBlocked, "blocked"},
                                                        {JobState::kDying, "dying"}};

const char* NameOf(JobState state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  return "";
}

absl::StatusOr<JobState> ParseState(absl::string_view text) {
  for (const auto& [state, name] : kStates) {
    if (text == name) return state;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is none of acquired, delayed, blocked, dying"));
}

// "in 12s", "3m5s ago": as exact as a person wants to know; JSON has milliseconds.
Cell TimeCell(absl::Time time, OutputFormat output) {
  if (time == absl::UnixEpoch()) return {};
  if (output == OutputFormat::kJson) return absl::ToUnixMillis(time);
  const absl::Duration from_now = time - Clock::Real().Now();
  const absl::Duration rough = absl::Trunc(absl::AbsDuration(from_now), absl::Seconds(1));
  return from_now > absl::ZeroDuration() ? absl::StrCat("in ", absl::FormatDuration(rough))
                                         : absl::StrCat(absl::FormatDuration(rough), " ago");
}

std::vector<std::string> ColumnsOf(OutputFormat output) {
  if (output == OutputFormat::kJson) {
    return {"topic",  "partition", "offset",      "state",           "attempts", "key",
            "due_ms", "worker",    "acquired_ms", "locked_until_ms", "reason"};
  }
  return {"topic", "partition", "offset",   "state",        "attempts", "key",
          "due",   "worker",    "acquired", "locked_until", "reason"};
}

// The front of it: one long key must not widen the whole table.
Cell KeyCell(const std::string& key, OutputFormat output) {
  if (output == OutputFormat::kJson) return CellBytes{key};
  std::string shown = Shown(absl::string_view(key).substr(0, kKeyShown + 4));
  if (key.size() <= kKeyShown && shown.size() <= kKeyShown) return shown;
  return absl::StrCat(WellFormedUtf8(shown, kKeyShown), "...");
}

std::vector<Cell> RowOf(const ShareAdmin::JobDescription& job, OutputFormat output) {
  const auto or_nothing = [](const std::string& text) {
    return text.empty() ? Cell() : Cell(text);
  };
  return {job.partition.topic,
          int64_t{job.partition.partition.value()},
          job.offset.value(),
          std::string(NameOf(job.state)),
          int64_t{job.attempts},
          job.key.has_value() ? KeyCell(*job.key, output) : Cell(),
          TimeCell(job.due, output),
          or_nothing(job.worker),
          TimeCell(job.acquired, output),
          TimeCell(job.locked_until, output),
          or_nothing(job.reason)};
}

int List(const JobsOptions& options, const Client& client) {
  ShareAdmin admin(client);
  Listing listing(ColumnsOf(options.output));
  std::string page;
  int64_t left = options.max;
  do {
    const auto size = static_cast<int32_t>(std::min<int64_t>(left, limits::kPageSizeLargest));
    const auto jobs = admin.ListJobs(options.group, options.state, page, size);
    if (!jobs.ok()) return Fail(jobs.status());
    for (const ShareAdmin::JobDescription& job : jobs->jobs)
      listing.AddRow(RowOf(job, options.output));
    left -= static_cast<int64_t>(jobs->jobs.size());
    page = jobs->next;
  } while (!page.empty() && left > 0);
  Print(listing.Render(options.output));
  if (!page.empty()) {
    std::fprintf(stderr, "weir: there are more than these %lld jobs; --max shows more\n",
                 static_cast<long long>(options.max));
  }
  return kExitOk;
}

// Nothing: it is in none of the states that are listed.
absl::StatusOr<std::optional<ShareAdmin::JobDescription>> Find(ShareAdmin admin,
                                                               const JobsOptions& options) {
  std::string page;
  do {
    auto jobs = admin.ListJobs(options.group, std::nullopt, page);
    if (!jobs.ok()) return jobs.status();
    for (ShareAdmin::JobDescription& job : jobs->jobs) {
      if (job.partition.topic == options.topic &&
          job.partition.partition.value() == options.partition &&
          job.offset.value() == options.offset)
        return std::move(job);
    }
    page = jobs->next;
  } while (!page.empty());
  return std::nullopt;
}

// The record as `weir consume --output json` shows it; empty when it is gone.
std::string RecordText(const JobsOptions& options, const Client& client) {
  Consumer consumer(client);
  const Offset offset(options.offset);
  if (!consumer
           .Assign({.topic = options.topic,
                    .partition = PartitionIndex(options.partition),
                    .position = offset})
           .ok())
    return "";
  auto records = consumer.Poll(kReadTimeout);
  RecordView record;
  if (!records.ok() || !records->Next(&record) || record.offset != offset) return "";
  std::string text;
  RecordPrinter({.output = OutputFormat::kJson})
      .Append(options.topic, PartitionIndex(options.partition), record, &text);
  return text;
}

int Show(const JobsOptions& options, const Client& client) {
  const auto job = Find(ShareAdmin(client), options);
  if (!job.ok()) return Fail(job.status());
  if (!job->has_value()) {
    return Fail(absl::NotFoundError(absl::StrCat(
        options.topic, "/", options.partition, ":", options.offset,
        " is neither acquired nor delayed, blocked or dying: it is done, dead, or available")));
  }
  Listing listing(ColumnsOf(options.output));
  listing.AddRow(RowOf(**job, options.output));
  Print(absl::StrCat(listing.Render(options.output), RecordText(options, client)));
  return kExitOk;
}

// Release or cancel.
using Change = absl::StatusOr<int64_t> (ShareAdmin::*)(absl::string_view, const NamedPartition&,
                                                       absl::Span<const Offset>);

using JobsByPartition = std::map<NamedPartition, std::vector<Offset>>;

// Adds those that were changed, also before an error.
absl::Status ChangeSome(ShareAdmin admin, const JobsOptions& options, const JobsByPartition& jobs,
                        Change change, int64_t* changed) {
  for (const auto& [partition, offsets] : jobs) {
    for (size_t at = 0; at < offsets.size(); at += limits::kJobsByCommand) {
      const auto some =
          (admin.*change)(options.group, partition,
                          absl::MakeConstSpan(offsets).subspan(at, limits::kJobsByCommand));
      if (!some.ok()) return some.status();
      *changed += *some;
    }
  }
  return absl::OkStatus();
}

int ChangeAll(const JobsOptions& options, const Client& client, Change change, const char* done) {
  ShareAdmin admin(client);
  PagedWalk walk("jobs", done);
  walk.Run([&](const std::string& page) -> absl::StatusOr<std::string> {
    auto jobs = admin.ListJobs(options.group, options.state, page);
    if (!jobs.ok()) return jobs.status();
    JobsByPartition by_partition;
    for (const ShareAdmin::JobDescription& job : jobs->jobs)
      by_partition[job.partition].push_back(job.offset);
    int64_t changed = 0;
    const absl::Status status = ChangeSome(admin, options, by_partition, change, &changed);
    walk.Count(changed);
    if (!status.ok()) return status;
    return jobs->next;
  });
  if (walk.has_result()) Print(absl::StrCat(walk.count(), " jobs ", done, "\n"));
  return walk.End();
}

int ChangeJobs(const JobsOptions& options, const Client& client, Change change, const char* done) {
  if (options.all == !options.offsets.empty() || options.offsets.empty() != options.topic.empty())
    return FailUsage("name jobs with --topic, --partition and --offset, or take --all");
  if (options.all) return ChangeAll(options, client, change, done);
  JobsByPartition jobs;
  for (const int64_t offset : options.offsets)
    jobs[{options.topic, PartitionIndex(options.partition)}].push_back(Offset(offset));
  int64_t changed = 0;
  const absl::Status status = ChangeSome(ShareAdmin(client), options, jobs, change, &changed);
  if (status.ok() || changed > 0)
    Print(absl::StrCat(changed, " of ", options.offsets.size(), " jobs ", done, "\n"));
  return status.ok() ? kExitOk : Fail(status);
}

int Release(const JobsOptions& options, const Client& client) {
  return ChangeJobs(options, client, &ShareAdmin::ReleaseJobs, "are due now");
}

int Cancel(const JobsOptions& options, const Client& client) {
  if (!options.yes) {
    return FailUsage(
        "cancelled jobs are done without having been done, and leave no dead letter. Repeat with "
        "--yes");
  }
  return ChangeJobs(options, client, &ShareAdmin::CancelJobs, "are cancelled");
}

CLI::App* Add(CLI::App* jobs, Invocation& invocation, const Shared& options, const char* name,
              const char* about, const char* example, Action action) {
  CLI::App* command = jobs->add_subcommand(name, about);
  command->footer(absl::StrCat("Example:\n  ", example));
  command->add_option("--group", options->group, "The share group")->required();
  command->callback([&invocation, options, action] {
    invocation.run = [&invocation, options, action] {
      StopSignal::Block();
      absl::StatusOr<Client> client = Connect(invocation);
      return client.ok() ? action(*options, *client) : Fail(client.status());
    };
  });
  return command;
}

CLI::Option* AddState(CLI::App* command, const Shared& options) {
  return command->add_option_function<std::string>(
      "--state",
      [options](const std::string& text) {
        const auto state = ParseState(text);
        if (!state.ok())
          throw CLI::ValidationError("--state", std::string(state.status().message()));
        options->state = *state;
      },
      "Only those: acquired, delayed, blocked (behind their key) or dying");
}

// What names a job, or several.
struct Names {
  CLI::Option* topic;
  CLI::Option* partition;
};

Names AddNames(CLI::App* command, const Shared& options) {
  return {.topic = command->add_option("--topic", options->topic, "The jobs' topic"),
          .partition = command->add_option("--partition", options->partition, "and partition (0)")
                           ->check(PartitionNumber())};
}

// Either jobs by name, or all there are.
void AddChoice(CLI::App* command, const Shared& options) {
  const Names names = AddNames(command, options);
  CLI::Option* const offset =
      command->add_option("--offset", options->offsets, "A job's offset; again for more")
          ->allow_extra_args(false)
          ->check(AtLeast(0));
  AddState(command, options)->excludes(offset);
  command
      ->add_flag("--all", options->all,
                 "All that 'jobs list' shows (of the --state), of every topic and partition; jobs "
                 "that wait for their first worker are not among them, those that were given back "
                 "are, also once they are due")
      ->excludes(names.topic)
      ->excludes(names.partition)
      ->excludes(offset);
}

}  // namespace

void AddJobsCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* jobs = app.add_subcommand("jobs", "Look at a share group's jobs, hurry or cancel them");
  jobs->require_subcommand(1);
  jobs->footer(
      "Examples:\n"
      "  weir jobs list --group email --state delayed\n"
      "  weir jobs show --group email --topic orders --partition 3 --offset 1204\n"
      "  weir jobs release --group email --all");
  const auto options = std::make_shared<JobsOptions>();

  CLI::App* list =
      Add(jobs, invocation, options, "list", "Jobs at work, delayed, blocked, or about to die",
          "weir jobs list --group email --state delayed", List);
  AddState(list, options);
  list->add_option("--max", options->max, "Show at most so many")
      ->check(AtLeast(1))
      ->capture_default_str();
  AddOutputOption(list, &options->output);

  CLI::App* show =
      Add(jobs, invocation, options, "show", "One job with its record",
          "weir jobs show --group email --topic orders --partition 3 --offset 1204", Show);
  AddNames(show, options).topic->required();
  show->add_option("--offset", options->offset, "The job's offset")->check(AtLeast(0))->required();
  AddOutputOption(show, &options->output);

  CLI::App* release = Add(jobs, invocation, options, "release", "Delayed jobs are due at once",
                          "weir jobs release --group email --all", Release);
  AddChoice(release, options);

  CLI::App* cancel = Add(
      jobs, invocation, options, "cancel", "Jobs are not to be done any more",
      "weir jobs cancel --group email --topic orders --partition 3 --offset 1204 --yes", Cancel);
  AddChoice(cancel, options);
  cancel->add_flag("--yes", options->yes, "Really do it");
}

}  // namespace weir
