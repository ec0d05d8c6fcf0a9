// What tests/golden/level_1 holds, as values: a small data directory of format level 1, as a power
// loss left it. Its history, with the journal's rounds:
//
//   first start     2, 3, 5   orders/0: a large record each, so that the segment gets an index
//                   4         old/0: a record
//                   6         orders/1: two records of an idempotent producer
//   orderly stop              (its recovery point is kept beside, as level_1_clean.recovery-point)
//   second start    8         orders/0: two records, in a new segment
//                   9         orders/1: a record
//                             a checkpoint; the topic old is deleted
//                   10        orders/1: a record
//                             a checkpoint; the kernel writes everything back
//                   11        orders/0 and orders/1 in one request
//                   12        orders/0: a record
//                   13        orders/1 is truncated to where it ends
//                   14        the log of orders/0 starts at offset 1 from now on
//   power loss                what rounds 11 to 14 did is in the journal alone
//
// Never changed: a new level gets a directory and values of its own. Immutable values, any thread.
#ifndef WEIR_TESTS_GOLDEN_LEVEL_1_H_
#define WEIR_TESTS_GOLDEN_LEVEL_1_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "storage/log/journal_format.h"
#include "tests/unit/record_samples.h"

namespace weir::level_1 {

inline constexpr absl::string_view kBrokerId = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
inline constexpr JournalUuid kJournal = {0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78,
                                         0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0};
inline constexpr TopicId kOrders{{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,  //
                                  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
inline constexpr TopicId kOld{{0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88,  //
                               0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00}};
inline constexpr TopicPartition kOrders0{kOrders, PartitionIndex{0}};
inline constexpr TopicPartition kOrders1{kOrders, PartitionIndex{1}};
inline constexpr TopicPartition kOld0{kOld, PartitionIndex{0}};

inline constexpr ProducerId kProducer{1};
inline constexpr ProducerEpoch kProducerEpoch{0};

inline constexpr int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01; round n came n seconds later
inline constexpr int64_t kJournalFileBytes = 5 * 4096;
inline constexpr int64_t kSegmentBytes = 12'600;

// A batch, with the place that the log gave it.
struct Batch {
  RoundNumber round;
  TopicPartition partition;
  LeaderEpoch epoch;
  Offset base_offset;
  Offset segment_base;
  FilePosition position;
  int32_t base_sequence = -1;          // -1: no idempotent producer
  std::vector<OwnedRecord> records{};  // with their offsets

  std::string Bytes() const;  // as it lies in journal and segment
  std::string Sent() const;   // as it was produced, without offset and epoch
};

// In the order in which they were appended.
const std::vector<Batch>& Batches();
// Those of one round; of one segment.
std::vector<Batch> BatchesOf(RoundNumber round);
std::vector<Batch> BatchesOf(const TopicPartition& partition, Offset segment_base);

}  // namespace weir::level_1

#endif  // WEIR_TESTS_GOLDEN_LEVEL_1_H_
