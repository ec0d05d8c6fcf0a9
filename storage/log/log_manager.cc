#include "storage/log/log_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/checkpointer.h"
#include "storage/log/committer.h"
#include "storage/log/file_names.h"
#include "storage/log/journal.h"
#include "storage/log/log_starts.h"
#include "storage/log/open_logs.h"
#include "storage/log/read_only_log_manager.h"
#include "storage/log/recovery.h"
#include "storage/log/segment.h"

namespace weir {
namespace {

class LogManagerImpl : public LogManager {
 public:
  // `journal` was begun, and the recovery point replaced.
  LogManagerImpl(LogManagerOptions options, RecoveredLog recovered,
                 std::unique_ptr<Journal> journal);
  ~LogManagerImpl() override;

  absl::StatusOr<std::shared_ptr<PartitionLog>> GetLog(TopicPartition id,
                                                       const LogConfig& config) override {
    return logs_.Get(id, config);
  }
  absl::StatusOr<LogBounds> Bounds(const TopicPartition& id) override { return logs_.Bounds(id); }
  std::shared_ptr<PartitionLog> FindOpenLog(const TopicPartition& id) override {
    return logs_.Find(id);
  }
  void Append(AppendRequest request) override { committer_->Append(std::move(request)); }
  absl::Status CheckAtomicAppend(absl::Span<const BatchAppend> batches,
                                 absl::Span<const LogStartMove> log_starts) override {
    return committer_->CheckAtomicAppend(batches, log_starts);
  }
  void DeleteRecords(std::shared_ptr<PartitionLog> log, Offset before,
                     absl::AnyInvocable<void(absl::StatusOr<Offset>)> done) override;
  void Truncate(std::shared_ptr<PartitionLog> log, Offset to,
                absl::AnyInvocable<void(absl::Status)> done) override;
  absl::StatusOr<Offset> RetentionStart(TopicPartition id, const LogConfig& config) override;
  absl::Status DeleteTopic(TopicId topic, absl::AnyInvocable<void()> forgotten) override;
  void RefuseAppends(absl::Status reason) override { committer_->RefuseAppends(std::move(reason)); }
  absl::Status health() const override { return fence_.status(); }
  int64_t damaged_partitions() const override { return logs_.damaged().count(); }
  int64_t journal_bytes() const override { return journal_->disk_bytes(); }
  absl::Status Close() override;
  bool RunCommitter() override;
  absl::Status RunCheckpoint() override;

 private:
  void RemoveSegments(std::vector<std::shared_ptr<Segment>> gone);
  // Runs `control` on the committer's thread and waits for it.
  void RunAndWait(Committer::Control control);

