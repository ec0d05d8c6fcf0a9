#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/produce_run.h"
#include "weir/admin.h"

namespace weir {
namespace {

int Run(const ProduceOptions& options, const Invocation& invocation) {
  StopSignal::Block();
  absl::StatusOr<Client> client = Connect(invocation);
  if (!client.ok()) return Fail(client.status());
  // A wrong name is told at once, not when the first line comes.
  Admin admin(*client);
  const auto topic = admin.DescribeTopic(options.topic, /*with_partitions=*/false);
  if (!topic.ok()) return Fail(topic.status());
  if (options.partition && options.partition->value() >= topic->partition_count) {
    return Fail(
        MakeError(Reason::kUnknownPartition,
                  absl::StrCat("topic '", options.topic, "' has partitions 0 to ",
                               topic->partition_count - 1, ", not ", options.partition->value())));
  }
  return ProduceRun(options, *client).Run();
}

void AddProducerOptions(CLI::App* command, ProducerOptions* producer) {
  AddParsed(command, "--durability", &producer->durability, ParseDurabilityArgument,
            "durable: acknowledged once on disk; written: survives kill -9, not power loss "
            "(default: as the topic says)");
  AddParsed(command, "--compression", &producer->compression, ParseCompressionArgument,
            "none, gzip, snappy, lz4 or zstd");
  AddParsed(
      command, "--batch-bytes", &producer->batch_bytes, ParseBatchBytesArgument,
      "Send a batch when it has so many bytes (64KiB); while others are unanswered it may grow "
      "to 512KiB");
  AddParsed(command, "--linger", &producer->linger, ParseLingerArgument,
            "How long a batch waits for more records (0, at most 1s)");
  AddParsed(command, "--buffer-bytes", &producer->buffer_bytes, ParseBufferBytesArgument,
            "Memory for what is not acknowledged yet; reading waits when it is full (32MiB)");
  AddParsed(command, "--delivery-timeout", &producer->delivery_timeout, ParseDurationArgument,
            "Give a record up after so long; inf, the default, survives any outage of the broker");
}

}  // namespace

void AddProduceCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ProduceOptions>();
  const auto headers = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      app.add_subcommand("produce", "Send lines of stdin to a topic, one record a line");
  command->add_option("topic", options->topic, "The topic's name")->required();
  AddParsed(
      command, "--key-separator", &options->key_separator, ParseSeparatorArgument,
      "What separates key and value in a line; \\t is a tab. A line without it goes without a key");
  command->add_option("--header", *headers, "A header of every record, NAME=VALUE; again for more")
      ->allow_extra_args(false);
  command
      ->add_option_function<int32_t>(
          "--partition",
          [options](int32_t partition) { options->partition = PartitionIndex(partition); },
          "Send everything to this partition")
      ->check(PartitionNumber());
  AddParsed(command, "--delay", &options->delay, ParseDurationArgument,
            "Share groups hand a record out so long after it was read, and not before; the topic "
            "has delayed.delivery=true");
  AddProducerOptions(command, &options->producer);
  command->add_option("--rate", options->rate, "At most so many records per second")
      ->check(AtLeast(1));
  AddParsed(command, "--stop-timeout", &options->stop_timeout, ParseDurationArgument,
            "After Ctrl-C, how long to wait for answers still to come (10s)");
  AddParsed(command, "--progress", &options->progress, ParseProgressArgument,
            "auto: a line on stderr when that is a terminal; bar; lines: 'progress acknowledged=N "
            "...' again and again; none");
  AddParsed(command, "--progress-interval", &options->progress_interval, ParseIntervalArgument,
            "How often (500ms)");
  command->footer(
      "Reads as a stream, in constant memory. Goes on through restarts of the broker; every line "
      "lands once.\n"
      "The last lines on stderr say how many records were acknowledged, also after Ctrl-C.\n"
      "Examples:\n"
      "  weir produce orders --key-separator : < orders.txt\n"
      "  tail -F app.log | weir produce logs --header host=web1 --compression zstd");
  command->callback([&invocation, options, headers] {
    for (const std::string& text : *headers) {
      auto header = ParseAssignment(text);
      if (!header.ok())
        throw CLI::ValidationError("--header", std::string(header.status().message()));
      options->headers.push_back(*std::move(header));
    }
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
