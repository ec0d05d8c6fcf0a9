// LetterDriver: sends dead letters of one group back, or purges them: reads them, makes the records
// that go where they are driven, and has the machine append these and mark the letters as one. A
// letter is driven once, however often and by however many that is asked for. Any thread that may
// wait for the disk and for the machines, not a strand.
//
// A driven record is the record that died, key, value, timestamp and headers, with DriveHeaders in
// place of what its letter said. It goes to the group alone (`redrive.<topic>.<group>`, which the
// group reads beside its topics), or to the topic where it was at first, for everyone. Its
// partition there is that of its key; without one, that of the number of the partition it came
// from.
#ifndef WEIR_BROKER_SHARE_LETTER_DRIVER_H_
#define WEIR_BROKER_SHARE_LETTER_DRIVER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/partition/partition_manager.h"
#include "broker/share/batch_packer.h"
#include "broker/share/dead_letter_log.h"
#include "broker/share/letter_machines.h"
#include "broker/share/share_directory.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"

namespace weir {

enum class DriveTo {
  kGroup,    // only the group sees them
  kTopic,    // everyone
  kNowhere,  // purged: only marked
};

struct DriveOrder {
  DriveTo to = DriveTo::kGroup;
  LetterFilter filter;
  bool dry_run = false;                           // only tell what would happen
  int32_t max_drives = limits::kRedrivesDefault;  // those that were driven so often stay
  int64_t most = limits::kLettersPerCall;         // letters that are looked at
  LetterPosition from;
};

struct DriveOutcome {
  int64_t driven = 0;  // or purged, or would be
  int64_t already = 0;
  int64_t too_often = 0;
  std::map<std::string, int64_t> reasons;  // of death, of those that are driven
  // Of those that stay although they are meant: UNREADABLE (a batch is no record), or the error of
  // the topic that cannot take them.
  std::map<std::string, int64_t> stay;
  std::optional<LetterPosition> next;  // there may be more from here on

  void Add(const DriveOutcome& part);
};

class LetterDriver {
 public:
  // All outlive the driver.
  struct Options {
    std::string group;
    const DeadLetterLog* letters = nullptr;
    LetterMachines* machines = nullptr;
    ShareDirectory* directory = nullptr;
    const TopicCatalog* catalog = nullptr;
    PartitionManager* partitions = nullptr;
    const Clock* clock = nullptr;
  };

  explicit LetterDriver(Options options) : options_(std::move(options)) {}

  // An error leaves done what was done before it, one piece after the other, and the letters that
  // were driven marked: to ask again from the same place is right. COMMIT_UNCERTAIN: of one piece
  // it is not known. Errors of DeadLetterLog, ShareDirectory::RequireRedriveTopic and appends.
  absl::StatusOr<DriveOutcome> Drive(const DriveOrder& order);

 private:
  // What is done with some letters, in one step.
  struct Step {
    DriveOutcome outcome;
    std::vector<Offset> marks;
    std::map<TopicId, BatchPacker> packers;
    int64_t bytes = 0;
    size_t letters = 0;  // that it is about, from the first of the piece on
  };

  absl::StatusOr<Step> Plan(const DriveOrder& order, const DeadLetterLog::Piece& piece);
  // Adds one letter to the step. False: the step is full, the letter is for the next one.
  absl::StatusOr<bool> AddLetter(const DriveOrder& order, const DeadLetterView& letter, Step* step);
  // Where the letter is to go. UNKNOWN_TOPIC, or why there cannot be one.
  absl::StatusOr<TopicPtr> TargetOf(const DriveOrder& order, const DeadLetterView& letter);
  // False: somebody else has driven some of the letters meanwhile, and nothing was done.
  absl::StatusOr<bool> Do(const SharePartitionId& id, Step* step);

  const Options options_;
  std::map<std::string, TopicPtr> redrive_topics_;  // that were asked for, by source
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_LETTER_DRIVER_H_
