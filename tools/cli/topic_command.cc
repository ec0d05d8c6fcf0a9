#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/settings.h"
#include "weir/admin.h"

namespace weir {
namespace {

// One for all topic commands: only one of them is run.
struct TopicOptions {
  std::string topic;
  int32_t partitions = 0;  // 0: as many as the broker gives by default
  Settings settings;
  bool validate_only = false;
  bool yes = false;
  std::string prefix;
  bool internal = false;
  int32_t partition = 0;
  std::string before;
  OutputFormat output = OutputFormat::kTable;
};

using Shared = std::shared_ptr<TopicOptions>;
using Action = int (*)(const TopicOptions&, Admin);

CLI::App* Add(CLI::App* topic, Invocation& invocation, const Shared& options,
              const std::string& name, const std::string& help, const std::string& example,
              Action action) {
  CLI::App* command = topic->add_subcommand(name, help);
  command->footer("Example:\n  " + example);
  command->callback([&invocation, options, action] {
    invocation.run = [&invocation, options, action] {
      absl::StatusOr<Client> client = Connect(invocation);
      return client.ok() ? action(*options, Admin(*client)) : Fail(client.status());
    };
  });
  return command;
}

void AddName(CLI::App* command, const Shared& options) {
  command->add_option("topic", options->topic, "The topic's name")->required();
}

int Create(const TopicOptions& options, Admin admin) {
  const auto config = ParseAssignments(options.settings.set);
  if (!config.ok()) return FailUsage(absl::StrCat("--config: ", config.status().message()));
  const auto topic = admin.CreateTopic(
      {.name = options.topic, .partitions = options.partitions, .config = *config},
      options.validate_only);
  if (!topic.ok()) return Fail(topic.status());
  if (options.output == OutputFormat::kJson) {
    Listing listing({"topic", "topic_id", "partitions"});
    listing.AddRow({topic->name, topic->topic_id, int64_t{topic->partitions}});
    Print(listing.Render(options.output));
  } else {
    Print(absl::StrCat(options.validate_only ? "could create topic " : "created topic ",
                       topic->name, ", partitions: ", topic->partitions, "\n"));
  }
  return kExitOk;
}

int List(const TopicOptions& options, Admin admin) {
  const auto topics = admin.ListTopics(options.prefix, options.internal);
  if (!topics.ok()) return Fail(topics.status());
  Listing listing({"topic", "partitions", "topic_id"});
  for (const Admin::TopicSummary& topic : *topics) {
    listing.AddRow({topic.name, int64_t{topic.partitions}, topic.topic_id});
  }
  Print(listing.Render(options.output));
  return kExitOk;
}

int Describe(const TopicOptions& options, Admin admin) {
  const auto topic = admin.DescribeTopic(options.topic);
  if (!topic.ok()) return Fail(topic.status());
  Listing partitions({"partition", "log_start_offset", "high_watermark", "size_bytes", "segments",
                      "leader_epoch", "damage"});
  int64_t records = 0;
  int64_t bytes = 0;
  for (const Admin::PartitionDescription& p : topic->partitions) {
    records += p.high_watermark - p.log_start_offset;
    bytes += p.size_bytes;
    partitions.AddRow({int64_t{p.partition.value()}, p.log_start_offset.value(),
                       p.high_watermark.value(), p.size_bytes, int64_t{p.segments},
                       int64_t{p.leader_epoch.value()},
                       p.damage.empty() ? Cell() : Cell(p.damage)});
  }
  const Listing config = SettingsListing(topic->config);
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject().Key("topic").String(topic->name).Key("topic_id").String(topic->topic_id);
    json.Key("partition_count")
        .Int(topic->partition_count)
        .Key("size_bytes")
        .Int(bytes)
        .Key("config");
    config.WriteTo(&json);
    json.Key("partitions");
    partitions.WriteTo(&json);
    Print(absl::StrCat(json.EndObject().text(), "\n"));
  } else {
    Print(absl::StrCat("topic ", topic->name, "  id ", topic->topic_id, "  partitions ",
                       topic->partition_count, "  offsets ", WithCommas(records), "  size ",
                       HumanBytes(bytes), "\n\n", config.Render(options.output), "\n",
                       partitions.Render(options.output)));
  }
  return kExitOk;
}

int Alter(const TopicOptions& options, Admin admin) {
  return ChangeSettings(options.settings, options.output, [&](const auto& set, const auto& remove) {
    return admin.AlterTopicConfig(options.topic, set, remove);
  });
}

int AddPartitions(const TopicOptions& options, Admin admin) {
  if (!options.yes) {
    return FailUsage(
        absl::StrCat("more partitions cannot be taken back, and keys move to other partitions: the "
                     "order per key holds "
                     "only from then on. Repeat with --yes to give '",
                     options.topic, "' ", options.partitions, " partitions"));
  }
  const auto partitions = admin.AddPartitions(options.topic, options.partitions);
  if (!partitions.ok()) return Fail(partitions.status());
  Print(absl::StrCat("topic ", options.topic, " has ", *partitions, " partitions\n"));
  return kExitOk;
}

int Delete(const TopicOptions& options, Admin admin) {
  if (!options.yes) {
    return FailUsage(absl::StrCat("this deletes topic '", options.topic,
                                  "' and all its records for good. Repeat with --yes"));
  }
  if (const absl::Status deleted = admin.DeleteTopic(options.topic); !deleted.ok())
    return Fail(deleted);
  Print(absl::StrCat("deleted topic ", options.topic, "\n"));
  return kExitOk;
}

int DeleteRecords(const TopicOptions& options, Admin admin) {
  std::optional<Offset> before;
  if (options.before != "latest") {
    int64_t offset = 0;
    if (!absl::SimpleAtoi(options.before, &offset) || offset < 0) {
      return FailUsage(
          absl::StrCat("--before: '", options.before, "' is neither an offset nor 'latest'"));
    }
    before = Offset(offset);
  }
  const Admin::RecordDeletion deletion{.partition = PartitionIndex(options.partition),
                                       .before = before};
  const auto results = admin.DeleteRecords(options.topic, {deletion});
  if (!results.ok()) return Fail(results.status());
  if (!results->front().ok()) return Fail(results->front().status());
  Listing listing({"topic", "partition", "log_start_offset"});
  listing.AddRow({options.topic, int64_t{options.partition}, results->front()->value()});
  Print(listing.Render(options.output));
  return kExitOk;
}

}  // namespace

void AddTopicCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* topic = app.add_subcommand("topic", "Create, list, describe, change and delete topics");
  topic->require_subcommand(1);
  const auto options = std::make_shared<TopicOptions>();
  const std::string example = "retention.ms=86400000";

  CLI::App* create =
      Add(topic, invocation, options, "create", "Create a topic",
          "weir topic create orders --partitions 12 --config retention.ms=86400000", Create);
  AddName(create, options);
  create
      ->add_option("--partitions", options->partitions,
                   "How many partitions (as the broker's topic.partitions says: 1, unless changed)")
      ->check(CLI::Range(1, limits::kPartitionsPerTopic));
  AddConfigOption(create, &options->settings, example);
  create->add_flag("--validate-only", options->validate_only,
                   "Only say whether it would be created");
  AddOutputOption(create, &options->output);

  CLI::App* list = Add(topic, invocation, options, "list", "List topics",
                       "weir topic list --prefix audit. --output json", List);
  list->add_option("--prefix", options->prefix, "Only those whose names begin so");
  list->add_flag("--internal", options->internal, "The broker's own topics too");
  AddOutputOption(list, &options->output);

  CLI::App* describe =
      Add(topic, invocation, options, "describe", "Show a topic's settings, partitions and offsets",
          "weir topic describe orders", Describe);
  AddName(describe, options);
  AddOutputOption(describe, &options->output);

  CLI::App* alter =
      Add(topic, invocation, options, "alter", "Change a topic's settings",
          "weir topic alter orders --config retention.ms=3600000 --remove segment.bytes", Alter);
  AddName(alter, options);
  AddChangeOptions(alter, &options->settings, example);
  AddOutputOption(alter, &options->output);

  CLI::App* add =
      Add(topic, invocation, options, "add-partitions", "Raise a topic's number of partitions",
          "weir topic add-partitions orders --to 24 --yes", AddPartitions);
  AddName(add, options);
  add->add_option("--to", options->partitions, "The new number of partitions")
      ->required()
      ->check(CLI::Range(1, limits::kPartitionsPerTopic));
  add->add_flag("--yes", options->yes, "Really do it");

  CLI::App* remove =
      Add(topic, invocation, options, "delete", "Delete a topic with all its records",
          "weir topic delete orders --yes", Delete);
  AddName(remove, options);
  remove->add_flag("--yes", options->yes, "Really do it");

  CLI::App* records = Add(
      topic, invocation, options, "delete-records", "Delete a partition's records below an offset",
      "weir topic delete-records orders --partition 3 --before 1000", DeleteRecords);
  AddName(records, options);
  records->add_option("--partition", options->partition, "The partition")
      ->required()
      ->check(PartitionNumber());
  records
      ->add_option("--before", options->before,
                   "Offsets below this one go; 'latest': all there are now")
      ->required();
  AddOutputOption(records, &options->output);
}

}  // namespace weir
