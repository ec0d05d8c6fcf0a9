// ReadOnlyLogManager: the log of a start that found no room on the disk to finish the recovery.
// What the segments hold can be read; whatever changes something is refused with the reason, and
// nothing is written to the journal, the recovery point or a segment: they are what the next start
// needs. It never becomes writable. Any thread.
#ifndef WEIR_STORAGE_LOG_READ_ONLY_LOG_MANAGER_H_
#define WEIR_STORAGE_LOG_READ_ONLY_LOG_MANAGER_H_

#include <memory>

#include "storage/log/log_manager.h"
#include "storage/log/open_logs.h"

namespace weir {

class ReadOnlyLogManager : public LogManager {
 public:
  // `reason`: RecoveryReport::read_only.
  ReadOnlyLogManager(const LogManagerOptions& options, RecoveredLog recovered, absl::Status reason);

  absl::StatusOr<std::shared_ptr<PartitionLog>> GetLog(TopicPartition id,
                                                       const LogConfig& config) override {
    return logs_.Get(id, config);
  }
  absl::StatusOr<LogBounds> Bounds(const TopicPartition& id) override { return logs_.Bounds(id); }
  std::shared_ptr<PartitionLog> FindOpenLog(const TopicPartition& id) override {
    return logs_.Find(id);
  }
  void Append(AppendRequest request) override { Refuse(std::move(request.done)); }
  absl::Status CheckAtomicAppend(absl::Span<const BatchAppend>,
                                 absl::Span<const LogStartMove>) override {
    return reason_;
  }
  void DeleteRecords(std::shared_ptr<PartitionLog>, Offset,
                     absl::AnyInvocable<void(absl::StatusOr<Offset>)> done) override {
    Refuse(std::move(done));
  }
  void Truncate(std::shared_ptr<PartitionLog>, Offset,
                absl::AnyInvocable<void(absl::Status)> done) override {
    Refuse(std::move(done));
  }
  absl::StatusOr<Offset> RetentionStart(TopicPartition, const LogConfig&) override {
    return reason_;
  }
  absl::Status DeleteTopic(TopicId, absl::AnyInvocable<void()>) override { return reason_; }
  void RefuseAppends(absl::Status) override {}
  absl::Status health() const override { return absl::OkStatus(); }
  int64_t damaged_partitions() const override { return logs_.damaged().count(); }
  int64_t journal_bytes() const override { return 0; }
  absl::Status Close() override { return absl::OkStatus(); }
  bool RunCommitter() override { return false; }
  absl::Status RunCheckpoint() override { return absl::OkStatus(); }

 private:
  template <typename Done>
  void Refuse(Done done) {
    completions_->Post([done = std::move(done), reason = reason_]() mutable { done(reason); });
  }

  OpenLogs logs_;
  Executor* const completions_;
  const absl::Status reason_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_READ_ONLY_LOG_MANAGER_H_
