#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/group_consume_run.h"
#include "tools/cli/outage_notice.h"
#include "tools/cli/output_file.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/stop_signal.h"
#include "weir/admin.h"
#include "weir/consumer.h"

namespace weir {
namespace {

struct ConsumeOptions {
  std::string topic;
  std::string group;  // empty: not as a member of one
  Position from = Earliest();
  int32_t partition = -1;  // -1: all
  int64_t max = -1;        // records; -1: no limit
  bool follow = false;
  RecordFormat format;
};

// Without a word from the broker for so long, a person wants to know.
constexpr absl::Duration kPatience = absl::Seconds(1);
// How often to look whether the topic has been given more partitions.
constexpr absl::Duration kPartitionsPause = absl::Seconds(3);

absl::StatusOr<Position> ParsePositionNow(absl::string_view text) {
  return ParsePositionArgument(text, Clock::Real().Now(), absl::LocalTimeZone());
}

// Prints what the consumer gives until its end, a stop, `max`, or until nobody reads the output.
class ConsumeRun {
 public:
  // `partitions`: of the topic, all of them assigned, if more that come are to be read too; 0: not.
  ConsumeRun(const ConsumeOptions& options, const Client& client, int32_t partitions,
             Consumer* consumer)
      : options_(options),
        admin_(client),
        partitions_(partitions),
        consumer_(*consumer),
        printer_(options.format),
        out_(STDOUT_FILENO),
        left_(options.max),
        stop_([consumer](int number) {
          if (number > 1) _exit(kExitInterrupted);
          consumer->Wake();
        }) {}

  int Run();

 private:
  // False: nothing more is to be printed.
  bool PrintSet(RecordSet* set);
  // Reads partitions that were added meanwhile, from their start.
  void LookForPartitions();

