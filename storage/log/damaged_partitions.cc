#include "storage/log/damaged_partitions.h"

#include <utility>

#include "storage/log/file_names.h"

namespace weir {

DamagedPartitions::DamagedPartitions(FileSystem* file_system, LogListener* listener, Map recovered)
    : file_system_(file_system), listener_(listener), damaged_(std::move(recovered)) {}

std::string DamagedPartitions::Find(const TopicPartition& id) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = damaged_.find(id);
  return found == damaged_.end() ? "" : found->second;
}

void DamagedPartitions::Add(const TopicPartition& id, const std::string& file,
                            absl::string_view what) {
  {
    absl::MutexLock lock(&mu_);
    if (!damaged_.try_emplace(id, what).second) return;
  }
  // The link is for people: without it the file still stays as long as the partition takes nothing.
  if (!file.empty() && file_system_ != nullptr)
    file_system_->Link(file, DamagedName(file)).IgnoreError();
  listener_->OnDamaged(id, what);
}

void DamagedPartitions::Forget(const TopicId& topic) {
  absl::MutexLock lock(&mu_);
  absl::erase_if(damaged_, [&](const auto& entry) { return entry.first.topic == topic; });
}

int64_t DamagedPartitions::count() const {
  absl::ReaderMutexLock lock(&mu_);
  return static_cast<int64_t>(damaged_.size());
}

}  // namespace weir
