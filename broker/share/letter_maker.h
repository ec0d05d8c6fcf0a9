// LetterMaker: makes the dead letters of some dying jobs of one share-partition out of their
// records, a portion at a time. It appends nothing. One thread at a time, which waits for the disk.
//
// What becomes of records that are no ordinary ones:
// - An unreadable batch is one letter, with the batch's bytes as its value. A job whose batch turns
//   out to be unreadable only now becomes such a letter too, together with its neighbours there.
// - A record that the log does not have any more leaves a letter without key and value.
// - A record that does not fit the dead-letter topic, compressed neither, has no letter: its job is
//   to be postponed, and goes on when max.message.bytes of that topic is raised, or by command.
#ifndef WEIR_BROKER_SHARE_LETTER_MAKER_H_
#define WEIR_BROKER_SHARE_LETTER_MAKER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/partition/partition_manager.h"
#include "broker/share/batch_packer.h"
#include "broker/share/job_records.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_types.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/types.h"
#include "storage/log/append.h"

namespace weir {

class LetterMaker {
 public:
  struct Options {
    SharePartitionId id;
    std::string topic;                       // its name, where the jobs are
    TopicPtr letters;                        // the dead-letter topic
    PartitionManager* partitions = nullptr;  // outlives the maker
    int64_t now_ms = 0;                      // when the jobs die
  };
  // Letters that belong together, or jobs that have none.
  struct Portion {
    std::vector<Offset> jobs;
    std::vector<BatchAppend> batches;
    absl::Status why;  // not OK: there are no batches, the jobs are to be postponed
  };

  LetterMaker(Options options, JobRecords records, std::vector<DyingJob> jobs);

  // The next of them: of at most limits::kLetterBatchBytes, or one larger letter. Nothing: there
  // are no more.
  std::optional<Portion> Next();

 private:
  struct Letter {
    size_t jobs = 1;  // so many of jobs_ are in it
    PackedRecord record;
    std::vector<std::pair<std::string, std::string>> said;  // what the record's headers borrow
  };

  // Looks at the next job: false when there is none.
  bool Look();
  absl::StatusOr<Letter> Make(const DyingJob& job);
  Letter MakeRaw(const DyingJob& job, absl::string_view batch) const;
  void AddHeaders(const DyingJob& job, Letter* letter) const;
  PartitionIndex PartitionOf(const Letter& letter) const;
  void TakeJobs(size_t count, std::vector<Offset>* to);

  const Options options_;
  JobRecords records_;
  std::vector<DyingJob> jobs_;  // by offset
  size_t at_ = 0;               // of the first that is in no portion
  std::optional<absl::StatusOr<Letter>> next_;
  BatchPacker packer_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_LETTER_MAKER_H_
