// What a partition remembers of its idempotent producers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "storage/base/error.h"
#include "storage/log/producer_state.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kExpiration = limits::kProducerExpirationMs;

struct Sent {
  int64_t producer = 7;
  int16_t epoch = 0;
  int32_t sequence = 0;
  int32_t count = 1;
};

class ProducerStateTest : public ::testing::Test {
 protected:
  static RecordBatchHeader Header(const Sent& sent) {
    return {.last_offset_delta = sent.count - 1,
            .producer_id = ProducerId{sent.producer},
            .producer_epoch = ProducerEpoch{sent.epoch},
            .base_sequence = sent.sequence,
            .record_count = sent.count};
  }
  absl::StatusOr<ProducerState::Verdict> Check(const Sent& sent, int64_t now_ms = kNow) {
    return state_.Check(Header(sent), now_ms, kExpiration);
  }
  // Appends it at the log's end, as the committer would.
  Offset Append(const Sent& sent, int64_t now_ms = kNow) {
    const auto verdict = Check(sent, now_ms);
    EXPECT_TRUE(verdict.ok() && !verdict->duplicate) << verdict.status();
    return Note(sent, now_ms);
  }
  Offset Note(const Sent& sent, int64_t now_ms = kNow) {
    RecordBatchHeader header = Header(sent);
    header.base_offset = end_;
    state_.Note(header, now_ms);
    end_ = header.next_offset();
    return header.base_offset;
  }
  std::optional<Reason> Refusal(const Sent& sent) { return ReasonOf(Check(sent).status()); }
  std::string Encoded() const {
    std::string bytes;
    state_.EncodeTo(&bytes);
    return bytes;
  }
  static bool Decodes(absl::string_view bytes, ProducerState* state) {
    ByteReader in(bytes);
    return state->DecodeFrom(&in) && in.rest().empty();
  }

  ProducerState state_;
  Offset end_{100};
};

TEST_F(ProducerStateTest, UnknownProducerBeginsAtZero) {
  EXPECT_FALSE(Check({.sequence = 0})->duplicate);
  EXPECT_THAT(Refusal({.sequence = 1}), Optional(Reason::kUnknownProducer));
  EXPECT_EQ(state_.size(), 0u) << "checking changes nothing";
}

TEST_F(ProducerStateTest, NextBatchGoesOnWhereTheLastEnded) {
  Append({.sequence = 0, .count = 3});
  EXPECT_TRUE(Check({.sequence = 3}).ok());
  EXPECT_THAT(Refusal({.sequence = 4}), Optional(Reason::kOutOfOrderSequence));
  EXPECT_THAT(Check({.sequence = 4}).status().message(),
              AllOf(HasSubstr("sequences 4 to 4"), HasSubstr("expected 3")));
}

TEST_F(ProducerStateTest, EachOfTheLastFiveBatchesIsRecognisedWithItsOffset) {
  std::vector<Offset> given;
  for (int32_t i = 0; i < 7; ++i) given.push_back(Append({.sequence = i * 2, .count = 2}));
  for (int32_t i = 2; i < 7; ++i) {
    const auto verdict = Check({.sequence = i * 2, .count = 2});
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_TRUE(verdict->duplicate);
    EXPECT_EQ(verdict->original, given[static_cast<size_t>(i)]);
  }
}

TEST_F(ProducerStateTest, OlderRepeatIsKnownToBeOneThoughItsOffsetIsForgotten) {
  for (int32_t i = 0; i < 7; ++i) Append({.sequence = i * 2, .count = 2});
  EXPECT_THAT(Refusal({.sequence = 2, .count = 2}), Optional(Reason::kDuplicateSequence));
  EXPECT_THAT(Refusal({.sequence = 0, .count = 2}), Optional(Reason::kDuplicateSequence));
}

TEST_F(ProducerStateTest, RepeatWithAnotherLengthIsNoRepeat) {
  Append({.sequence = 0, .count = 2});
  EXPECT_THAT(Refusal({.sequence = 0, .count = 3}), Optional(Reason::kOutOfOrderSequence))
      << "its last record was never written";
  EXPECT_THAT(Refusal({.sequence = 1, .count = 1}), Optional(Reason::kDuplicateSequence));
}

TEST_F(ProducerStateTest, OlderEpochIsFenced) {
  Append({.epoch = 3, .sequence = 0});
  EXPECT_THAT(Refusal({.epoch = 2, .sequence = 1}), Optional(Reason::kProducerFenced));
  EXPECT_THAT(Refusal({.epoch = 2, .sequence = 0}), Optional(Reason::kProducerFenced));
}

