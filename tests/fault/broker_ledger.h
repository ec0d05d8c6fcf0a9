// BrokerLedger: producers that write known records through the public client, and the memory,
// outside the broker, of what was acknowledged to them. Any thread.
#ifndef WEIR_TESTS_FAULT_BROKER_LEDGER_H_
#define WEIR_TESTS_FAULT_BROKER_LEDGER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "weir/client.h"
#include "weir/producer.h"

namespace weir {

class BrokerLedger {
 public:
  using Acknowledged =
      std::map<std::pair<int32_t, int64_t>, std::string>;  // partition and offset -> value

  explicit BrokerLedger(std::string topic) : topic_(std::move(topic)) {}

  // Sends record number `n` of producer `producer`, keyed so that it always goes to the same
  // partition.
  absl::Status Send(Producer& to, int producer, int64_t n);
  int64_t acknowledged_count() const ABSL_LOCKS_EXCLUDED(mu_);
  // What was acknowledged up to now.
  Acknowledged acknowledged() const ABSL_LOCKS_EXCLUDED(mu_);
  // The end of every partition by what was acknowledged up to now.
  std::map<int32_t, int64_t> ends() const ABSL_LOCKS_EXCLUDED(mu_);
  // The first outcome that was an error; OK when none was.
  absl::Status first_error() const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until so many records have been acknowledged (or one has failed).
  void AwaitAcknowledged(int64_t count) const ABSL_LOCKS_EXCLUDED(mu_);

  struct Found {
    int64_t records = 0;
    int64_t removed = 0;  // acknowledged, and below the log start now
  };
  // Reads the whole `topic`, which nobody changes meanwhile, and holds it against `acknowledged`:
  // every one from the log starts on is at its place, no offset is missing, every producer's
  // records are in order and none is there twice. Empty when all is right.
  static std::string Check(const Client& client, const std::string& topic,
                           const Acknowledged& acknowledged, int32_t partitions, Found* found);

 private:
  const std::string topic_;
  mutable absl::Mutex mu_;
  Acknowledged acknowledged_ ABSL_GUARDED_BY(mu_);
  absl::Status first_error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_BROKER_LEDGER_H_
