#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/limits.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/bench_runner.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/stop_signal.h"

namespace weir {
namespace {

struct BenchOptions {
  BenchSettings settings;
  int runs = 5;
  bool spawn = false;
  std::string http;  // empty: beside the broker
  pid_t pid = 0;
  BrokerProcess::Options process = {.directory = "/var/tmp"};
  OutputFormat output = OutputFormat::kTable;
};

using MakeCase = std::unique_ptr<BenchCase> (*)(const BenchSettings&);

std::string FigureText(double value) {
  if (value != 0 && std::abs(value) < 100) return absl::StrFormat("%.3g", value);
  return WithCommas(std::llround(value));
}

std::string ResultText(const std::string& name, const BenchResult& result) {
  std::string text =
      absl::StrCat("bench ", name, ", ", result.runs, result.runs == 1 ? " run\n" : " runs\n");
  for (const auto& [key, value] : result.configuration)
    absl::StrAppendFormat(&text, "  %-30s %s\n", key, value);
  Listing listing({"figure", "median", "min", "max", "unit"});
  for (const BenchFigure& figure : result.figures) {
    listing.AddRow({figure.name, FigureText(figure.median), FigureText(figure.min),
                    FigureText(figure.max), figure.unit});
  }
  absl::StrAppend(&text, "\n", listing.Render(OutputFormat::kTable));
  return text;
}

std::string ResultJson(const std::string& name, const BenchResult& result) {
  JsonWriter json;
  json.BeginObject()
      .Key("case")
      .String(name)
      .Key("runs")
      .Int(result.runs)
      .Key("configuration")
      .BeginObject();
  for (const auto& [key, value] : result.configuration) json.Key(key).String(value);
  json.EndObject().Key("figures").BeginObject();
  for (const BenchFigure& figure : result.figures) {
    json.Key(figure.name)
        .BeginObject()
        .Key("median")
        .Double(figure.median)
        .Key("min")
        .Double(figure.min);
    json.Key("max").Double(figure.max).Key("unit").String(figure.unit).EndObject();
  }
  return absl::StrCat(json.EndObject().EndObject().text(), "\n");
}

int Run(const BenchOptions& options, const std::string& name, MakeCase make,
        const Invocation& invocation) {
  StopSignal::Block();
  const std::unique_ptr<BenchCase> bench = make(options.settings);
  absl::StatusOr<BenchBroker> broker =
      options.spawn
          ? BenchBroker::Spawn(options.process)
          : BenchBroker::Attach(
                invocation.broker,
                options.http.empty() ? HttpAddressBeside(invocation.broker) : options.http,
                options.pid > 0 ? std::optional<pid_t>(options.pid) : std::nullopt);
  if (!broker.ok()) return Fail(broker.status());
  // Ctrl-C leaves no broker and no gigabytes behind.
  StopSignal stop([&broker](int) {
    broker->Abandon();
    _exit(kExitInterrupted);
  });
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [&](const std::string& what) {
    if (terminal) std::fprintf(stderr, "\r\033[K%s: %s", name.c_str(), what.c_str());
  };
  const absl::StatusOr<BenchResult> result = RunBench(*bench, *broker, options.runs, progress);
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (!result.ok()) return Fail(result.status());
  Print(options.output == OutputFormat::kJson ? ResultJson(name, *result)
                                              : ResultText(name, *result));
  return kExitOk;
}

// Options that say which broker is measured, and how often.
void AddBrokerOptions(CLI::App* command, BenchOptions* options) {
  command->add_option("--runs", options->runs, "How often; figures are medians")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->add_flag(
      "--spawn", options->spawn,
      "Start a weir-broker of our own, on an empty data directory, and remove it afterwards");
  command->add_option("--broker-program", options->process.program,
                      "With --spawn: the weir-broker to start");
  command
      ->add_option("--broker-arg", options->process.arguments,
                   "With --spawn: a further argument for it; again for more")
      ->allow_extra_args(false);
  command
      ->add_option("--work", options->process.directory,
                   "With --spawn: make the data directory in this one")
      ->capture_default_str();
  command->add_option("--http", options->http,
                      "Without --spawn: where the broker's metrics are (one above its gRPC port)");
  command->add_option(
      "--pid", options->pid,
      "Without --spawn: the broker's process id, for its processor time and memory");
  AddOutputOption(command, &options->output);
}

// What is sent.
void AddRecordOptions(CLI::App* command, BenchSettings* settings) {
  command->add_option("--records", settings->records, "Records in each run")->check(AtLeast(1));
  command->add_option("--size", settings->size, "Bytes of each record's value")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  AddParsed(command, "--durability", &settings->durability, ParseDurabilityArgument,
            "durable or written (default: as the topic says)");
}

void AddPartitions(CLI::App* command, BenchSettings* settings) {
  command->add_option("--partitions", settings->partitions, "Partitions of the topic")
      ->check(CLI::Range(1, limits::kPartitionsPerTopic));
}

void AddBytes(CLI::App* command, BenchSettings* settings, const std::string& help) {
  AddParsed(command, "--bytes", &settings->bytes, ParseBytesArgument, help);
}

// Of produce, which history repeats.
void AddProducerOptions(CLI::App* command, BenchSettings* settings) {
  AddRecordOptions(command, settings);
  AddPartitions(command, settings);
  AddParsed(command, "--compression", &settings->compression, ParseCompressionArgument,
            "none, gzip, snappy, lz4 or zstd");
  AddParsed(command, "--batch-bytes", &settings->batch_bytes, ParseBatchBytesArgument,
            "The producer's batch size");
  AddParsed(command, "--linger", &settings->linger, ParseLingerArgument, "The producer's linger");
  command->add_option("--rate", settings->rate, "Records per second at most")->check(AtLeast(1));
  command->add_option("--threads", settings->threads, "Producers, each with a client of its own")
      ->check(CLI::Range(1, 1'000));
}

void AddOffsets(CLI::App* command, BenchSettings* settings, const std::string& help) {
  command->add_option("--offsets", settings->offsets, help)
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}));
}

void AddCommitOptions(CLI::App* command, BenchSettings* settings) {
  command->add_option("--per-call", settings->per_call, "Offsets of one commit")
      ->check(CLI::Range(size_t{1}, limits::kOffsetsPerRequest))
      ->capture_default_str();
  command->add_option("--commit-rate", settings->commit_rate, "Offsets per second at most")
      ->check(AtLeast(1));
}

absl::StatusOr<bool> ParseOrder(absl::string_view text) {
  if (text == "key") return true;
  if (text == "none") return false;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is neither none nor key"));
}

}  // namespace

void AddBenchCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* bench =
      app.add_subcommand("bench", "Measure a broker with the real client, record by record");
  bench->require_subcommand(1);
  bench->footer(
      "Figures are medians over --runs, with the smallest and the largest; the configuration they "
      "belong to is printed with them.\n"
      "Example:\n  weir bench produce --spawn --partitions 1000");
  const auto options = std::make_shared<BenchOptions>();
  BenchSettings* const settings = &options->settings;
  const auto add = [&](const std::string& name, const std::string& help, const std::string& example,
                       MakeCase make) {
    CLI::App* command = bench->add_subcommand(name, help);
    command->footer("Example:\n  weir bench " + example);
    AddBrokerOptions(command, options.get());
    command->callback([&invocation, options, name, make] {
      invocation.run = [&invocation, options, name, make] {
        return Run(*options, name, make, invocation);
      };
    });
    return command;
  };

  AddProducerOptions(add("produce", "Records as fast as they are acknowledged",
                         "produce --spawn --partitions 1000 --durability written", MakeProduceCase),
                     settings);

  CLI::App* singles = add("singles", "Threads that each send one record and wait for it",
                          "singles --spawn --threads 64", MakeSinglesCase);
  AddRecordOptions(singles, settings);
  AddPartitions(singles, settings);
  singles->add_option("--threads", settings->threads, "Threads (64)")->check(CLI::Range(1, 10'000));

  CLI::App* unary = add("unary", "One plain record a call, through the generated stub",
                        "unary --spawn --in-flight 64", MakeUnaryCase);
  AddRecordOptions(unary, settings);
  AddPartitions(unary, settings);
  unary->add_option("--in-flight", settings->in_flight, "Calls at once")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();

  CLI::App* fetch = add("fetch", "Replay a topic from its start, from the page cache",
                        "fetch --spawn --raw", MakeFetchCase);
  AddRecordOptions(fetch, settings);
  AddPartitions(fetch, settings);
  fetch->add_flag(
      "--raw", settings->raw,
      "FetchStream's batches through the generated stub, instead of Consumer and decoded records");
  AddParsed(fetch, "--message-bytes", &settings->message_bytes, ParseBytesArgument,
            "With --raw: largest message (64KiB)");

  CLI::App* e2e = add("e2e", "Latency from send to receipt at a steady rate",
                      "e2e --spawn --rate 10000", MakeEndToEndCase);
  AddRecordOptions(e2e, settings);
  AddPartitions(e2e, settings);
  e2e->add_option("--rate", settings->rate, "Records per second (10000)")->check(AtLeast(1));

  CLI::App* create = add("create", "How long many partitions take to be created",
                         "create --spawn --partitions 10000", MakeCreateCase);
  AddPartitions(create, settings);
  create->add_option("--topics", settings->topics, "Topics to spread them over")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();

  AddPartitions(add("idle", "Memory of a broker that does nothing",
                    "idle --spawn --partitions 1000 --runs 1", MakeIdleCase),
                settings);

  CLI::App* restart = add("restart", "Time from kill -9 to the first acknowledgement",
                          "restart --spawn --partitions 10000 --bytes 4GiB", MakeRestartCase);
  AddPartitions(restart, settings);
  restart->add_option("--size", settings->size, "Bytes of each record's value")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  AddBytes(restart, settings, "Data to load first (4GiB)");

  CLI::App* history = add("history", "Whether produce slows down with what is in the log",
                          "history --spawn --bytes 10GiB", MakeHistoryCase);
  AddProducerOptions(history, settings);
  AddBytes(history, settings, "Data to load first (10GiB, or none with --offsets)");
  AddOffsets(history, settings, "Committed offsets to have first (none)");

  CLI::App* commit = add("commit", "Committed offsets, many a call",
                         "commit --spawn --groups 16 --partitions 1000", MakeCommitCase);
  AddPartitions(commit, settings);
  AddCommitOptions(commit, settings);
  commit->add_option("--offsets", settings->offsets, "Offsets in each run (2000000)")
      ->check(AtLeast(1));
  commit->add_option("--groups", settings->groups, "Groups that commit (16)")
      ->check(CLI::Range(1, 10'000));
  commit->add_option("--threads", settings->threads, "Calls at once (8)")
      ->check(CLI::Range(1, 1'000));

  CLI::App* produce_and_commit =
      add("produce-and-commit", "Whether commits slow produces down",
          "produce-and-commit --spawn --commit-rate 50000", MakeProduceAndCommitCase);
  AddProducerOptions(produce_and_commit, settings);
  AddCommitOptions(produce_and_commit, settings);

  CLI::App* members =
      add("members", "A consumer group whose members come and go",
          "members --spawn --members 1000 --partitions 1000 --churn 20 --for 2m", MakeMembersCase);
  AddPartitions(members, settings);
  members->add_option("--members", settings->members, "Members of the group (1000)")
      ->check(CLI::Range(1, 5'000));
  members->add_option("--churn", settings->churn, "Leaves and joins per second (0)")
      ->check(CLI::Range(0, 10'000));
  AddParsed(members, "--for", &settings->churn_time, ParseDurationArgument,
            "How long members leave and join (20s)");

  CLI::App* offsets = add("offsets", "Restart and memory with many committed offsets",
                          "offsets --spawn --offsets 1000000", MakeOffsetsCase);
  AddPartitions(offsets, settings);
  AddOffsets(offsets, settings, "Committed offsets (1000000)");

  CLI::App* work = add("work", "Jobs of a share group, done by one worker and accepted durably",
                       "work --spawn --order key --keys 10000", MakeWorkCase);
  AddRecordOptions(work, settings);
  AddPartitions(work, settings);
  work->add_flag("--live", settings->live,
                 "Produce while the worker works, instead of filling the topic beforehand");
  work->add_option("--rate", settings->rate,
                   "Jobs per second, with the time from send to handler; implies --live")
      ->check(AtLeast(1));
  AddParsed(work, "--order", &settings->by_key, ParseOrder,
            "none (default), or key: jobs of one key one at a time");
  work->add_option("--keys", settings->keys, "Different keys (none; 10000 with --order key)")
      ->check(AtLeast(1));
  work->add_option("--threads", settings->threads, "Threads that run the handler (0: inline)")
      ->check(CLI::Range(0, 1'000));

  CLI::App* failing = add(
      "failing", "Whether a job that fails on and on, or a key that it blocks, slows the others",
      "failing --spawn --blocked 1000000", MakeFailingCase);
  AddRecordOptions(failing, settings);
  AddPartitions(failing, settings);
  failing
      ->add_option("--blocked", settings->blocked,
                   "Jobs of its key behind it, in a group with order=key (0: order=none)")
      ->check(CLI::Range(0, 100'000'000));
  failing->add_option("--keys", settings->keys, "Different keys of the others (10000)")
      ->check(AtLeast(1));

  CLI::App* parked =
      add("parked", "Many jobs that wait for their time: memory, and those due beside them",
          "parked --spawn --records 10000000 --runs 1", MakeParkedCase);
  AddRecordOptions(parked, settings);
  AddPartitions(parked, settings);
  parked->add_option("--rate", settings->rate, "Jobs due per second beside them (2000)")
      ->check(AtLeast(1));
}

}  // namespace weir
