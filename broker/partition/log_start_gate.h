// LogStartGate: who has to do with what a log still holds says here whether it may go. Asked before
// a log start moves, by retention or by command.
#ifndef WEIR_BROKER_PARTITION_LOG_START_GATE_H_
#define WEIR_BROKER_PARTITION_LOG_START_GATE_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "storage/base/types.h"

namespace weir {

class LogStartGate {
 public:
  virtual ~LogStartGate() = default;

  // May the log go up to `to`, at most its high watermark? `done` is called once, by any thread: OK
  // when it may, from now on; otherwise why it must stay for now. Then what holds it is brought to
  // an end, so that it may go soon: ask again. Never waits.
  virtual void Clear(const TopicPartition& partition, Offset to,
                     absl::AnyInvocable<void(const absl::Status&)> done) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_LOG_START_GATE_H_
