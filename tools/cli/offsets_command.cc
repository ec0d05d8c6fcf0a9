#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "weir/admin.h"

namespace weir {
namespace {

struct OffsetsOptions {
  std::string topic;
  std::optional<absl::Time> at;
  OutputFormat output = OutputFormat::kTable;
};

absl::StatusOr<absl::Time> ParseTimeNow(absl::string_view text) {
  return ParseTimeArgument(text, Clock::Real().Now(), absl::LocalTimeZone());
}

// `per_partition` questions about every partition, the partitions one after another.
absl::StatusOr<std::vector<absl::StatusOr<Admin::FoundOffset>>> Ask(
    Admin& admin, const std::string& topic, const std::vector<Position>& per_partition) {
  const auto description = admin.DescribeTopic(topic, /*with_partitions=*/false);
  if (!description.ok()) return description.status();
  std::vector<Admin::OffsetQuery> queries;
  for (int32_t p = 0; p < description->partition_count; ++p) {
    for (const Position& at : per_partition) queries.push_back({topic, PartitionIndex(p), at});
  }
  return admin.ListOffsets(queries);
}

int Run(const OffsetsOptions& options, const Invocation& invocation) {
  absl::StatusOr<Client> client = Connect(invocation);
  if (!client.ok()) return Fail(client.status());
  Admin admin(*client);
  const std::vector<Position> questions =
      options.at ? std::vector<Position>{*options.at} : std::vector<Position>{Earliest(), Latest()};
  const auto found = Ask(admin, options.topic, questions);
  if (!found.ok()) return Fail(found.status());
  for (const auto& answer : *found) {
    if (!answer.ok()) return Fail(answer.status());
  }
  Listing listing(options.at
                      ? std::vector<std::string>{"topic", "partition", "offset", "timestamp_ms"}
                      : std::vector<std::string>{"topic", "partition", "earliest", "latest"});
  for (size_t i = 0; i < found->size(); i += questions.size()) {
    const Admin::FoundOffset& first = *(*found)[i];
    const auto partition = static_cast<int64_t>(i / questions.size());
    const Cell last = !options.at          ? Cell((*found)[i + 1]->offset.value())
                      : first.timestamp_ms ? Cell(*first.timestamp_ms)
                                           : Cell();
    listing.AddRow({options.topic, partition, first.offset.value(), last});
  }
  Print(listing.Render(options.output));
  return kExitOk;
}

}  // namespace

void AddOffsetsCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<OffsetsOptions>();
  CLI::App* command = app.add_subcommand(
      "offsets", "Show where a topic's partitions begin and end, or what a time's offsets are");
  command->add_option("topic", options->topic, "The topic's name")->required();
  AddParsed(command, "--at", &options->at, ParseTimeNow,
            "Show the first offset whose record is at or after this time: 2026-11-22T10:00:00Z, "
            "2026-11-22, @SECONDS, or how long "
            "ago, as in 90s, 1h30m, 7d");
  AddOutputOption(command, &options->output);
  command->footer(
      "Examples:\n  weir offsets orders\n  weir offsets orders --at 1h\n  weir offsets orders --at "
      "2026-11-22T10:00:00Z");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
