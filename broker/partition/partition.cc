#include "broker/partition/partition.h"

#include <utility>

namespace weir {

Partition::Partition(TopicPartition id, LogManager* logs, Executor* disk, const LogConfig& config)
    : id_(id), logs_(logs), disk_(disk), config_(config) {}

Offset Partition::high_watermark() const {
  return open_.load(std::memory_order_acquire) ? log_->high_watermark() : Offset{0};
}

std::shared_ptr<PartitionLog> Partition::log() const {
  return open_.load(std::memory_order_acquire) ? log_ : nullptr;
}

absl::StatusOr<std::shared_ptr<PartitionLog>> Partition::OpenLog() {
  if (auto open = log()) return open;
  LogConfig config;
  {
    absl::MutexLock lock(&mu_);
    config = config_;
  }
  absl::StatusOr<std::shared_ptr<PartitionLog>> opened = logs_->GetLog(id_, config);
  if (!opened.ok()) return opened;
  absl::MutexLock lock(&mu_);
  if (log_ == nullptr) log_ = *std::move(opened);
  log_->SetConfig(config_);  // it may have changed meanwhile
  if (!opening_) open_.store(true, std::memory_order_release);
  return log_;
}

void Partition::WithLog(OnLog ready) {
  if (!open_.load(std::memory_order_acquire)) {
    absl::MutexLock lock(&mu_);
    if (!open_.load(std::memory_order_relaxed)) {
      waiting_.push_back(std::move(ready));
      if (!std::exchange(opening_, true))
        disk_->Post([self = shared_from_this()] { self->OpenForWaiting(); });
      return;
    }
  }
  ready(log_);
}

void Partition::OpenForWaiting() {
  const absl::StatusOr<std::shared_ptr<PartitionLog>> opened = OpenLog();
  for (;;) {
    std::vector<OnLog> waiting;
    {
      absl::MutexLock lock(&mu_);
      if (waiting_.empty()) {
        opening_ = false;
        if (opened.ok()) open_.store(true, std::memory_order_release);
        return;
      }
      waiting.swap(waiting_);
    }
    for (OnLog& ready : waiting) ready(opened);
  }
}

void Partition::SetConfig(const LogConfig& config) {
  absl::MutexLock lock(&mu_);
  config_ = config;
  if (log_ != nullptr) log_->SetConfig(config);
}

}  // namespace weir
