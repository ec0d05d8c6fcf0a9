#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/log_dump.h"
#include "tools/cli/output_file.h"
#include "tools/cli/progress.h"
#include "tools/log_inspect/data_directory.h"
#include "tools/log_inspect/redo_view.h"
#include "tools/log_inspect/topic_names.h"
#include "tools/log_inspect/verify.h"

namespace weir {
namespace {

struct LogOptions {
  DumpOptions dump;
  std::string data_directory;
  bool partitions = false;
  OutputFormat output = OutputFormat::kTable;
};

int RunDump(const DumpOptions& options) {
  OutputFile out(STDOUT_FILENO);
  const absl::Status dumped = DumpFile(FileSystem::Posix(), options, &out);
  return dumped.ok() ? kExitOk : Fail(dumped);
}

void WriteFindings(absl::string_view name, const std::vector<Finding>& findings, JsonWriter* json) {
  json->Key(name).BeginArray();
  for (const Finding& finding : findings) {
    json->BeginObject()
        .Key("where")
        .String(finding.where)
        .Key("what")
        .String(finding.what)
        .EndObject();
  }
  json->EndArray();
}

std::string VerifyJson(const VerifyReport& report) {
  JsonWriter json;
  json.BeginObject().Key("ok").Bool(report.problems.empty()).Key("topics").Int(report.topics);
  json.Key("partitions")
      .Int(report.partitions)
      .Key("segments")
      .Int(report.segments)
      .Key("batches")
      .Int(report.batches);
  json.Key("records")
      .Int(report.records)
      .Key("bytes")
      .Int(report.bytes)
      .Key("journal_rounds")
      .Int(report.journal_rounds);
  json.Key("journal_batches")
      .Int(report.journal_batches)
      .Key("journal_records")
      .Int(report.journal_records)
      .Key("redo_batches")
      .Int(report.redo_batches);
  WriteFindings("problems", report.problems, &json);
  WriteFindings("notes", report.notes, &json);
  return absl::StrCat(json.EndObject().text(), "\n");
}

std::string VerifyText(const VerifyReport& report) {
  std::string text;
  for (const Finding& finding : report.notes)
    absl::StrAppend(&text, "note: ", finding.where, ": ", finding.what, "\n");
  for (const Finding& finding : report.problems)
    absl::StrAppend(&text, "WRONG: ", finding.where, ": ", finding.what, "\n");
  absl::StrAppend(&text, WithCommas(report.records), " records in ", WithCommas(report.batches),
                  " batches, ", WithCommas(report.segments), " segments, ",
                  WithCommas(report.partitions), " partitions, ", WithCommas(report.topics),
                  " topics; ", HumanBytes(report.bytes), "\n");
  absl::StrAppend(
      &text, "and ", WithCommas(report.journal_records), " records in ",
      WithCommas(report.journal_batches), " batches of ", WithCommas(report.journal_rounds),
      " journal rounds newer than the recovery point; ", WithCommas(report.redo_batches),
      " of these batches are not in their segments yet (a start writes them)\n");
  absl::StrAppend(&text, report.problems.empty() ? "everything verifies" : "SOMETHING IS WRONG",
                  "\n");
  return text;
}

int RunVerify(const LogOptions& options) {
  absl::StatusOr<VerifyReport> report;
  {
    std::atomic<int64_t> done = 0;
    std::atomic<int64_t> all = 0;
    Progress progress(ProgressMode::kAuto, absl::Milliseconds(250), [&] {
      return Progress::Text{.bar = absl::StrCat(done.load(), " of ", all.load(), " partitions"),
                            .line = ""};
    });
    report = Verify(FileSystem::Posix(), {.data_directory = options.data_directory,
                                          .progress = [&](int64_t d, int64_t a) {
                                            done = d;
                                            all = a;
                                          }});
  }
  if (!report.ok()) return Fail(report.status());
  Print(options.output == OutputFormat::kJson ? VerifyJson(*report) : VerifyText(*report));
  return report->problems.empty() ? kExitOk : kExitFailed;
}

// What `weir log stat` adds up, of a partition or a topic.
struct Sum {
  int64_t partitions = 0;
  int64_t offsets = 0;
  int64_t segments = 0;
  int64_t bytes = 0;
  int64_t journal_batches = 0;
};

absl::Status Stat(const LogOptions& options, Listing* by_partition, Listing* by_topic) {
  FileSystem& fs = FileSystem::Posix();
  if (const absl::Status is = CheckDataDirectory(fs, options.data_directory); !is.ok()) return is;
  const absl::StatusOr<RedoView> view = RedoView::Load(fs, options.data_directory);
  if (!view.ok()) return view.status();
  const TopicNames names = TopicNames::Load(fs, options.data_directory);
  const absl::StatusOr<LogsDirectoryList> list = ListPartitions(fs, options.data_directory);
  if (!list.ok()) return list.status();
  std::set<TopicPartition> all(list->partitions.begin(), list->partitions.end());
  for (const auto& [id, partition] : view->partitions()) all.insert(id);
  std::map<TopicId, Sum> topics;
  for (const TopicPartition& id : all) {
    if (names.Gone(id.topic)) continue;
    const absl::StatusOr<PartitionFiles> files = ListSegments(fs, options.data_directory, id);
    if (!files.ok()) return files.status();
    const auto found = view->partitions().find(id);
    const PartitionView partition =
        found == view->partitions().end() ? PartitionView() : found->second;
    const auto segments = static_cast<int64_t>(files->segments.size());
    const auto journal_batches = static_cast<int64_t>(partition.journal.size());
    Sum& sum = topics[id.topic];
    ++sum.partitions;
    sum.offsets += partition.state.log_end - partition.state.log_start;
    sum.segments += segments;
    sum.bytes += files->size_bytes();
    sum.journal_batches += journal_batches;
    by_partition->AddRow({names.NameOf(id.topic), int64_t{id.partition.value()},
                          partition.state.log_start.value(), partition.state.log_end.value(),
                          segments, files->size_bytes(), journal_batches});
  }
  for (const auto& [id, sum] : topics) {
    by_topic->AddRow({names.NameOf(id), id.ToString(), sum.partitions, sum.offsets, sum.segments,
                      sum.bytes, sum.journal_batches});
  }
  return absl::OkStatus();
}

int RunStat(const LogOptions& options) {
  Listing by_partition({"topic", "partition", "log_start_offset", "log_end_offset", "segments",
                        "size_bytes", "journal_batches"});
  Listing by_topic(
      {"topic", "topic_id", "partitions", "offsets", "segments", "size_bytes", "journal_batches"});
  if (const absl::Status read = Stat(options, &by_partition, &by_topic); !read.ok())
    return Fail(read);
  Print((options.partitions ? by_partition : by_topic).Render(options.output));
  return kExitOk;
}

}  // namespace

void AddLogCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* log = app.add_subcommand("log",
                                     "Look into a data directory's files: offline, read-only, also "
                                     "while a broker runs or after a crash");
  log->require_subcommand(1);
  const auto options = std::make_shared<LogOptions>();

