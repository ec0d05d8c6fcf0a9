// LetterWorld: dead letters on their way there and back over a real log on the simulated disk:
// topics in a catalogue, a directory of one share group, and machines that know only which jobs are
// dying and which letters are marked. They answer at once, or when the test lets their strand run.
// One thread.
#ifndef WEIR_TESTS_SUPPORT_LETTER_WORLD_H_
#define WEIR_TESTS_SUPPORT_LETTER_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition_manager.h"
#include "broker/runtime/timer_queue.h"
#include "broker/runtime/waiters.h"
#include "broker/share/dead_letter_writer.h"
#include "broker/share/letter_machines.h"
#include "broker/share/share_directory.h"
#include "broker/topics/topic_catalog.h"
#include "storage/meta/local_metadata_store.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"
#include "tests/support/sim_clock.h"

namespace weir {

// A record as somebody reads it.
struct ReadRecord {
  PartitionIndex partition;
  Offset offset;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;

  // Of the first header with the key; nothing when there is none.
  std::optional<std::string> Header(absl::string_view name) const;
};

class FakeLetterMachines : public LetterMachines {
 public:
  // Appends as a machine's shard does; `strand` null: answers come at once.
  FakeLetterMachines(LogWorld* log, Executor* strand) : log_(log), strand_(strand) {}

  void SetStrand(Executor* strand) { strand_ = strand; }

  void Die(const SharePartitionId& id, DyingJob job) { dying_[id][job.first] = std::move(job); }
  // A late accept.
  void Accept(const SharePartitionId& id, Offset job) { dying_[id].erase(job); }
  // Those that were postponed may be taken again.
  void Due() { taken_.clear(); }
  void ForgetMarks() { marks_.clear(); }

  size_t dying(const SharePartitionId& id) const;
  const std::set<Offset>& marks(const SharePartitionId& id) { return marks_[id]; }
  // Why jobs were postponed, newest last.
  const std::vector<std::pair<std::vector<Offset>, absl::Status>>& postponed() const {
    return postponed_;
  }
  size_t most_taken() const { return most_taken_; }
  int64_t takes() const { return takes_; }
  int64_t writes() const { return writes_; }
  int64_t largest_write() const { return largest_write_; }  // bytes
  // Called once, before the next write or mark is looked at.
  void BeforeNextChange(std::function<void()> what) { before_change_ = std::move(what); }

  void Take(const SharePartitionId& id, size_t limit, Reply<std::vector<DyingJob>> reply) override;
  void Write(DeadLettersRequest request, Reply<int64_t> reply) override;
  void Postpone(const SharePartitionId& id, std::vector<Offset> jobs, const absl::Status& why,
                Done done) override;
  void Mark(MarkRequest request, Reply<std::vector<Offset>> reply) override;
  void Marked(const SharePartitionId& id, std::vector<Offset> offsets,
              Reply<std::vector<Offset>> reply) override;

 private:
  void Answer(absl::AnyInvocable<void()> answer);
  absl::Status Append(std::vector<BatchAppend> batches);
  void Change();

  LogWorld* const log_;
  Executor* strand_;
  std::map<SharePartitionId, std::map<Offset, DyingJob>> dying_;
  std::set<std::pair<SharePartitionId, Offset>> taken_;
  std::map<SharePartitionId, std::set<Offset>> marks_;
  std::vector<std::pair<std::vector<Offset>, absl::Status>> postponed_;
  std::function<void()> before_change_;
  size_t most_taken_ = 0;
  int64_t takes_ = 0;
  int64_t writes_ = 0;
  int64_t largest_write_ = 0;
};

// A directory that knows the share group "email".
class FakeShareDirectory : public ShareDirectory {
 public:
  explicit FakeShareDirectory(TopicCatalog* catalog) : catalog_(catalog) {}

  std::shared_ptr<const ShareGroup> FindGroup(absl::string_view group) const override;
  std::vector<std::shared_ptr<const ShareGroup>> AllGroups() const override;
  void AddListener(Listener) override {}
  void AwaitOpen(absl::string_view) override {}
  absl::StatusOr<ShareTopic> RequireDeadLetterTopic(const std::string& group) override;
  absl::StatusOr<ShareTopic> RequireRedriveTopic(const std::string& group,
                                                 const std::string& topic) override;

  // Every call that makes a topic fails with it.
  void Fail(absl::Status why) { failure_ = std::move(why); }

 private:
  absl::StatusOr<ShareTopic> Require(const std::string& name, int32_t partitions);

  TopicCatalog* const catalog_;
  absl::Status failure_;
};

class LetterWorld {
 public:
  static constexpr char kGroup[] = "email";
  static constexpr char kLetters[] = "dlq.orders.email";

  LetterWorld();
  ~LetterWorld();

  LogWorld& log() { return *log_; }
  SimClock& clock() { return log_->clock(); }
  TopicCatalog& catalog() { return *catalog_; }
  PartitionManager& partitions() { return *partitions_; }
  FakeLetterMachines& machines() { return *machines_; }
  FakeShareDirectory& directory() { return *directory_; }
  DeadLetterWriter& writer() { return *writer_; }
  // One more, not started.
  std::unique_ptr<DeadLetterWriter> NewWriter(LetterMachines* machines);
  MemoryShare& memory() { return memory_; }
  int64_t most_memory() const { return most_memory_; }

  TopicPtr Create(const std::string& name, int32_t partitions = 1, TopicConfigMap config = {});
  SharePartitionId Id(const std::string& topic, int32_t partition = 0) const;

  // Appends one batch, built by the test.
  void Append(const std::string& topic, int32_t partition, std::string batch);
  // One batch of records with these values, keys "k" and the offset in the batch, one header.
  void AppendValues(const std::string& topic, int32_t partition,
                    const std::vector<std::string>& values);
  // Everything that can be read of the topic, by partition.
  std::vector<ReadRecord> Records(const std::string& topic);

  // Runs what was posted, until nothing is left.
  void Run();
  // The writer is told, and does all it can.
  void Tell(const SharePartitionId& id);

 private:
  SimClock timer_clock_;
  TimerQueue timers_{&timer_clock_, TimerQueue::Drive::kManual};
  InlineExecutor wake_;
  InlineExecutor disk_;
  InlineExecutor strand_;
  std::unique_ptr<LogWorld> log_;
  Waiters waiters_{&timers_, &wake_, 100};
  std::unique_ptr<MetadataStore> store_;
  std::unique_ptr<TopicCatalog> catalog_;
  std::unique_ptr<PartitionManager> partitions_;
  MemoryShare memory_;
  int64_t most_memory_ = 0;
  std::unique_ptr<FakeLetterMachines> machines_;
  std::unique_ptr<FakeShareDirectory> directory_;
  std::unique_ptr<DeadLetterWriter> writer_;
  int ids_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_LETTER_WORLD_H_
