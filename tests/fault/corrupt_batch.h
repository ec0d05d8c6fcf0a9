// CorruptBatch: a record batch made wrong in one of the ways that a produce must notice, whatever
// the topic is like. Pure function.
#ifndef WEIR_TESTS_FAULT_CORRUPT_BATCH_H_
#define WEIR_TESTS_FAULT_CORRUPT_BATCH_H_

#include <string>

#include "tests/support/sim_random.h"

namespace weir {

struct CorruptBatch {
  std::string bytes;
  std::string what;    // was done to it
  std::string reason;  // that the broker must give
};

// `batch` is a valid one.
CorruptBatch DrawCorruptBatch(std::string batch, SimRandom& random);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_CORRUPT_BATCH_H_