  CLI::App* dump = log->add_subcommand(
      "dump", "Print what is in a segment, index, journal file or recovery point");
  dump->add_option("file", options->dump.path, "The file")->required()->check(CLI::ExistingFile);
  dump->add_flag("--records", options->dump.records, "Decode the records too");
  dump->add_option("--max", options->dump.max, "Stop after so many batches (rounds of a journal)")
      ->check(AtLeast(0));
  AddOutputOption(dump, &options->dump.output);
  dump->footer(
      "Examples:\n  weir log dump data/logs/TOPIC_ID/0/00000000000000000000.log --records\n"
      "  (weir log stat DATA-DIR shows the ids of topics)\n"
      "  weir log dump data/journal/0000000000.journal --output json");
  dump->callback(
      [&invocation, options] { invocation.run = [options] { return RunDump(options->dump); }; });

  CLI::App* verify = log->add_subcommand(
      "verify", "Check every batch and the journal; exit status 1 when something is wrong");
  verify->add_option("data-dir", options->data_directory, "The broker's data directory")
      ->required()
      ->check(CLI::ExistingDirectory);
  AddOutputOption(verify, &options->output);
  verify->footer("Example:\n  weir log verify ./data");
  verify->callback(
      [&invocation, options] { invocation.run = [options] { return RunVerify(*options); }; });

  CLI::App* stat = log->add_subcommand(
      "stat", "Show topics or partitions with their offsets, segments and sizes");
  stat->add_option("data-dir", options->data_directory, "The broker's data directory")
      ->required()
      ->check(CLI::ExistingDirectory);
  stat->add_flag("--partitions", options->partitions,
                 "A line for each partition instead of each topic");
  AddOutputOption(stat, &options->output);
  stat->footer("Example:\n  weir log stat ./data --partitions");
  stat->callback(
      [&invocation, options] { invocation.run = [options] { return RunStat(*options); }; });
}

}  // namespace weir