  const LogManagerOptions options_;
  OpenLogs logs_;
  Fence fence_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<LogStarts> log_starts_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Checkpointer> checkpointer_;
  // Without threads only.
  bool checkpoint_wanted_ = false;
  bool in_checkpoint_ = false;  // rounds may run between its operations, but no second checkpoint
};

LogManagerImpl::LogManagerImpl(LogManagerOptions options, RecoveredLog recovered,
                               std::unique_ptr<Journal> journal)
    : options_(std::move(options)),
      logs_(options_.file_system, options_.listener, options_.directory, options_.open_files,
            &recovered),
      fence_([this](const absl::Status& reason) { options_.listener->OnFenced(reason); }),
      journal_(std::move(journal)) {
  const int64_t largest_round =
      options_.journal_file_bytes - limits::kJournalBlock - limits::kRoundOverhead;
  committer_ = std::make_unique<Committer>(CommitterOptions{
      .clock = options_.clock,
      .journal = journal_.get(),
      .fence = &fence_,
      .completions = options_.completions,
      .background = options_.threads ? options_.background : nullptr,
      .listener = options_.listener,
      .leader_epoch = options_.leader_epoch,
      .next_round = recovered.next_round,
      .round_bytes = std::min(limits::kRoundBytes,
                              std::max<int64_t>(largest_round, options_.journal_file_bytes / 2)),
      .producer_expiration_ms = options_.producer_expiration_ms,
      .want_checkpoint =
          [this](bool) {
            if (options_.threads) {
              checkpointer_->Request();
            } else {
              checkpoint_wanted_ = true;
            }
          },
      .remove_segments =
          [this](std::vector<std::shared_ptr<Segment>> gone) { RemoveSegments(std::move(gone)); },
      .dirty_logs = options_.dirty_segments});
  log_starts_ = std::make_unique<LogStarts>(
      committer_.get(), options_.completions,
      [this](std::vector<std::shared_ptr<Segment>> gone) { RemoveSegments(std::move(gone)); });
  checkpointer_ =
      std::make_unique<Checkpointer>(CheckpointerOptions{.file_system = options_.file_system,
                                                         .clock = options_.clock,
                                                         .data_directory = options_.directory,
                                                         .journal = journal_.get(),
                                                         .fence = &fence_,
                                                         .committer = committer_.get(),
                                                         .completions = options_.completions,
                                                         .listener = options_.listener,
                                                         .committer_has_thread = options_.threads},
                                     std::move(recovered.point));
  if (options_.threads) {
    committer_->Start();
    checkpointer_->Start();
  }
}

LogManagerImpl::~LogManagerImpl() {
  checkpointer_->Stop();
  committer_->Stop();
}

void LogManagerImpl::RemoveSegments(std::vector<std::shared_ptr<Segment>> gone) {
  if (gone.empty()) return;
  // A file that cannot be removed now lies below the log start: the next start removes it.
  options_.background->Post([gone = std::move(gone)] {
    for (const auto& segment : gone) segment->Remove().IgnoreError();
  });
}

void LogManagerImpl::DeleteRecords(std::shared_ptr<PartitionLog> log, Offset before,
                                   absl::AnyInvocable<void(absl::StatusOr<Offset>)> done) {
  log_starts_->Add(std::move(log), before, std::move(done));
}

void LogManagerImpl::Truncate(std::shared_ptr<PartitionLog> log, Offset to,
                              absl::AnyInvocable<void(absl::Status)> done) {
  committer_->Run([this, log = std::move(log), to,
                   done = std::move(done)](Committer& committer) mutable {
    const auto answer = [&](absl::Status result) {
      options_.completions->Post([done = std::move(done), result]() mutable { done(result); });
      return true;
    };
    const absl::StatusOr<LogWriter::Cut> plan = log->writer().PlanTruncate(to);
    if (!plan.ok()) return answer(plan.status());
    const ControlEntry entry{.kind = EntryKind::kTruncate,
                             .partition = log->id(),
                             .segment_base = plan->segment_base,
                             .position = plan->position,
                             .offset = plan->end};
    const absl::StatusOr<bool> committed = committer.CommitControls(absl::MakeConstSpan(&entry, 1));
    if (!committed.ok()) return answer(committed.status());
    if (!*committed) return false;
    if (const absl::Status cut = log->writer().ApplyTruncate(*plan); !cut.ok()) {
      fence_.Trip(cut);
      return answer(cut);
    }
    committer.NoteChanged(log);
    return answer(absl::OkStatus());
  });
}

absl::StatusOr<Offset> LogManagerImpl::RetentionStart(TopicPartition id, const LogConfig& config) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, GetLog(id, config));
  return log->RetentionStart(config, options_.clock->NowMs());
}

void LogManagerImpl::RunAndWait(Committer::Control control) {
  if (!options_.threads) {
    while (!control(*committer_)) WEIR_CHECK(RunCheckpoint().ok());
    return;
  }
  absl::Notification done;
  committer_->Run([&](Committer& committer) {
    if (!control(committer)) return false;
    done.Notify();
    return true;
  });
  done.WaitForNotification();
}

absl::Status LogManagerImpl::DeleteTopic(TopicId topic, absl::AnyInvocable<void()> forgotten) {
  const std::vector<std::shared_ptr<PartitionLog>> open = logs_.Forget(topic);
  RoundNumber last;
  RunAndWait([&](Committer& committer) {
    for (const auto& log : open) log->writer().SetDeleted();
    last = committer.Forget(topic);
    return true;
  });
  FileSystem& fs = *options_.file_system;
  const absl::Status removed = RemoveTree(fs, TopicDirectory(options_.directory, topic));
  for (const auto& log : open) log->LetGoOfFiles();
  WEIR_RETURN_IF_ERROR(removed);
  WEIR_RETURN_IF_ERROR(fence_.status());
  // Whoever forgets the topic relies on it: files that came back would belong to nobody.
  if (absl::Status synced = fs.SyncDirectory(LogsDirectory(options_.directory)); !synced.ok()) {
    fence_.Trip(synced);
    return synced;
  }
  checkpointer_->Forget(topic, last, [this, topic, forgotten = std::move(forgotten)]() mutable {
    logs_.ForgetDeletion(topic);
    forgotten();
  });
  return absl::OkStatus();
}

