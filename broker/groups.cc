#include "broker/groups.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/synchronization/notification.h"
#include "broker/partition/partition_manager.h"
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
  WEIR_ASSIGN_OR_RETURN(shards_, GroupShards::Start({.topic = topic,
                                                     .logs = options.logs,
                                                     .store = &keeper_->store(),
                                                     .topics = &topics_,
                                                     .executor = &executor_,
                                                     .timers = options.timers,
                                                     .clock = options.clock,
                                                     .listener = [this](PartitionIndex partition) {
                                                       return sessions_->listener(partition);
                                                     }}));
  keeper_->Start(shards_->shards());
  options.catalog->AddListener(
      [shards = shards_.get()](const TopicChange&) { shards->NoteTopicsChanged(); });
  return absl::OkStatus();
}

Groups::~Groups() {
  if (!stopped_) Stop();
}

void Groups::Stop() {
  stopped_ = true;
  if (shards_ == nullptr) return;
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
