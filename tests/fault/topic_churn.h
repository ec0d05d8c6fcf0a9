// TopicChurn: creates topics, writes to them, changes their configuration and deletes them again,
// one after another, and remembers, outside the broker, what was promised about each. Run by one
// thread; state() and first_error() by any.
#ifndef WEIR_TESTS_FAULT_TOPIC_CHURN_H_
#define WEIR_TESTS_FAULT_TOPIC_CHURN_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "weir/client.h"

namespace weir {

class TopicChurn {
 public:
  // How far it has come: each number says that of the topics below it.
  struct State {
    int64_t create_asked = 0;
    int64_t created = 0;
    int64_t written = 0;  // holds a record that was acknowledged
    int64_t altered = 0;
    int64_t delete_asked = 0;
    int64_t deleted = 0;
  };

  // Goes on until `stop`, or until something fails that must not.
  void Run(const Client& client, const std::atomic<bool>& stop) ABSL_LOCKS_EXCLUDED(mu_);

  State state() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status first_error() const ABSL_LOCKS_EXCLUDED(mu_);

  // Holds what a broker has against what had been answered when its disk was cut off (`before`)
  // and what may have been asked by then (`after`). Empty when all is right.
  static std::string Check(const Client& client, const State& before, const State& after);

 private:
  absl::Status Turn(const Client& client, int64_t number) ABSL_LOCKS_EXCLUDED(mu_);
  void Set(int64_t State::*field, int64_t value) ABSL_LOCKS_EXCLUDED(mu_);

  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
  absl::Status first_error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_TOPIC_CHURN_H_