TEST_F(ProducerStateTest, NewEpochBeginsAtZeroAndForgetsTheOldOne) {
  Append({.epoch = 0, .sequence = 0, .count = 5});
  EXPECT_THAT(Refusal({.epoch = 1, .sequence = 5}), Optional(Reason::kOutOfOrderSequence));
  Append({.epoch = 1, .sequence = 0, .count = 5});
  EXPECT_THAT(Refusal({.epoch = 0, .sequence = 0, .count = 5}), Optional(Reason::kProducerFenced));
  EXPECT_TRUE(Check({.epoch = 1, .sequence = 5}).ok());
}

TEST_F(ProducerStateTest, SequencesBeginAgainAtZeroBehindTheLargest) {
  Note({.sequence = INT32_MAX - 2, .count = 3});  // ends with the largest
  EXPECT_TRUE(Check({.sequence = 0}).ok());
  EXPECT_THAT(Refusal({.sequence = 1}), Optional(Reason::kOutOfOrderSequence));
  EXPECT_THAT(Refusal({.sequence = INT32_MAX}), Optional(Reason::kDuplicateSequence));
  EXPECT_TRUE(Check({.sequence = INT32_MAX - 2, .count = 3})->duplicate);
}

TEST_F(ProducerStateTest, BatchMayCrossTheLargestSequence) {
  const Offset offset = Note({.sequence = INT32_MAX - 1, .count = 4});  // 2^31-2, 2^31-1, 0, 1
  EXPECT_TRUE(Check({.sequence = 2}).ok());
  EXPECT_THAT(Refusal({.sequence = 0}), Optional(Reason::kDuplicateSequence));
  const auto repeat = Check({.sequence = INT32_MAX - 1, .count = 4});
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->original, offset);
}

TEST_F(ProducerStateTest, ProducersDoNotDisturbOneAnother) {
  Append({.producer = 1, .sequence = 0});
  Append({.producer = 2, .sequence = 0, .count = 4});
  EXPECT_TRUE(Check({.producer = 1, .sequence = 1}).ok());
  EXPECT_TRUE(Check({.producer = 2, .sequence = 4}).ok());
  EXPECT_THAT(Refusal({.producer = 2, .sequence = 1}), Optional(Reason::kDuplicateSequence));
}

TEST_F(ProducerStateTest, SilentProducersAreForgottenAndBeginAtZeroAgain) {
  Append({.producer = 1, .sequence = 0}, kNow);
  Append({.producer = 2, .sequence = 0}, kNow + 10);
  state_.Expire(kNow + kExpiration, kExpiration);
  EXPECT_EQ(state_.size(), 2u) << "not longer than the expiration";
  state_.Expire(kNow + kExpiration + 1, kExpiration);
  EXPECT_EQ(state_.size(), 1u);
  EXPECT_THAT(Refusal({.producer = 1, .sequence = 1}), Optional(Reason::kUnknownProducer));
  EXPECT_TRUE(Check({.producer = 1, .sequence = 0}).ok());
  EXPECT_TRUE(Check({.producer = 2, .sequence = 1}).ok());
}

TEST_F(ProducerStateTest, SilentProducersAreForgottenInPassing) {
  Append({.producer = 1, .sequence = 0}, kNow);
  Append({.producer = 2, .sequence = 0}, kNow + kExpiration);
  Append({.producer = 2, .sequence = 1}, kNow + 2 * kExpiration);
  EXPECT_EQ(state_.size(), 1u);
}

TEST_F(ProducerStateTest, InAFullTableTheLongestSilentMakesRoomOnceItIsOldEnough) {
  constexpr int64_t kKept = limits::kProducerKeptMs;
  for (size_t i = 0; i < limits::kProducersPerPartition; ++i)
    Append({.producer = static_cast<int64_t>(i), .sequence = 0}, kNow + (i < 3 ? 0 : 1000));
  const Sent newcomer{.producer = 1'000'000, .sequence = 0};
  const auto full = Check(newcomer, kNow + kKept - 1).status();
  EXPECT_THAT(ReasonOf(full), Optional(Reason::kTooManyProducers));
  EXPECT_THAT(full.message(), AllOf(HasSubstr("10000"), HasSubstr("10m")));
  EXPECT_EQ(RetryAfterOf(full), absl::Milliseconds(1));
  EXPECT_TRUE(Check({.producer = 5, .sequence = 1}, kNow + kKept - 1).ok()) << "known ones go on";
  EXPECT_TRUE(Check({.producer = 2, .sequence = 0}, kNow + kKept - 1)->duplicate)
      << "the longest silent one is still recognised";
  for (int64_t i = 0; i < 3; ++i)
    Append({.producer = newcomer.producer + i, .sequence = 0}, kNow + kKept);
  EXPECT_EQ(state_.size(), limits::kProducersPerPartition);
  const auto refused = Check({.producer = newcomer.producer + 3, .sequence = 0}, kNow + kKept);
  EXPECT_THAT(ReasonOf(refused.status()), Optional(Reason::kTooManyProducers));
  EXPECT_EQ(RetryAfterOf(refused.status()), absl::Milliseconds(1000));
  EXPECT_THAT(Refusal({.producer = 2, .sequence = 1}), Optional(Reason::kUnknownProducer));
  EXPECT_TRUE(Check({.producer = 3, .sequence = 1}, kNow + kKept).ok());
}

