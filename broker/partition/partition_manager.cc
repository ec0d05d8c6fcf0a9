#include "broker/partition/partition_manager.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

absl::Duration Age(int64_t ms) {
  return ms == TopicConfig::kUnlimited ? absl::InfiniteDuration() : absl::Milliseconds(ms);
}

}  // namespace

LogConfig LogConfigOf(const TopicConfig& config) {
  return {.segment_bytes = config.segment_bytes,
          .segment_age = Age(config.segment_ms),
          .retention_age = Age(config.retention_ms),
          .retention_bytes = config.retention_bytes};
}

PartitionManager::PartitionManager(TopicCatalog* catalog, LogManager* logs, Waiters* waiters,
                                   Executor* disk)
    : catalog_(catalog), logs_(logs), waiters_(waiters), disk_(disk) {
  catalog_->AddListener([this](const TopicChange& change) { OnTopicChange(change); });
}

absl::StatusOr<PartitionManager::Found> PartitionManager::Find(absl::string_view topic,
                                                               PartitionIndex partition) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr found, catalog_->Require(topic));
  return Find(found, partition);
}

absl::StatusOr<PartitionManager::Found> PartitionManager::Find(const TopicPtr& topic,
                                                               PartitionIndex partition) {
  if (!topic->Has(partition)) {
    return MakeError(Reason::kUnknownPartition,
                     absl::StrCat("topic '", topic->name, "' has no partition ", partition.value(),
                                  "; it has partitions 0 to ", topic->partitions - 1));
  }
  const TopicPartition id{.topic = topic->id, .partition = partition};
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = partitions_.find(id);
    if (found != partitions_.end()) return Found{.topic = topic, .partition = found->second};
  }
  absl::MutexLock lock(&mu_);
  // A change is visible in the catalogue before OnTopicChange takes the lock: it finds what is
  // added here.
  const TopicPtr now = catalog_->Find(topic->id);
  if (now == nullptr)
    return MakeError(Reason::kUnknownTopic,
                     absl::StrCat("topic '", topic->name, "' has been deleted"));
  std::shared_ptr<Partition>& place = partitions_[id];
  if (place == nullptr)
    place = std::make_shared<Partition>(id, logs_, disk_, LogConfigOf(now->config));
  return Found{.topic = topic, .partition = place};
}

std::vector<std::shared_ptr<Partition>> PartitionManager::PartitionsOf(const Topic& topic) const {
  std::vector<std::shared_ptr<Partition>> partitions;
  absl::ReaderMutexLock lock(&mu_);
  for (int32_t i = 0; i < topic.partitions; ++i) {
    const auto found =
        partitions_.find(TopicPartition{.topic = topic.id, .partition = PartitionIndex{i}});
    if (found != partitions_.end()) partitions.push_back(found->second);
  }
  return partitions;
}

void PartitionManager::OnTopicChange(const TopicChange& change) {
  switch (change.kind) {
    case TopicChange::Kind::kCreated:
      return;
    case TopicChange::Kind::kChanged:
      for (const auto& partition : PartitionsOf(*change.topic))
        partition->SetConfig(LogConfigOf(change.topic->config));
      return;
    case TopicChange::Kind::kDeleted:
      for (const auto& partition : PartitionsOf(*change.topic)) {
        {
          absl::MutexLock lock(&mu_);
          partitions_.erase(partition->id());
        }
        partition->SetDeleted();
        waiters_->WakeAll(partition->id());
      }
      return;
  }
}

absl::Status PartitionManager::DeleteTopic(absl::string_view name) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, catalog_->Delete(name));
  return logs_->DeleteTopic(topic->id, [catalog = catalog_, disk = disk_, id = topic->id] {
    // A mark that cannot be dropped now is dropped by the next start.
    disk->Post([catalog, id] { catalog->FinishDeletion(id).IgnoreError(); });
  });
}

absl::Status PartitionManager::FinishDeletions() {
  for (const TopicId id : catalog_->DeletedIds())
    WEIR_RETURN_IF_ERROR(catalog_->FinishDeletion(id));
  return absl::OkStatus();
}

}  // namespace weir
