#include "broker/groups.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/synchronization/notification.h"
#include "broker/partition/partition_manager.h"
#include "broker/share/share_records.h"
#include "storage/base/check.h"

namespace weir {
namespace {

// Shards wait for the disk only when they load and when they write to the store.
constexpr int kThreads = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<Groups>> Groups::Start(const Options& options, StateNotes* notes) {
  std::unique_ptr<Groups> groups(new Groups(options));
  WEIR_RETURN_IF_ERROR(groups->Load(options, notes));
  return groups;
}

Groups::Groups(const Options& options)
    : topics_(options.catalog, options.logs), executor_("weir-groups", kThreads) {}

absl::Status Groups::Load(const Options& options, StateNotes* notes) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, RequireGroupsTopic(options.catalog));
  std::vector<std::shared_ptr<PartitionLog>> logs;
  for (int32_t i = 0; i < topic->partitions; ++i) {
    WEIR_ASSIGN_OR_RETURN(logs.emplace_back(),
                          options.logs->GetLog({.topic = topic->id, .partition = PartitionIndex{i}},
                                               LogConfigOf(topic->config)));
  }
  WEIR_ASSIGN_OR_RETURN(
      keeper_, StateKeeper::Open({.files = StateFiles(options.file_system, options.data_directory),
                                  .partitions = std::move(logs),
                                  .logs = options.logs,
                                  .executor = &executor_,
                                  .timers = options.timers,
                                  .disk_is_low = options.disk_is_low,
                                  .on_failure = options.on_failure},
                                 notes));
  sessions_ = std::make_unique<GroupSessions>(topic->partitions);
  MakeShares(options, topic->partitions);
  WEIR_RETURN_IF_ERROR(LoadShards(options, topic));
  share_admin_ =
      std::make_unique<ShareGroupAdmin>(ShareGroupAdmin::Options{.groups = shards_.get(),
                                                                 .heads = share_directory_->heads(),
                                                                 .topics = &topics_,
                                                                 .catalog = options.catalog,
                                                                 .logs = options.logs});
  gate_ = std::make_shared<ShareGate>(share_directory_.get(), shares_.get(), options.timers);
  share_directory_->Start(shares_.get(), share_admin_.get(), options.timers, &executor_);
  writer_->Start();
  keeper_->Start(shards_->shards());
  options.catalog->AddListener([this](const TopicChange&) {
    shards_->NoteTopicsChanged();
    share_directory_->NoteTopicsChanged();
  });
  return absl::OkStatus();
}

void Groups::MakeShares(const Options& options, int32_t partitions) {
  share_directory_ = std::make_unique<ShareGroups>(&topics_, partitions);
  breaker_ = std::make_unique<ShareBreaker>(share_directory_.get(), options.clock,
                                            [this](const std::string& group, int64_t incarnation) {
                                              PauseByBreaker(group, incarnation);
                                            });
  share_directory_->AddListener([this](const std::string& group) {
    if (share_directory_->FindGroup(group) == nullptr) breaker_->Forget(group);
  });
  workers_ = std::make_unique<WorkerSessions>(options.timers, options.clock);
  for (int32_t i = 0; i < partitions; ++i) {
    share_events_.push_back(std::make_unique<ShareEvents>(PartitionIndex{i}, share_directory_.get(),
                                                          breaker_.get(), workers_.get()));
  }
  shares_ = std::make_unique<ShareShards>(
      ShareShards::Options{.partitions = partitions,
                           .epoch = options.leader_epoch,
                           .settings = share_directory_.get(),
                           .listener =
                               [this](PartitionIndex partition) {
                                 return share_events_[static_cast<size_t>(partition.value())].get();
                               },
                           .random = options.random});
  workers_->UseShards(shares_.get());
  letter_shards_ = std::make_unique<LetterShards>(shares_.get());
  writer_ = std::make_unique<DeadLetterWriter>(
      DeadLetterWriter::Options{.machines = letter_shards_.get(),
                                .directory = share_directory_.get(),
                                .partitions = options.partitions,
                                .catalog = options.catalog,
                                .disk = options.disk,
                                .memory = options.memory,
                                .clock = options.clock});
  for (const std::unique_ptr<ShareEvents>& events : share_events_) events->UseWriter(writer_.get());
  // What a machine told of before its group was known has no turn yet.
  share_directory_->AddListener([this](const std::string& group) {
    const std::shared_ptr<const ShareGroup> found = share_directory_->FindGroup(group);
    if (found == nullptr) return;
    for (const ShareSource& source : found->sources)
      writer_->OnDying({.group = group, .partition = source.partition});
  });
}

absl::Status Groups::LoadShards(const Options& options, const TopicPtr& topic) {
  WEIR_ASSIGN_OR_RETURN(
      std::unique_ptr<GroupShards> shards,
      GroupShards::Open(
          {.topic = topic,
           .logs = options.logs,
           .store = &keeper_->store(),
           .topics = &topics_,
           .executor = &executor_,
           .timers = options.timers,
           .clock = options.clock,
           .listener = [this](PartitionIndex partition) { return sessions_->listener(partition); },
           .share_heads = share_directory_->heads(),
           .whole =
               [this](PartitionIndex partition, GroupMachine* machine) {
                 machines_.push_back(std::make_unique<CombinedMachine>(
                     machine, kFirstShareRecordKind, shares_->machine(partition)));
                 return machines_.back().get();
               }}));
  shares_->UseShards(shards->shards());
  absl::Status loaded = shards->Load();
  // Machines publish what they have on their strands, before they are asked anything.
  for (size_t i = 0; i < shards->size() && loaded.ok(); ++i) {
    loaded = shards->TellAndWait(PartitionIndex{static_cast<int32_t>(i)},
                                 [](GroupMachine&, const MachineTime&, Done done) {
                                   return Decision{.answer = std::move(done)};
                                 });
  }
  if (!loaded.ok()) {
    shards->Stop();
    return loaded;
  }
  shards_ = std::move(shards);
  return absl::OkStatus();
}

void Groups::PauseByBreaker(const std::string& group, int64_t incarnation) {
  spdlog::warn(
      "share group {} is paused: too many of its jobs die of their attempts; mend what "
      "they need and resume it",
      group);
  // If it fails, the next deaths lead here again.
  shards_->Tell(
      shards_->PartitionOf(group),
      [group, incarnation](GroupMachine& machine, const MachineTime&, Done done) {
        return machine.admin().PauseByBreaker(group, incarnation, std::move(done));
      },
      [](const absl::Status&) {});
}

Groups::~Groups() {
  if (!stopped_) Stop();
}

void Groups::Stop() {
  stopped_ = true;
  if (shards_ == nullptr) return;
  share_directory_->Stop();
  writer_->Stop();
  gate_->Stop();
  absl::Notification idle;
  keeper_->Stop([&idle] { idle.Notify(); });
  idle.WaitForNotification();
  shards_->Stop();
  if (const absl::Status flushed = keeper_->FlushStore(); !flushed.ok()) {
    spdlog::warn("the state store could not be flushed, the next start replays more: {}",
                 std::string(flushed.message()));
  }
}

}  // namespace weir
