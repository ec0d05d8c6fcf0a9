// ModelDraw: the random records, keys, names and offsets of the model's operations. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_DRAW_H_
#define WEIR_TESTS_FAULT_MODEL_DRAW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "storage/record/record_batch.h"
#include "tests/fault/broker_model.h"
#include "tests/support/sim_random.h"

namespace weir {

class ModelDraw {
 public:
  explicit ModelDraw(uint64_t seed) : random_(seed) {}

  SimRandom& random() { return random_; }
  bool Chance(double probability) { return random_.Chance(probability); }
  // low <= result <= high.
  int64_t Between(int64_t low, int64_t high);
  template <typename T>
  const T& OneOf(const std::vector<T>& values) {
    return values[random_.Below(values.size())];
  }

  // 1 to `most`, small numbers more often.
  int Count(int most);
  // Records with times, most of them small; `sizes` at most so large.
  ModelRecord Record(int64_t most_bytes);
  std::vector<ModelRecord> Records(int most, int64_t most_bytes);
  std::string Bytes(int64_t size);
  // Rises slowly and jumps back and forth: what is looked up by time is not always in order.
  int64_t Time();
  Compression Codec();
  // A place in the partition, or beside it when `beyond`.
  int64_t Offset(const ModelPartition& partition, bool beyond);

 private:
  SimRandom random_;
  int64_t time_ms_ = 1'700'000'000'000;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_DRAW_H_
