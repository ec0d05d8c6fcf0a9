// ModelSequences: what a partition must remember of idempotent producers, by the documented rules:
// per producer id the epoch in force and its last five batches. Plain value.
#ifndef WEIR_TESTS_FAULT_MODEL_SEQUENCES_H_
#define WEIR_TESTS_FAULT_MODEL_SEQUENCES_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace weir {

// Under which name a batch is numbered. producer_id -1: under none.
struct ModelNumbering {
  int64_t producer_id = -1;
  int32_t epoch = -1;
  int32_t base_sequence = -1;

  bool operator==(const ModelNumbering&) const = default;
};

class ModelSequences {
 public:
  struct Batch {
    int32_t base_sequence = 0;
    int32_t count = 0;
    int64_t offset = 0;
  };
  struct Producer {
    int32_t epoch = 0;
    int32_t next = 0;           // the sequence that must come
    std::deque<Batch> batches;  // the last five, oldest first
  };
  struct Verdict {
    std::string refusal;              // the reason; empty: to be appended, or
    std::optional<int64_t> original;  // a repeat of the batch at this offset
  };

  // What must become of a batch of `count` records.
  Verdict Judge(const ModelNumbering& numbering, int32_t count) const;
  // It was appended.
  void Note(const ModelNumbering& numbering, int32_t count, int64_t offset);
  // Null: none of its batches has come here.
  const Producer* Find(int64_t producer_id) const;

 private:
  std::map<int64_t, Producer> producers_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_SEQUENCES_H_
