#include "broker/share/dead_letter_view.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

// What is behind the prefix of each, in the order in which they are written.
constexpr absl::string_view kCount = "count";
constexpr absl::string_view kTopic = "topic";
constexpr absl::string_view kPartition = "partition";
constexpr absl::string_view kOffset = "offset";

std::optional<int32_t> SmallNumber(absl::string_view text) {
  const std::optional<int64_t> number = DecodeHeaderNumber(text);
  if (!number.has_value() || *number > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<int32_t>(*number);
}

std::optional<DeathReason> ReasonNamed(absl::string_view name) {
  for (int i = 1; i <= kDeathReasons; ++i) {
    const auto reason = static_cast<DeathReason>(i);
    if (DeathReasonName(reason) == name) return reason;
  }
  return std::nullopt;
}

// Each header takes its place once, in whatever order; false when its value makes no sense.
class LetterFields {
 public:
  explicit LetterFields(DeadLetterView* letter) : letter_(letter) {}

  bool TakeLetters(absl::string_view name, absl::string_view value) {
    if (name == kTopic) return SetText(kSawTopic, &letter_->died_in.topic, value);
    if (name == kPartition) return SetPartition(kSawPartition, &letter_->died_in, value);
    if (name == kOffset) return SetOffset(kSawOffset, &letter_->died_in, value);
    if (name == "group") return SetText(kSawGroup, &letter_->group, value);
    if (name == "error") return SetText(kSawError, &letter_->error, value);
    if (name == "reason") return Set(kSawReason, &letter_->reason, ReasonNamed(value));
    if (name == "attempts") return Set(kSawAttempts, &letter_->attempts, SmallNumber(value));
    if (name == "history") return Set(kSawHistory, &letter_->history, ReadAttemptHistory(value));
    if (name == "time") return Set(kSawTime, &letter_->died_ms, DecodeHeaderNumber(value));
    return false;
  }

  // Whoever makes batches may have made these up: then the record counts as never driven.
  void TakeDrives(absl::string_view name, absl::string_view value) {
    drives_are_sound_ = drives_are_sound_ && TakeDrive(name, value);
  }
  // All that must be there was.
  bool Finish() {
    constexpr uint32_t kNeeded = kSawTopic | kSawPartition | kSawOffset | kSawGroup | kSawReason |
                                 kSawAttempts | kSawHistory | kSawTime;
    constexpr uint32_t kDriven = kSawCount | kSawFirstTopic | kSawFirstPartition | kSawFirstOffset;
    if (drives_are_sound_ && (seen_ & kDriven) == kDriven) {
      letter_->drives = drives_;
      letter_->first = first_;
    }
    return (seen_ & kNeeded) == kNeeded;
  }

 private:
  enum Seen : uint32_t {
    kSawTopic = 1u << 0,
    kSawPartition = 1u << 1,
    kSawOffset = 1u << 2,
    kSawGroup = 1u << 3,
    kSawError = 1u << 4,
    kSawReason = 1u << 5,
    kSawAttempts = 1u << 6,
    kSawHistory = 1u << 7,
    kSawTime = 1u << 8,
    kSawCount = 1u << 9,
    kSawFirstTopic = 1u << 10,
    kSawFirstPartition = 1u << 11,
    kSawFirstOffset = 1u << 12,
  };

  template <typename T>
  bool Set(Seen what, T* field, std::optional<T> value) {
    if ((seen_ & what) != 0 || !value.has_value()) return false;
    seen_ |= what;
    *field = *std::move(value);
    return true;
  }
  bool SetText(Seen what, std::string* field, absl::string_view value) {
    return Set(what, field, std::optional<std::string>(value));
  }
  bool SetPartition(Seen what, RecordPlace* place, absl::string_view value) {
    int32_t partition = 0;
    if (!Set(what, &partition, SmallNumber(value))) return false;
    place->partition = PartitionIndex{partition};
    return true;
  }
  bool SetOffset(Seen what, RecordPlace* place, absl::string_view value) {
    int64_t offset = 0;
    if (!Set(what, &offset, DecodeHeaderNumber(value))) return false;
    place->offset = Offset{offset};
    return true;
  }

  bool TakeDrive(absl::string_view name, absl::string_view value) {
    if (name == kCount) return Set(kSawCount, &drives_, SmallNumber(value));
    if (name == kTopic) return SetText(kSawFirstTopic, &first_.topic, value);
    if (name == kPartition) return SetPartition(kSawFirstPartition, &first_, value);
    if (name == kOffset) return SetOffset(kSawFirstOffset, &first_, value);
    return false;
  }

  DeadLetterView* const letter_;
  int32_t drives_ = 0;
  RecordPlace first_;
  bool drives_are_sound_ = true;
  uint32_t seen_ = 0;
};

}  // namespace

std::optional<DeadLetterView> ReadDeadLetter(const RecordView& record) {
  DeadLetterView letter{.offset = record.offset,
                        .timestamp_ms = record.timestamp_ms,
                        .key = record.key,
                        .value = record.value};
  LetterFields fields(&letter);
  for (const HeaderView& header : record.headers.Decode()) {
    absl::string_view name = header.key;
    if (absl::ConsumePrefix(&name, kLetterHeaderPrefix)) {
      if (!header.value.has_value() || !fields.TakeLetters(name, *header.value))
        return std::nullopt;
    } else if (absl::ConsumePrefix(&name, kDriveHeaderPrefix)) {
      fields.TakeDrives(name, header.value.value_or(""));
    } else {
      letter.headers.push_back(header);
    }
  }
  if (!fields.Finish()) return std::nullopt;
  return letter;
}

std::vector<std::pair<std::string, std::string>> DriveHeaders(const DeadLetterView& letter) {
  const RecordPlace& origin = letter.origin();
  const auto header = [](absl::string_view name, std::string value) {
    return std::pair(absl::StrCat(kDriveHeaderPrefix, name), std::move(value));
  };
  return {header(kCount, absl::StrCat(letter.drives + 1)), header(kTopic, origin.topic),
          header(kPartition, absl::StrCat(origin.partition.value())),
          header(kOffset, absl::StrCat(origin.offset.value()))};
}

}  // namespace weir
