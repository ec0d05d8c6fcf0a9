#include "storage/log/checkpointer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/file_names.h"

namespace weir {

Checkpointer::Checkpointer(CheckpointerOptions options, RecoveryPoint point)
    : options_(std::move(options)), point_(std::move(point)) {}

Checkpointer::~Checkpointer() { WEIR_CHECK(!thread_.joinable()); }

void Checkpointer::Start() {
  thread_ = std::thread([this] { ThreadMain(); });
}

void Checkpointer::Stop() {
  {
    absl::MutexLock lock(&wake_mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::Request() {
  absl::MutexLock lock(&wake_mu_);
  requested_ = true;
}

void Checkpointer::ThreadMain() {
  pthread_setname_np(pthread_self(), "checkpointer");
  const auto wanted = [this]()
                          ABSL_SHARED_LOCKS_REQUIRED(wake_mu_) { return requested_ || stopping_; };
  for (;;) {
    {
      absl::MutexLock lock(&wake_mu_);
      wake_mu_.AwaitWithTimeout(absl::Condition(&wanted),
                                absl::Seconds(limits::kCheckpointIdleSeconds));
      if (stopping_) return;
      requested_ = false;
    }
    const absl::Status status = RunOnce();
    // A full disk: not again at once.
    if (absl::IsResourceExhausted(status)) {
      absl::MutexLock lock(&wake_mu_);
      const auto stopping = [this]() ABSL_SHARED_LOCKS_REQUIRED(wake_mu_) { return stopping_; };
      wake_mu_.AwaitWithTimeout(absl::Condition(&stopping), absl::Seconds(1));
    }
  }
}

CheckpointSample Checkpointer::TakeSample() {
  if (!options_.committer_has_thread) return options_.committer->Sample();
  CheckpointSample sample;
  absl::Notification taken;
  options_.committer->Run([&](Committer& committer) {
    sample = committer.Sample();
    taken.Notify();
    return true;
  });
  taken.WaitForNotification();
  return sample;
}

absl::Status Checkpointer::Flush(const CheckpointSample& sample) {
  FileSystem& fs = *options_.file_system;
  if (sample.files.size() > limits::kSingleSyncSegments) return fs.SyncAll(options_.data_directory);
  for (const Segment::Dirty& dirty : sample.files) WEIR_RETURN_IF_ERROR(dirty.file->Sync());
  std::vector<std::string> directories;
  for (const std::string& partition :
       sample.new_files) {  // a new file may have come with new directories above it
    directories.push_back(partition);
    directories.push_back(ParentPath(partition));
  }
  if (!directories.empty()) directories.push_back(LogsDirectory(options_.data_directory));
  std::sort(directories.begin(), directories.end());
  directories.erase(std::unique(directories.begin(), directories.end()), directories.end());
  for (const std::string& directory : directories) {
    const absl::Status synced = fs.SyncDirectory(directory);
    if (!synced.ok() && !absl::IsNotFound(synced))
      return synced;  // its topic was deleted meanwhile
  }
  return absl::OkStatus();
}

absl::Status Checkpointer::RunOnce(bool clean) {
  absl::MutexLock lock(&mu_);
  WEIR_RETURN_IF_ERROR(options_.fence->status());
  const absl::Duration start = options_.clock->Monotonic();
  CheckpointSample sample = TakeSample();
  // The round that was under way may have failed: then the sample counts what is nowhere on disk.
  WEIR_RETURN_IF_ERROR(options_.fence->status());
  if (sample.states.empty() && sample.files.empty() && unsaved_.empty() &&
      sample.segments.empty() && !clean && deletions_.empty() &&
      sample.oldest_live == point_.position().oldest_live) {
    return absl::OkStatus();
  }
  if (SeededBug("free-journal-early")) options_.journal->FreeBelow(sample.oldest_live);
  if (!SeededBug("skip-checkpoint-flush")) {
    if (absl::Status flushed = Flush(sample); !flushed.ok()) {
      options_.fence->Trip(flushed);
      return flushed;
    }
  }
  if (SeededBug("sample-after-flush")) {
    CheckpointSample late = TakeSample();
    sample.states.insert(sample.states.end(), late.states.begin(), late.states.end());
    sample.through = late.through;
    sample.oldest_live = late.oldest_live;
  }
  for (const auto& segment : sample.segments) segment->SaveIndex();
  // A later state of a partition replaces an unsaved earlier one.
  std::vector<std::pair<TopicPartition, std::string>> changed = unsaved_;
  changed.insert(changed.end(), std::make_move_iterator(sample.states.begin()),
                 std::make_move_iterator(sample.states.end()));
  RecoveryPoint::Position position = point_.position();
  position.through = sample.through;
  position.oldest_live = sample.oldest_live;
  position.clean = clean;
  bool sync_failed = false;
  if (absl::Status saved = point_.Save(position, changed, &sync_failed); !saved.ok()) {
    if (sync_failed || !absl::IsResourceExhausted(saved)) {
      options_.fence->Trip(saved);
    } else {
      unsaved_ = std::move(changed);
    }
    return saved;
  }
  unsaved_.clear();
  options_.journal->FreeBelow(sample.oldest_live);
  options_.committer->NoteRoom();
  TellForgotten(position.through);
  const CheckpointStats stats{.segments_flushed = static_cast<int64_t>(sample.files.size()),
                              .duration = options_.clock->Monotonic() - start};
  options_.completions->Post(
      [listener = options_.listener, stats] { listener->OnCheckpoint(stats); });
  return absl::OkStatus();
}

void Checkpointer::TellForgotten(RoundNumber through) {
  for (Deletion& deletion : deletions_) {
    if (deletion.last <= through) options_.completions->Post(std::move(deletion.forgotten));
  }
  std::erase_if(deletions_, [&](const Deletion& deletion) { return deletion.last <= through; });
}

void Checkpointer::Forget(const TopicId& topic, RoundNumber last,
                          absl::AnyInvocable<void()> forgotten) {
  absl::MutexLock lock(&mu_);
  std::erase_if(unsaved_, [&](const auto& entry) { return entry.first.topic == topic; });
  for (const auto& [id, state] : point_.states()) {
    if (id.topic == topic) unsaved_.emplace_back(id, std::string());
  }
  deletions_.push_back({last, std::move(forgotten)});
}

}  // namespace weir
