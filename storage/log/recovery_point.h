// RecoveryPoint: the file that says what is flushed: the state of every partition that holds data,
// and from which journal file and round on the rest must be redone. A sequence of frames: the first
// holds everything, each later one what a checkpoint changed, so that a checkpoint costs what
// changed and not what exists. When the changes outgrow the whole, the file is replaced by one
// frame. Not thread-safe. Byte table in storage/FORMAT.md, "Recovery point".
#ifndef WEIR_STORAGE_LOG_RECOVERY_POINT_H_
#define WEIR_STORAGE_LOG_RECOVERY_POINT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/journal_format.h"

namespace weir {

class RecoveryPoint {
 public:
  using States = absl::flat_hash_map<TopicPartition, std::string>;  // encoded PartitionState

  struct Position {
    JournalUuid journal{};
    RoundNumber
        through;  // rounds up to this one are in the segments, for partitions not saved later
    JournalSequence oldest_live;  // journal files below it are not needed
    bool clean = false;           // written by an orderly stop: the journal holds nothing newer
  };

  // Reads the file. NOT_FOUND when there is none; DATA_LOSS when a frame that was once complete
  // does not verify. A torn last frame is no error: the checkpoint that wrote it had not finished.
  static absl::StatusOr<RecoveryPoint> Load(FileSystem& fs, const std::string& path);
  // Nothing saved yet; Replace() makes the file.
  RecoveryPoint(FileSystem& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}

  const Position& position() const { return position_; }
  const States& states() const { return states_; }

  // Durably adds a frame with what changed (an empty state removes the partition). After a failed
  // write or sync nothing has changed here; after a failed sync the directory must be fenced
  // (`*sync_failed`).
  absl::Status Save(const Position& position,
                    std::vector<std::pair<TopicPartition, std::string>> changed, bool* sync_failed);
  // Durably replaces the file by one frame with everything.
  absl::Status Replace(const Position& position, States states);

 private:
  std::string EncodeFrame(uint64_t number, const Position& position,
                          absl::Span<const std::pair<TopicPartition, std::string>> states) const;
  // One frame as it stands in the file.
  struct Frame {
    uint64_t number = 0;  // from 0
    Position position;
    std::vector<std::pair<TopicPartition, std::string>> states;
    size_t size = 0;
  };
  // The frame at the front of `bytes`; nothing when none verifies there.
  static std::optional<Frame> DecodeFrame(absl::string_view bytes);
  void Take(const Position& position, std::vector<std::pair<TopicPartition, std::string>> changed);

  FileSystem* fs_;
  std::string path_;
  Position position_;
  States states_;
  int64_t states_bytes_ = 0;
  uint64_t frames_ = 0;
  std::unique_ptr<File> file_;  // open for adding frames
  FilePosition end_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_RECOVERY_POINT_H_
