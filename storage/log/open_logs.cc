#include "storage/log/open_logs.h"

#include <algorithm>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/log/partition_state.h"

namespace weir {

OpenLogs::OpenLogs(FileSystem* file_system, LogListener* listener, std::string data_directory,
                   size_t open_files, RecoveredLog* recovered)
    : data_directory_(std::move(data_directory)),
      files_(file_system, open_files),
      leftovers_(recovered->no_space.ok() ? PartitionLog::Leftovers::kRemove
                                          : PartitionLog::Leftovers::kKeep),
      damaged_(recovered->no_space.ok() ? file_system : nullptr, listener, recovered->damaged),
      states_(std::move(recovered->states)) {}

absl::StatusOr<std::shared_ptr<PartitionLog>> OpenLogs::Get(const TopicPartition& id,
                                                            const LogConfig& config) {
  std::shared_ptr<PartitionLog> log;
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = logs_.find(id);
    if (found != logs_.end()) log = found->second;
  }
  if (log == nullptr) {
    WEIR_ASSIGN_OR_RETURN(log, Open(id));
  }
  log->SetConfig(config);
  return log;
}

std::shared_ptr<PartitionLog> OpenLogs::Find(const TopicPartition& id) {
  absl::ReaderMutexLock lock(&mu_);
  const auto open = logs_.find(id);
  return open == logs_.end() ? nullptr : open->second;
}

absl::StatusOr<LogBounds> OpenLogs::Bounds(const TopicPartition& id) {
  absl::ReaderMutexLock lock(&mu_);
  if (const auto open = logs_.find(id); open != logs_.end()) return open->second->bounds();
  if (deleted_.contains(id.topic))
    return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  PartitionState state;
  if (const auto recovered = states_.find(id); recovered != states_.end()) {
    ByteReader in(recovered->second);
    WEIR_CHECK(state.DecodeEndsFrom(&in));
  }
  return LogBounds{.log_start = state.log_start, .high_watermark = state.log_end};
}

absl::StatusOr<std::shared_ptr<PartitionLog>> OpenLogs::Open(const TopicPartition& id) {
  auto state = std::make_unique<PartitionState>();
  const auto nobody_opens_it = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !opening_.contains(id);
  };
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&nobody_opens_it));
    if (const auto open = logs_.find(id); open != logs_.end()) return open->second;
    if (deleted_.contains(id.topic))
      return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
    if (const auto recovered = states_.find(id); recovered != states_.end()) {
      ByteReader in(recovered->second);
      WEIR_CHECK(state->DecodeFrom(&in));
    }
    opening_.insert(id);
  }
  absl::StatusOr<std::shared_ptr<PartitionLog>> log =
      PartitionLog::Open(&files_, PartitionDirectory(data_directory_, id), id, std::move(state),
                         &damaged_, leftovers_);
  absl::MutexLock lock(&mu_);
  opening_.erase(id);
  if (!log.ok()) return log;
  states_.erase(id);
  logs_.emplace(id, *log);
  return log;
}

std::vector<std::shared_ptr<PartitionLog>> OpenLogs::Forget(const TopicId& topic) {
  std::vector<std::shared_ptr<PartitionLog>> open;
  const auto none_is_opened = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return std::none_of(opening_.begin(), opening_.end(),
                        [&](const TopicPartition& id) { return id.topic == topic; });
  };
  absl::MutexLock lock(&mu_);
  deleted_.insert(topic);
  mu_.Await(absl::Condition(&none_is_opened));
  for (const auto& [id, log] : logs_) {
    if (id.topic == topic) open.push_back(log);
  }
  absl::erase_if(logs_, [&](const auto& entry) { return entry.first.topic == topic; });
  absl::erase_if(states_, [&](const auto& entry) { return entry.first.topic == topic; });
  damaged_.Forget(topic);
  return open;
}

void OpenLogs::ForgetDeletion(const TopicId& topic) {
  absl::MutexLock lock(&mu_);
  deleted_.erase(topic);
}

}  // namespace weir
