// Level1Log: a LogManager set up as the one that wrote tests/golden/level_1, on any file system,
// start after start. Nothing runs by itself. One thread.
#ifndef WEIR_TESTS_GOLDEN_LEVEL_1_LOG_H_
#define WEIR_TESTS_GOLDEN_LEVEL_1_LOG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/log/log_manager.h"
#include "tests/golden/level_1.h"
#include "tests/support/inline_executor.h"

namespace weir {

class Level1Log : public LogListener {
 public:
  // Both outlive this. `data`: the data directory.
  Level1Log(FileSystem* file_system, Clock* clock, std::string data)
      : file_system_(file_system), clock_(clock), data_(std::move(data)) {}

  struct Topics {
    std::vector<TopicId> live;
    std::vector<TopicId> deleted;
  };
  absl::StatusOr<RecoveryReport> Start(LeaderEpoch epoch, const Topics& topics);
  absl::Status Stop();

  LogManager& manager() { return *manager_; }
  // What cannot be opened ends the program.
  std::shared_ptr<PartitionLog> Log(const TopicPartition& id);

  // Sends batches (their Sent() bytes) in one request, which makes a round of its own.
  absl::StatusOr<std::vector<AppendResult>> Append(const std::vector<level_1::Batch>& batches);
  // Every record from the log start to the high watermark, or why it cannot be read.
  absl::StatusOr<std::vector<OwnedRecord>> Records(const TopicPartition& id);
  // Lets what waits run until nothing is left.
  void Run();

  // LogListener.
  void OnHighWatermark(const PartitionLog&) override {}
  void OnRound(const RoundStats&) override {}
  void OnCheckpoint(const CheckpointStats&) override {}
  void OnFenced(const absl::Status&) override {}

 private:
  FileSystem* const file_system_;
  Clock* const clock_;
  const std::string data_;
  InlineExecutor posted_;
  std::unique_ptr<LogManager> manager_;
};

}  // namespace weir

#endif  // WEIR_TESTS_GOLDEN_LEVEL_1_LOG_H_
