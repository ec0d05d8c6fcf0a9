// ProducerState: what one partition remembers of its idempotent producers: per producer id the
// epoch and the last five batches, so that a repeat is recognised and a gap refused. Part of the
// log: it changes with every appended batch, is saved at checkpoints, and its tail is rebuilt from
// the journal. The rules are Kafka's (KIP-98, KIP-360). Not thread-safe.
#ifndef WEIR_STORAGE_LOG_PRODUCER_STATE_H_
#define WEIR_STORAGE_LOG_PRODUCER_STATE_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "storage/base/bytes.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"

namespace weir {

class ProducerState {
 public:
  struct Verdict {
    bool duplicate = false;
    Offset original;  // of a duplicate: the base offset it was given
  };

  // May a batch with this header be appended next? Errors: OUT_OF_ORDER_SEQUENCE, UNKNOWN_PRODUCER
  // (the same of a producer that is not known here, new or forgotten), PRODUCER_FENCED,
  // DUPLICATE_SEQUENCE (a repeat older than what is remembered), TOO_MANY_PRODUCERS (the table is
  // full of producers that were heard of within limits::kProducerKeptMs). Changes nothing but that
  // producers silent for longer than `expiration_ms` go sooner or later. The header has_producer().
  absl::StatusOr<Verdict> Check(const RecordBatchHeader& header, int64_t now_ms,
                                int64_t expiration_ms);

  // Takes note of an appended batch (base_offset set). When the table is full, the producer that
  // was silent longest makes room for a new one: Check has found it old enough. Redo, which has
  // checked nothing, does over again what was done then.
  void Note(const RecordBatchHeader& header, int64_t now_ms);

  // Forgets batches at or above `end`.
  void TruncateTo(Offset end);
  // Forgets producers silent for longer than `expiration_ms`.
  void Expire(int64_t now_ms, int64_t expiration_ms);

  size_t size() const { return producers_.size(); }
  void EncodeTo(std::string* out) const;
  // False when the bytes make no sense.
  bool DecodeFrom(ByteReader* in);

  bool operator==(const ProducerState& other) const { return producers_ == other.producers_; }

 private:
  struct Batch {
    Offset base_offset;
    int32_t base_sequence = 0;
    int32_t last_offset_delta = 0;

    int32_t last_sequence() const;
    bool operator==(const Batch&) const = default;
  };
  struct Producer {
    ProducerEpoch epoch;
    uint8_t count = 0;  // of batches, oldest first
    Batch batches[limits::kProducerBatches];
    int64_t last_append_ms = 0;

    bool operator==(const Producer&) const = default;
  };

  using Producers = absl::flat_hash_map<ProducerId, Producer>;

  // Of a table that is not empty.
  Producers::iterator LongestSilent();
  // OK when a new producer finds room, or some other is silent for long enough to make it.
  absl::Status CheckRoom(int64_t now_ms);

  Producers producers_;
  // Both only spare the committer a look at every producer.
  int64_t next_expiry_ms_ = 0;    // nobody is let go before
  int64_t no_room_until_ms_ = 0;  // in a full table nobody is silent for long enough before
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_PRODUCER_STATE_H_
