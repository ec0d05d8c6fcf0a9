// RecordTimes: when the records were made that groups have to read next. Each costs a read of the
// log, which has a time to be done in; what was read once is remembered, since a group that stands
// still asks for the same record again. One thread at a time.
#ifndef WEIR_BROKER_RECORD_TIMES_H_
#define WEIR_BROKER_RECORD_TIMES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "storage/base/types.h"

namespace weir {

class RecordTimes {
 public:
  // The time of the first record at or behind an offset; nothing when it cannot be told. May wait
  // for the disk.
  using Read = std::function<std::optional<int64_t>(const TopicPartition&, Offset)>;

  // `clock` outlives this.
  RecordTimes(const Clock* clock, Read read) : clock_(clock), read_(std::move(read)) {}

  // A new round of questions: of what is remembered, all that nobody asks for in it is forgotten
  // with the next. No read begins when limits::kMetricRecordTimesMs have passed.
  void Begin();
  // Milliseconds since the epoch. Nothing: there is no time left to read it, or it cannot be read.
  std::optional<int64_t> Find(const TopicPartition& partition, Offset offset);

 private:
  using Place = std::pair<TopicPartition, Offset>;

  const Clock* const clock_;
  const Read read_;
  absl::Duration until_;
  absl::flat_hash_map<Place, int64_t> now_;     // asked for in this round, at most
  absl::flat_hash_map<Place, int64_t> before_;  // limits::kMetricRecordTimes; and in the one before
};

}  // namespace weir

#endif  // WEIR_BROKER_RECORD_TIMES_H_