absl::Status LogManagerImpl::Close() {
  committer_->CloseQueue();
  if (options_.threads) {
    committer_->Drain();  // the checkpointer still makes room for it
    checkpointer_->Stop();
  } else {
    while (RunCommitter()) {
    }
  }
  const absl::Status saved = checkpointer_->RunOnce(/*clean=*/true);
  committer_->Stop();
  return saved;
}

absl::Status LogManagerImpl::RunCheckpoint() {
  in_checkpoint_ = true;
  absl::Status status = checkpointer_->RunOnce();
  in_checkpoint_ = false;
  return status;
}

bool LogManagerImpl::RunCommitter() {
  const bool worked = committer_->Step();
  if (in_checkpoint_ || !std::exchange(checkpoint_wanted_, false)) return worked;
  const bool checkpointed = !fence_.tripped() && RunCheckpoint().ok();
  return worked || (checkpointed && committer_->Step());
}

// Begins the new journal and makes the recovered state the one to start from. RESOURCE_EXHAUSTED:
// there was no room; the old recovery point and the files of the journal that it names stand.
absl::StatusOr<std::unique_ptr<Journal>> BeginJournal(const LogManagerOptions& options,
                                                      RecoveredLog* recovered) {
  WEIR_RETURN_IF_ERROR(recovered->no_space);
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Journal> journal,
                        Journal::Open({.file_system = options.file_system,
                                       .data_directory = options.directory,
                                       .file_bytes = options.journal_file_bytes,
                                       .max_files = options.journal_files,
                                       .background = options.threads ? options.background : nullptr,
                                       .uuid = recovered->position.journal,
                                       .first_sequence = recovered->next_sequence,
                                       .live_from = recovered->live_from}));
  // From here on the old journal is not needed any more.
  WEIR_RETURN_IF_ERROR(recovered->point.Replace(recovered->position, recovered->states));
  journal->FreeBelow(recovered->next_sequence);
  return journal;
}

absl::Status ReadOnly(const LogManagerOptions& options, const RecoveryReport& report,
                      const absl::Status& cause) {
  const std::string missing =
      report.rounds_not_redone == 0
          ? "every round of the commit journal is in the log"
          : absl::StrCat(report.rounds_not_redone,
                         " rounds of the commit journal are not in the log yet and cannot be read");
  return MakeError(Reason::kDiskLow,
                   absl::StrCat("read-only: the disk has no room to finish the recovery of ",
                                options.directory, " (", cause.message(), "); nothing is lost, ",
                                missing, ". Free space on this disk, then restart the broker."),
                   absl::Milliseconds(limits::kDiskLowRetryMs));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogManager>> LogManager::Open(LogManagerOptions options,
                                                             RecoveryReport* report) {
  Clock* const clock = options.clock;
  const absl::Duration start = clock->Monotonic();
  WEIR_ASSIGN_OR_RETURN(
      RecoveredLog recovered,
      Recover({.file_system = options.file_system,
               .clock = clock,
               .data_directory = options.directory,
               .journal_uuid = options.directory_uuid,
               .leader_epoch = options.leader_epoch,
               .live_topics = {options.live_topics.begin(), options.live_topics.end()},
               .deleted_topics = {options.deleted_topics.begin(), options.deleted_topics.end()}},
              report));
  absl::StatusOr<std::unique_ptr<Journal>> journal = BeginJournal(options, &recovered);
  std::unique_ptr<LogManager> manager;
  if (journal.ok()) {
    manager = std::make_unique<LogManagerImpl>(std::move(options), std::move(recovered),
                                               *std::move(journal));
  } else if (absl::IsResourceExhausted(journal.status()) && !recovered.fresh) {
    if (SeededBug("read-only-start-saves-point"))
      recovered.point.Replace(recovered.position, recovered.states).IgnoreError();
    recovered.no_space = journal.status();
    report->read_only = ReadOnly(options, *report, recovered.no_space);
    manager =
        std::make_unique<ReadOnlyLogManager>(options, std::move(recovered), report->read_only);
  } else {
    return journal.status();
  }
  report->duration = clock->Monotonic() - start;
  return manager;
}

}  // namespace weir
