#include "storage/log/producer_state.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// How often idle producers are looked for while one of them expires.
constexpr int64_t kExpiryLooks = 8;

std::string Name(const RecordBatchHeader& header) {
  return absl::StrCat("producer ", header.producer_id.value(), " epoch ",
                      header.producer_epoch.value());
}

}  // namespace

int32_t ProducerState::Batch::last_sequence() const {
  return SequenceAfter(base_sequence, last_offset_delta);
}

absl::StatusOr<ProducerState::Verdict> ProducerState::Check(const RecordBatchHeader& header,
                                                            int64_t now_ms, int64_t expiration_ms) {
  if (now_ms >= next_expiry_ms_) {
    Expire(now_ms, expiration_ms);
    next_expiry_ms_ = now_ms + expiration_ms / kExpiryLooks;
  }
  const auto found = producers_.find(header.producer_id);
  if (found == producers_.end()) {
    // New, or forgotten after its silence. Only 0 may begin: were any sequence taken, a refused
    // first batch could be overtaken by the second and then pass for a repeat.
    if (header.base_sequence != 0) {
      return MakeError(Reason::kUnknownProducer,
                       absl::StrCat(Name(header), " is not known here and begins at sequence ",
                                    header.base_sequence, ", expected 0"));
    }
    WEIR_RETURN_IF_ERROR(CheckRoom(now_ms));
    return Verdict{};
  }
  const Producer& producer = found->second;
  if (header.producer_epoch < producer.epoch) {
    return MakeError(
        Reason::kProducerFenced,
        absl::StrCat(Name(header), " is older than the epoch in force, ", producer.epoch.value()));
  }
  if (header.producer_epoch > producer.epoch) {
    if (header.base_sequence == 0) return Verdict{};
    return MakeError(Reason::kOutOfOrderSequence,
                     absl::StrCat(Name(header), " begins at sequence ", header.base_sequence,
                                  ", a new epoch begins at 0"));
  }
  const int32_t last_sequence = SequenceAfter(header.base_sequence, header.last_offset_delta);
  for (int i = 0; i < producer.count; ++i) {
    const Batch& batch = producer.batches[i];
    if (batch.base_sequence == header.base_sequence && batch.last_sequence() == last_sequence) {
      return Verdict{.duplicate = true, .original = batch.base_offset};
    }
  }
  if (producer.count == 0) return Verdict{};  // its batches were truncated away
  const int32_t expected = SequenceAfter(producer.batches[producer.count - 1].last_sequence(), 1);
  if (header.base_sequence == expected) return Verdict{};
  // Half the number circle lies behind, half ahead. Only what lies behind as a whole was written.
  const int32_t behind =
      static_cast<int32_t>((int64_t{expected} - header.base_sequence) & INT32_MAX);
  const std::string what = absl::StrCat(Name(header), " sent sequences ", header.base_sequence,
                                        " to ", last_sequence, ", expected ", expected);
  if (behind <= INT32_MAX / 2 && behind > header.last_offset_delta) {
    return MakeError(Reason::kDuplicateSequence,
                     absl::StrCat(what, "; it was written before and its offset is forgotten"));
  }
  return MakeError(Reason::kOutOfOrderSequence, what);
}

ProducerState::Producers::iterator ProducerState::LongestSilent() {
  return std::min_element(producers_.begin(), producers_.end(), [](const auto& a, const auto& b) {
    return a.second.last_append_ms < b.second.last_append_ms;
  });
}

absl::Status ProducerState::CheckRoom(int64_t now_ms) {
  if (producers_.size() < limits::kProducersPerPartition) return absl::OkStatus();
  if (now_ms >= no_room_until_ms_) {
    no_room_until_ms_ = LongestSilent()->second.last_append_ms + limits::kProducerKeptMs;
    if (now_ms >= no_room_until_ms_) return absl::OkStatus();
  }
  return MakeError(
      Reason::kTooManyProducers,
      absl::StrCat("the partition remembers ", producers_.size(), " producer ids, at most ",
                   limits::kProducersPerPartition, ", each for at least ",
                   absl::FormatDuration(absl::Milliseconds(limits::kProducerKeptMs))),
      absl::Milliseconds(std::min(no_room_until_ms_ - now_ms, limits::kTooManyProducersRetryMs)));
}

void ProducerState::Note(const RecordBatchHeader& header, int64_t now_ms) {
  if (producers_.size() >= limits::kProducersPerPartition &&
      !producers_.contains(header.producer_id)) {
    producers_.erase(LongestSilent());
  }
  Producer& producer = producers_[header.producer_id];
  if (producer.epoch != header.producer_epoch) {
    producer.epoch = header.producer_epoch;
    producer.count = 0;
  }
  if (producer.count == limits::kProducerBatches) {
    std::copy(producer.batches + 1, producer.batches + producer.count, producer.batches);
    --producer.count;
  }
  producer.batches[producer.count++] = {header.base_offset, header.base_sequence,
                                        header.last_offset_delta};
  producer.last_append_ms = now_ms;
}

void ProducerState::TruncateTo(Offset end) {
  for (auto& [id, producer] : producers_) {
    while (producer.count > 0 && producer.batches[producer.count - 1].base_offset >= end) {
      producer.batches[--producer.count] = {};
    }
  }
}

void ProducerState::Expire(int64_t now_ms, int64_t expiration_ms) {
  absl::erase_if(producers_, [&](const auto& entry) {
    return now_ms - entry.second.last_append_ms > expiration_ms;
  });
}

void ProducerState::EncodeTo(std::string* out) const {
  AppendLittle<uint32_t>(out, static_cast<uint32_t>(producers_.size()));
  for (const auto& [id, producer] : producers_) {
    AppendLittle(out, id.value());
    AppendLittle(out, producer.epoch.value());
    AppendLittle(out, producer.last_append_ms);
    AppendLittle(out, producer.count);
    for (int i = 0; i < producer.count; ++i) {
      AppendLittle(out, producer.batches[i].base_offset.value());
      AppendLittle(out, producer.batches[i].base_sequence);
      AppendLittle(out, producer.batches[i].last_offset_delta);
    }
  }
}

bool ProducerState::DecodeFrom(ByteReader* in) {
  const uint32_t count = in->Read<uint32_t>();
  if (!in->ok() || count > limits::kProducersPerPartition) return false;
  producers_.clear();
  for (uint32_t i = 0; i < count && in->ok(); ++i) {
    const ProducerId id{in->Read<int64_t>()};
    Producer producer;
    producer.epoch = ProducerEpoch{in->Read<int16_t>()};
    producer.last_append_ms = in->Read<int64_t>();
    producer.count = in->Read<uint8_t>();
    if (producer.count > limits::kProducerBatches) return false;
    for (int b = 0; b < producer.count; ++b) {
      producer.batches[b].base_offset = Offset{in->Read<int64_t>()};
      producer.batches[b].base_sequence = in->Read<int32_t>();
      producer.batches[b].last_offset_delta = in->Read<int32_t>();
    }
    producers_[id] = producer;
  }
  return in->ok();
}

}  // namespace weir