  const ConsumeOptions& options_;
  Admin admin_;
  int32_t partitions_;
  absl::Duration look_at_ = Clock::Real().Monotonic() + kPartitionsPause;
  Consumer& consumer_;
  RecordPrinter printer_;
  OutputFile out_;
  int64_t left_;
  bool failed_ = false;
  OutageNotice outage_;
  StopSignal stop_;
};

bool ConsumeRun::PrintSet(RecordSet* set) {
  RecordView record;
  while (left_ != 0 && set->Next(&record)) {
    printer_.Append(set->topic(), set->partition(), record, out_.buffer());
    if (left_ > 0) --left_;
    if (!out_.MaybeFlush()) return false;
  }
  if (!set->status().ok()) {
    failed_ = true;
    Fail(set->status());
    if (set->passed_over() > 1) {
      std::fprintf(stderr, "weir: and so are %d more batches up to offset %s\n",
                   set->passed_over() - 1, absl::StrCat(set->next_offset().value()).c_str());
    }
  }
  return left_ != 0;
}

void ConsumeRun::LookForPartitions() {
  const absl::Duration now = Clock::Real().Monotonic();
  if (partitions_ == 0 || now < look_at_ || !consumer_.last_error().ok()) return;
  look_at_ = now + kPartitionsPause;
  const auto topic = admin_.DescribeTopic(options_.topic, /*with_partitions=*/false);
  // What is wrong with the topic, its partitions tell too.
  if (!topic.ok()) return;
  const bool from_time = std::holds_alternative<absl::Time>(options_.from);
  for (; partitions_ < topic->partition_count; ++partitions_) {
    const absl::Status assigned =
        consumer_.Assign({.topic = options_.topic,
                          .partition = PartitionIndex(partitions_),
                          .position = from_time ? options_.from : Position(Earliest())});
    if (!assigned.ok()) Fail(assigned);
  }
}

int ConsumeRun::Run() {
  while (left_ != 0 && !stop_.requested() && !consumer_.AtEnd()) {
    LookForPartitions();
    absl::StatusOr<RecordSet> set = consumer_.Poll(absl::ZeroDuration());
    if (set.ok() && set->empty()) {
      // Nothing is at hand: who reads our output should have what there is before we wait.
      if (!out_.Flush()) break;
      set = consumer_.Poll(kPatience);
      if (set.ok() && set->empty()) outage_.Tell(consumer_.last_error());
    }
    if (!set.ok()) {
      failed_ = true;
      Fail(set.status());
    } else if (!PrintSet(&*set)) {
      break;
    }
  }
  out_.Flush();
  if (!out_.status().ok()) return Fail(out_.status());
  if (failed_) return kExitFailed;
  return stop_.requested() && !options_.follow ? kExitInterrupted : kExitOk;
}

int ConsumeInGroup(const ConsumeOptions& options, const Client& client) {
  const bool latest = std::holds_alternative<Latest>(options.from);
  if (!latest && !std::holds_alternative<Earliest>(options.from)) {
    return FailUsage(
        "--from with --group says where a new group begins: earliest or latest. weir group reset "
        "moves a group");
  }
  return RunGroupConsume({.group = options.group,
                          .topic = options.topic,
                          .start = latest ? GroupStart::kLatest : GroupStart::kEarliest,
                          .max = options.max,
                          .follow = options.follow,
                          .format = options.format},
                         client);
}

int Run(const ConsumeOptions& options, const Invocation& invocation) {
  StopSignal::Block();
  absl::StatusOr<Client> client = Connect(invocation);
  if (!client.ok()) return Fail(client.status());
  if (!options.group.empty()) return ConsumeInGroup(options, *client);
  Admin admin(*client);
  const auto topic = admin.DescribeTopic(options.topic, /*with_partitions=*/false);
  if (!topic.ok()) return Fail(topic.status());
  const bool one = options.partition >= 0;
  if (one && options.partition >= topic->partition_count) {
    return Fail(MakeError(Reason::kUnknownPartition,
                          absl::StrCat("topic '", options.topic, "' has partitions 0 to ",
                                       topic->partition_count - 1, ", not ", options.partition)));
  }
  if (!one && topic->partition_count > 1 && std::holds_alternative<Offset>(options.from)) {
    return FailUsage(absl::StrCat("an offset belongs to one partition, and '", options.topic,
                                  "' has ", topic->partition_count, ": give --partition too"));
  }
  // Who asks for the oldest records does not mind that retention takes some of them meanwhile.
  const bool from_earliest = std::holds_alternative<Earliest>(options.from);
  Consumer consumer(*client, {.when_out_of_range = from_earliest ? WhenOutOfRange::kEarliest
                                                                 : WhenOutOfRange::kError});
  for (int32_t p = one ? options.partition : 0;
       p < (one ? options.partition + 1 : topic->partition_count); ++p) {
    const absl::Status assigned = consumer.Assign({.topic = options.topic,
                                                   .partition = PartitionIndex(p),
                                                   .position = options.from,
                                                   .until_end = !options.follow});
    if (!assigned.ok()) return Fail(assigned);
  }
  const int32_t grows_from = options.follow && !one ? topic->partition_count : 0;
  return ConsumeRun(options, *client, grows_from, &consumer).Run();
}

}  // namespace

void AddConsumeCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ConsumeOptions>();
  CLI::App* command = app.add_subcommand("consume", "Print a topic's records");
  command->add_option("topic", options->topic, "The topic's name")->required();
  AddParsed(command, "--from", &options->from, ParsePositionNow,
            "earliest (default), latest, an offset, or a time: 2026-11-22T10:00:00Z, 2026-11-22, "
            "@SECONDS, or how long ago, as in "
            "90s, 1h30m, 7d");
  CLI::Option* const partition =
      command->add_option("--partition", options->partition, "Only this partition")
          ->check(PartitionNumber());
  command
      ->add_option("--group", options->group,
                   "As a member of this consumer group: go on where it is, commit what was "
                   "printed, share the partitions with other members. A new group begins at --from")
      ->excludes(partition);
  command->add_option("--max", options->max, "Stop after so many records")->check(AtLeast(0));
  command->add_flag("--follow", options->follow,
                    "Go on with new records as they come, until Ctrl-C");
  command->add_flag("--print-key", options->format.print_key, "Print the key before the value");
  command->add_flag("--print-offset", options->format.print_offset, "Print PARTITION:OFFSET first");
  command->add_flag("--print-timestamp", options->format.print_timestamp,
                    "Print the timestamp (UTC)");
  AddParsed(command, "--separator", &options->format.separator, ParseSeparatorArgument,
            "What stands between those; a tab");
  AddOutputOption(command, &options->format.output);
  command->footer(
      "Without --follow it stops at the end of the log as it was at the start; with it, partitions "
      "that are added are read too.\n"
      "Records of one partition come in order; json has "
      "topic, partition, offset, timestamp_ms, key, value, headers (key_base64 and value_base64 "
      "for what is no UTF-8).\n"
      "Examples:\n"
      "  weir consume orders --from 1h --print-key\n"
      "  weir consume orders --partition 3 --from 1000 --max 10 --output json\n"
      "  weir consume logs --from latest --follow\n"
      "  weir consume orders --group email --follow");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
