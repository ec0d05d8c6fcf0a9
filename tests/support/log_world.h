// LogWorld: a LogManager on the simulated disk with a producer whose every record is known, so that
// what a crash leaves can be held against what was promised. Record i of a partition always has
// offset i and a value made from both, so the content that any correct log must show is known
// without keeping it. One thread.
#ifndef WEIR_TESTS_SUPPORT_LOG_WORLD_H_
#define WEIR_TESTS_SUPPORT_LOG_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/executor.h"
#include "storage/log/log_manager.h"
#include "tests/support/inline_executor.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"

namespace weir {

// What the outside world knows: what was sent, and what was promised about it. A value; copy it at
// the moment of a crash.
struct Ledger {
  struct Batch {
    int64_t first = 0;  // record number
    int32_t count = 0;
  };
  struct Partition {
    int64_t sent = 0;         // records, as whole batches
    int64_t durable = 0;      // of them, acknowledged as durable
    int64_t written = 0;      // acknowledged as written (at least durable)
    int64_t seen = 0;         // high watermark that a reader has seen
    int64_t start_asked = 0;  // the highest log start that anybody asked for,
    int64_t start_acked = 0;  // and that was answered
    int64_t start_alone = 0;  // asked for, but not with an atomic append
    std::vector<Batch> batches;
  };
  // Requests that are all or nothing: which batch of which partition belong together.
  using Together = std::vector<std::pair<TopicPartition, Batch>>;

  // Atomic appends: the same, also for who looks; a log start may belong to them.
  struct Atomic {
    Together batches;
    struct Start {
      TopicPartition id;
      int64_t from = 0;  // where the log started when it was sent,
      int64_t to = 0;    // and where it shall
    };
    std::optional<Start> start;
  };

  std::map<TopicPartition, Partition> partitions;
  std::vector<Together> together;
  std::vector<Atomic> atomic;
  std::vector<TopicId> live_topics;
  std::vector<TopicId> deleted_topics;
};

struct LogWorldOptions {
  int64_t journal_file_bytes = 64 * 1024;
  int journal_files = 4;
  int64_t segment_bytes = 3000;
  size_t dirty_logs = 1000;
  int value_bytes = 40;
  LeaderEpoch epoch{1};
};

class LogWorld : public LogListener {
 public:
  LogWorld(std::unique_ptr<SimFileSystem> disk, Ledger ledger, LogWorldOptions options = {});
  ~LogWorld() override;

  SimFileSystem& disk() { return *disk_; }
  SimClock& clock() { return clock_; }
  const Ledger& ledger() const { return ledger_; }
  LogManager& log() { return *log_; }
  const RecoveryReport& report() const { return report_; }
  const absl::Status& fenced() const { return fenced_; }
  // What was told of damage beside the report.
  const std::vector<std::pair<TopicPartition, std::string>>& damaged() const { return damaged_; }
  const LogConfig& config() const { return config_; }
  LogConfig& config() { return config_; }

  static TopicId Topic(int number);
  static std::string Value(const TopicPartition& id, int64_t record, int bytes);

  // Recovers the disk and starts. The first start makes the data directory.
  absl::Status Open();
  absl::Status Close();
  // The power goes: the process is gone, `disk` is what it left.
  static std::unique_ptr<LogWorld> Restart(std::unique_ptr<SimFileSystem> disk,
                                           const LogWorld& before);

  void CreateTopic(TopicId topic);
  // Marks it deleted (as the metadata store would, durably), then removes it. The mark goes when
  // the log has forgotten the topic.
  absl::Status DeleteTopic(TopicId topic);

  // Sends the partition's next `count` records as one batch; the answer comes with Pump().
  void Send(const TopicPartition& id, int32_t count, Durability durability = Durability::kDurable);
  // The same to several partitions, all or nothing.
  void SendTogether(const std::vector<TopicPartition>& ids, int32_t count);
  // The same in an atomic append; with `start` the log start of that partition moves to it.
  void SendAtomic(const std::vector<TopicPartition>& ids, int32_t count,
                  const std::optional<std::pair<TopicPartition, Offset>>& start = std::nullopt);
  // Sends a batch that was sent before once more.
  void SendAgain(const TopicPartition& id, const Ledger::Batch& batch);
  void DeleteRecords(const TopicPartition& id, Offset before);
  // Lets the committer and everything it posted run until nothing is left.
  void Pump();
  // A checkpoint. The disk's observer may send more and run the committer meanwhile.
  void Checkpoint();
  bool in_checkpoint() const { return in_checkpoint_; }
  // A reader looks at the high watermark and remembers it.
  void Look(const TopicPartition& id);

  absl::StatusOr<std::shared_ptr<PartitionLog>> GetLog(const TopicPartition& id);
  // Everything from log start to high watermark, decoded and checked against Value(). Empty when
  // all is as it must be, otherwise what is wrong.
  std::string CheckContent(const TopicPartition& id);
  // Every atomic append can be seen as a whole or not at all, now.
  std::string CheckAtomic();
  // All promises, after a crash with or without power loss.
  std::string CheckPromises(bool power_lost);
  // Sends what was not acknowledged again and checks that everything is there exactly once.
  std::string CheckResend();

  // The outcome of the last answered request.
  const absl::StatusOr<std::vector<AppendResult>>& last_answer() const { return last_answer_; }
  int64_t answers() const { return answers_; }

  // LogListener.
  void OnHighWatermark(const PartitionLog&) override {}
  void OnRound(const RoundStats&) override { ++rounds_; }
  void OnCheckpoint(const CheckpointStats&) override {}
  void OnFenced(const absl::Status& reason) override { fenced_ = reason; }
  void OnDamaged(const TopicPartition& id, absl::string_view what) override {
    damaged_.emplace_back(id, what);
  }

 private:
  BatchAppend MakeBatch(const TopicPartition& id, const Ledger::Batch& batch);
  // The next `count` records of each.
  Ledger::Together Next(const std::vector<TopicPartition>& ids, int32_t count);
  void Submit(const Ledger::Together& batches, Durability durability);
  // A request for them; nothing when the disk fails.
  std::optional<AppendRequest> Request(const Ledger::Together& batches, Durability durability);
  // The segment that holds the offset, if there is one, does not begin with a batch.
  bool RecordsAreGone(const TopicPartition& id, Offset at);
  // Is the log start where the atomic append, which shows or does not show, allows it to be?
  std::string CheckAtomicStart(const Ledger::Atomic& append, bool shows);

  std::unique_ptr<SimFileSystem> disk_;
  Ledger ledger_;
  const LogWorldOptions options_;
  SimClock clock_;
  LogConfig config_;
  // Answers go out at the earliest moment at which a broker could give them.
  class EagerExecutor : public Executor {
   public:
    void Post(absl::AnyInvocable<void()> task) override { task(); }
  };
  EagerExecutor completions_;
  bool in_checkpoint_ = false;
  InlineExecutor background_;
  RecoveryReport report_;
  absl::Status fenced_;
  std::vector<std::pair<TopicPartition, std::string>> damaged_;
  int64_t rounds_ = 0;
  int64_t answers_ = 0;
  absl::StatusOr<std::vector<AppendResult>> last_answer_;
  std::unique_ptr<LogManager> log_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_LOG_WORLD_H_
