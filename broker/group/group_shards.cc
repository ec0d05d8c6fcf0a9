#include "broker/group/group_shards.h"

#include <string>

#include "absl/synchronization/blocking_counter.h"
#include "broker/partition/partition_manager.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/key_partitioner.h"

namespace weir {

absl::StatusOr<TopicPtr> RequireGroupsTopic(TopicCatalog* catalog) {
  // What its records say is in the state store too: its own machines drop what nobody needs, and
  // small segments let that go early.
  return catalog->RequireInternal(
      {.name = std::string(kGroupsTopic),
       .partitions = limits::kGroupPartitions,
       .config = {
           {"retention.ms", "-1"}, {"retention.bytes", "-1"}, {"segment.bytes", "16777216"}}});
}

GroupShards::Part::Part(const Options& options, const std::shared_ptr<PartitionLog>& log)
    : machine({.shard = log->id().partition,
               .topics = options.topics,
               .listener = options.listener(log->id().partition),
               .share_heads = options.share_heads}),
      shard({.log = log,
             .logs = options.logs,
             .store = options.store,
             .executor = options.executor,
             .timers = options.timers,
             .clock = options.clock},
            options.whole(log->id().partition, &machine)) {
  machine.UseTimers(&shard);
}

absl::StatusOr<std::unique_ptr<GroupShards>> GroupShards::Open(const Options& options) {
  std::vector<std::shared_ptr<PartitionLog>> logs;
  for (int32_t i = 0; i < options.topic->partitions; ++i) {
    WEIR_ASSIGN_OR_RETURN(
        logs.emplace_back(),
        options.logs->GetLog({.topic = options.topic->id, .partition = PartitionIndex{i}},
                             LogConfigOf(options.topic->config)));
  }
  std::unique_ptr<GroupShards> shards(new GroupShards);
  for (const std::shared_ptr<PartitionLog>& log : logs)
    shards->parts_.push_back(std::make_unique<Part>(options, log));
  return shards;
}

absl::Status GroupShards::Load() {
  for (const std::unique_ptr<Part>& part : parts_) WEIR_RETURN_IF_ERROR(part->shard.Load());
  return absl::OkStatus();
}

GroupShards::~GroupShards() = default;

void GroupShards::Stop() {
  absl::BlockingCounter running(static_cast<int>(parts_.size()));
  for (const std::unique_ptr<Part>& part : parts_)
    part->shard.Stop([&running] { running.DecrementCount(); });
  running.Wait();
}

PartitionIndex GroupShards::PartitionOf(absl::string_view group) const {
  return PartitionForKey(group, static_cast<int32_t>(parts_.size()));
}

void GroupShards::Tell(PartitionIndex partition, Order order, Done done) {
  Part& part = *parts_[static_cast<size_t>(partition.value())];
  auto shared = std::make_shared<Done>(std::move(done));  // one of the two calls it
  part.shard.Submit(
      [&part, order = std::move(order), shared](const MachineTime& now) mutable {
        return order(part.machine, now,
                     [shared](const absl::Status& status) { (*shared)(status); });
      },
      [shared](const absl::Status& refused) { (*shared)(refused); });
}

absl::Status GroupShards::TellAndWait(PartitionIndex partition, Order order) {
  absl::Status answer;
  absl::Notification answered;
  Tell(partition, std::move(order), [&](const absl::Status& given) {
    answer = given;
    answered.Notify();
  });
  answered.WaitForNotification();
  return answer;
}

void GroupShards::NoteTopicsChanged() {
  for (const std::unique_ptr<Part>& part : parts_) {
    part->shard.Submit(
        [machine = &part->machine](const MachineTime& now) { return machine->TopicsChanged(now); },
        [](const absl::Status&) {});  // a machine that is loaded looks at the topics anew
  }
}

std::vector<Shard*> GroupShards::shards() {
  std::vector<Shard*> all;
  for (const std::unique_ptr<Part>& part : parts_) all.push_back(&part->shard);
  return all;
}

}  // namespace weir
