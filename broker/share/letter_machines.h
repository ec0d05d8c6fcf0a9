// LetterMachines: what is asked of the machines of share groups about jobs that die and letters
// that are dead: the door through which those who write, read and drive dead letters reach them.
// Any thread, also a machine's strand; no call waits, every reply comes once, on the strand of the
// machine that has the share-partition, or with why that cannot be asked.
#ifndef WEIR_BROKER_SHARE_LETTER_MACHINES_H_
#define WEIR_BROKER_SHARE_LETTER_MACHINES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "broker/runtime/reply.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

class LetterMachines {
 public:
  virtual ~LetterMachines() = default;

  // As DeadLetters::Take, Write and Postpone.
  virtual void Take(const SharePartitionId& id, size_t limit,
                    Reply<std::vector<DyingJob>> reply) = 0;
  virtual void Write(DeadLettersRequest request, Reply<int64_t> reply) = 0;
  virtual void Postpone(const SharePartitionId& id, std::vector<Offset> jobs,
                        const absl::Status& why, Done done) = 0;

  // As ShareAdmin::Mark and Marked; `id` is that of the dead-letter topic's partition.
  virtual void Mark(MarkRequest request, Reply<std::vector<Offset>> reply) = 0;
  virtual void Marked(const SharePartitionId& id, std::vector<Offset> offsets,
                      Reply<std::vector<Offset>> reply) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_LETTER_MACHINES_H_
