// DeadLetterLog: the dead letters of one group, read back from its dead-letter topic, a piece at a
// time, with what has become of each. It passes over what others have there: letters of other
// groups with the same topic, records that are none, and batches that cannot be read. Any thread
// that may wait for the disk and for the machines, not a strand.
#ifndef WEIR_BROKER_SHARE_DEAD_LETTER_LOG_H_
#define WEIR_BROKER_SHARE_DEAD_LETTER_LOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition_manager.h"
#include "broker/share/dead_letter_view.h"
#include "broker/share/delivery_state.h"
#include "broker/share/letter_machines.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"
#include "storage/record/record_reader.h"

namespace weir {

// Which letters; what is not set does not narrow.
struct LetterFilter {
  std::optional<DeathReason> reason;
  std::optional<std::string> key;
  std::optional<int64_t> from_ms;   // died at or after
  std::optional<int64_t> until_ms;  // died before

  bool Matches(const DeadLetterView& letter) const;
};

// Where in the dead-letter topic to read on.
struct LetterPosition {
  PartitionIndex partition;
  Offset offset;

  bool operator==(const LetterPosition&) const = default;
};

class DeadLetterLog {
 public:
  // All outlive the log.
  struct Options {
    std::string group;
    TopicPtr topic;  // the dead-letter topic
    PartitionManager* partitions = nullptr;
    LetterMachines* machines = nullptr;
    MemoryShare* memory = nullptr;  // for what is read
  };
  struct Letter {
    DeadLetterView view;
    bool marked = false;  // driven or purged
  };
  // Letters that borrow from what was read with them.
  struct Piece {
    SharePartitionId id;          // of the partition of the dead-letter topic in which all are
    std::vector<Letter> letters;  // that match, in order
    int64_t looked_at = 0;        // of the group's letters, with those that do not match
    int64_t bytes = 0;            // that were read
    std::optional<LetterPosition> next;  // nothing: this was the end

    BatchSpan batches;
    std::vector<RecordReader> readers;
    Reservation memory;
  };

  explicit DeadLetterLog(Options options) : options_(std::move(options)) {}

  // What is there from `from` on, of at most `most` of the group's letters. May be empty although
  // there is a next. UNKNOWN_TOPIC, PARTITION_DAMAGED, OVER_MEMORY_BUDGET, UNKNOWN_GROUP, or what
  // else disk and machine say.
  absl::StatusOr<Piece> Read(LetterPosition from, const LetterFilter& filter, int64_t most) const;

 private:
  // The first position at or behind `from` where there is something.
  absl::StatusOr<std::optional<LetterPosition>> Settle(LetterPosition from) const;
  absl::Status ReadBatches(LetterPosition from, Piece* piece) const;
  // Finds the letters in one batch; false when there are as many as may be.
  bool AddLetters(absl::string_view batch, LetterPosition from, const LetterFilter& filter,
                  int64_t most, Piece* piece) const;
  absl::Status FindMarked(Piece* piece) const;

  const Options options_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DEAD_LETTER_LOG_H_
