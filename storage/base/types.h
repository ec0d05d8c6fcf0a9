// The strong types of offsets, epochs and ids: two of them never mix by accident, and cost nothing.
// Immutable values.
#ifndef WEIR_STORAGE_BASE_TYPES_H_
#define WEIR_STORAGE_BASE_TYPES_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace weir {

// A number with a meaning. Adding a count steps it; subtracting two gives the count between them.
template <typename Tag, typename Rep>
class StrongNumber {
 public:
  constexpr StrongNumber() = default;
  constexpr explicit StrongNumber(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongNumber&) const = default;

  friend constexpr StrongNumber operator+(StrongNumber a, Rep n) {
    return StrongNumber(a.value_ + n);
  }
  friend constexpr StrongNumber operator-(StrongNumber a, Rep n) {
    return StrongNumber(a.value_ - n);
  }
  friend constexpr Rep operator-(StrongNumber a, StrongNumber b) { return a.value_ - b.value_; }
  constexpr StrongNumber& operator++() {
    ++value_;
    return *this;
  }
  constexpr StrongNumber& operator+=(Rep n) {
    value_ += n;
    return *this;
  }

  template <typename H>
  friend H AbslHashValue(H h, StrongNumber n) {
    return H::combine(std::move(h), n.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, StrongNumber n) { return out << +n.value_; }

 private:
  Rep value_ = 0;
};

using Offset =
    StrongNumber<struct OffsetTag, int64_t>;  // a record's place in its partition, from 0
using PartitionIndex =
    StrongNumber<struct PartitionTag, int32_t>;  // a partition's number in its topic, from 0
using LeaderEpoch =
    StrongNumber<struct LeaderEpochTag, int32_t>;  // raised at every start of the broker
using ProducerId = StrongNumber<struct ProducerIdTag, int64_t>;  // -1: none
using ProducerEpoch = StrongNumber<struct ProducerEpochTag, int16_t>;
using FilePosition =
    StrongNumber<struct FilePositionTag, int64_t>;  // bytes from the start of a file
using RoundNumber =
    StrongNumber<struct RoundTag, uint64_t>;  // commit rounds, from 1; never repeats
using JournalSequence =
    StrongNumber<struct JournalTag, uint64_t>;  // journal files, from 1; never repeats

inline constexpr ProducerId kNoProducer{-1};

// A topic's identity: 128 random bits. Names may come again, ids never.
struct TopicId {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const TopicId&) const = default;
  // 36 characters: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, lower case.
  std::string ToString() const;
  // Nothing unless `text` is exactly what ToString() gives for some id.
  static std::optional<TopicId> Parse(absl::string_view text);

  template <typename H>
  friend H AbslHashValue(H h, const TopicId& id) {
    return H::combine(std::move(h), id.bytes);
  }
  friend std::ostream& operator<<(std::ostream& out, const TopicId& id) {
    return out << id.ToString();
  }
};

struct TopicPartition {
  TopicId topic;
  PartitionIndex partition;

  auto operator<=>(const TopicPartition&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const TopicPartition& p) {
    return H::combine(std::move(h), p.topic, p.partition);
  }
  friend std::ostream& operator<<(std::ostream& out, const TopicPartition& p) {
    return out << p.topic << "/" << p.partition;
  }
};

// How safe a record is before its produce is answered.
enum class Durability : uint8_t {
  kDurable,  // the journal's fdatasync covers it: survives power loss
  kWritten,  // written to the journal: survives kill -9, not power loss
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_TYPES_H_
