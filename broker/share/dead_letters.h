// DeadLetters: jobs that die. The machine decides that a job dies and parks it so (kDying); whoever
// reads the log fetches its record, makes the dead letter (DeadLetterHeaders) and brings it back;
// then letter and death are one append. One strand.
#ifndef WEIR_BROKER_SHARE_DEAD_LETTERS_H_
#define WEIR_BROKER_SHARE_DEAD_LETTERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_requests.h"

namespace weir {

class DeadLetters {
 public:
  explicit DeadLetters(ShareContext* context) : context_(context) {}

  // Up to `limit` jobs whose letters are to be written now. They are given once, and again when
  // they were postponed or the machine was loaded again: every job taken must be written or
  // postponed. UNKNOWN_GROUP, UNKNOWN_PARTITION.
  Decision Take(const MachineTime& now, const SharePartitionId& id, size_t limit,
                Reply<std::vector<DyingJob>> reply);

  // The letters are appended and the jobs dead, or neither. Answers with the number of jobs that
  // died. When one of them is not dying any more (a late accept came first), nothing is appended,
  // the answer is 0, and the others are to be taken again. When the dead-letter topic refuses the
  // letters, the jobs are postponed by the group's backoff, describe says why, and the answer is
  // the refusal.
  Decision Write(const MachineTime& now, DeadLettersRequest request, Reply<int64_t> reply);

  // The letters cannot be made (the log cannot be read, there is no dead-letter topic): the same
  // without trying to append.
  Decision Postpone(const MachineTime& now, const SharePartitionId& id,
                    const std::vector<Offset>& jobs, const absl::Status& why, Done done);

 private:
  absl::StatusOr<DyingJob> Describe(const SharePlace& place, const ParkedJob& job) const;
  // Those of the jobs that are dying.
  absl::StatusOr<std::vector<ParkedJob>> Find(const ShareContext::Known& known,
                                              const std::vector<Offset>& jobs) const;
  // Their letters are durable: their keys are free.
  void OnDead(int64_t number, const std::vector<ParkedJob>& jobs);
  void TellOfDead(int64_t number);
  Decision PostponeDying(const MachineTime& now, const ShareContext::Known& known,
                         const std::vector<ParkedJob>& jobs, const absl::Status& why, Done done);

  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DEAD_LETTERS_H_