// Redo notes what the journal holds on top of what a checkpoint saved, and nobody expired anything
// in between; a request may bring several new producers at once. What is saved must be readable.
TEST_F(ProducerStateTest, TableNeverOutgrowsWhatCanBeReadBack) {
  for (size_t i = 0; i < limits::kProducersPerPartition; ++i)
    Note({.producer = static_cast<int64_t>(i), .sequence = 0}, kNow + static_cast<int64_t>(i));
  for (int64_t i = 0; i < 3; ++i)
    Note({.producer = 1'000'000 + i, .sequence = 0}, kNow + kExpiration + 100 + i);
  EXPECT_EQ(state_.size(), limits::kProducersPerPartition);
  ProducerState back;
  ASSERT_TRUE(Decodes(Encoded(), &back));
  EXPECT_EQ(back, state_);
  EXPECT_TRUE(Check({.producer = 1'000'002, .sequence = 1}).ok()) << "the newest are there";
  EXPECT_TRUE(Check({.producer = 3, .sequence = 1}).ok()) << "only the longest silent ones went";
  EXPECT_FALSE(Check({.producer = 2, .sequence = 1}).ok());
}

TEST_F(ProducerStateTest, TruncationForgetsTheBatchesAboveTheEnd) {
  Append({.sequence = 0, .count = 2});                     // 100
  const Offset cut = Append({.sequence = 2, .count = 2});  // 102
  Append({.sequence = 4, .count = 2});                     // 104
  state_.TruncateTo(cut);
  EXPECT_TRUE(Check({.sequence = 0, .count = 2})->duplicate);
  const auto again = Check({.sequence = 2, .count = 2});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->duplicate);
}

TEST_F(ProducerStateTest, ComesBackFromItsBytes) {
  for (int64_t producer = 0; producer < 20; ++producer) {
    for (int32_t i = 0; i < 1 + producer % 7; ++i)
      Append({.producer = producer, .epoch = static_cast<int16_t>(producer % 3), .sequence = i});
  }
  ProducerState back;
  ASSERT_TRUE(Decodes(Encoded(), &back));
  EXPECT_EQ(back, state_);
  ProducerState none;
  std::string empty;
  none.EncodeTo(&empty);
  ASSERT_TRUE(Decodes(empty, &back));
  EXPECT_EQ(back, none) << "what was there before is gone";
}

TEST_F(ProducerStateTest, CutBytesAreRefused) {
  Append({.producer = 1, .sequence = 0});
  Append({.producer = 1, .sequence = 1});
  Append({.producer = 2, .sequence = 0});
  const std::string bytes = Encoded();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ProducerState back;
    EXPECT_FALSE(Decodes(absl::string_view(bytes).substr(0, size), &back)) << size;
  }
}

TEST_F(ProducerStateTest, LyingCountsAreRefusedBeforeTheyCostMemory) {
  Append({.producer = 1, .sequence = 0});
  constexpr size_t kBatchCountAt = 4 + 8 + 2 + 8;  // table count, id, epoch, last append
  for (const uint32_t count :
       {2u, static_cast<uint32_t>(limits::kProducersPerPartition) + 1, ~0u}) {
    std::string bytes = Encoded();
    StoreLittle(bytes.data(), count);
    ProducerState back;
    EXPECT_FALSE(Decodes(bytes, &back)) << count;
  }
  for (const uint8_t count : {2, limits::kProducerBatches + 1, 255}) {
    std::string bytes = Encoded();
    StoreLittle(bytes.data() + kBatchCountAt, count);
    ProducerState back;
    EXPECT_FALSE(Decodes(bytes, &back)) << int{count};
  }
}

}  // namespace
}  // namespace weir
