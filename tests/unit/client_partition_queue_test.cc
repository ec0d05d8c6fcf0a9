// The rules by which a partition's batches are sent, sent again, renumbered and given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "client/src/partition_queue.h"
#include "client/src/topic.h"
#include "storage/base/error.h"

namespace weir::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Next = PartitionQueue::Next;

constexpr ProducerIdentity kFirst{.id = ProducerId(9), .epoch = ProducerEpoch(0)};
constexpr ProducerIdentity kSecond{.id = ProducerId(9), .epoch = ProducerEpoch(1)};

class PartitionQueueTest : public testing::Test {
 protected:
  PartitionQueueTest() {
    topic_.partition_count = 3;
    topic_.queues.push_back(std::make_unique<PartitionQueue>(&topic_, PartitionIndex(0), &rules_));
    queue_ = topic_.queues[0].get();
  }
  // An open batch of `records` records.
  std::shared_ptr<Batch> Open(int records = 1) {
    auto batch = std::make_shared<Batch>(queue_, ++ordinal_, absl::ZeroDuration(), 0, pool_);
    for (int i = 0; i < records; ++i) batch->builder.Append(0, std::nullopt, "v");
    queue_->Open(batch);
    return batch;
  }
  std::shared_ptr<Batch> Closed(int records = 1) {
    std::shared_ptr<Batch> batch = Open(records);
    queue_->CloseOpen();
    return batch;
  }
  // Closes and takes `count` batches of two records.
  std::vector<std::shared_ptr<Batch>> InFlight(int count) {
    std::vector<std::shared_ptr<Batch>> batches;
    for (int i = 0; i < count; ++i) batches.push_back(Closed(2));
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(queue_->Take(current_), batches[static_cast<size_t>(i)]);
    return batches;
  }
  void Answer(const std::shared_ptr<Batch>& batch, absl::StatusOr<Offset> answer) {
    queue_->OnAnswer(batch, std::move(answer), current_, &outcomes_);
  }
  void Refuse(const std::shared_ptr<Batch>& batch, Reason reason) {
    Answer(batch, MakeError(reason, "refused"));
  }
  // Takes all that may go and gives their sequences.
  std::vector<int32_t> TakeAll() {
    std::vector<int32_t> sequences;
    while (queue_->WhatNext(current_) == Next::kBatch)
      sequences.push_back(queue_->Take(current_)->base_sequence);
    return sequences;
  }

  PartitionQueue::Rules rules_{.idempotent = true, .max_in_flight = 5, .linger = false};
  Topic topic_{"t"};
  PartitionQueue* queue_;
  std::shared_ptr<BuilderPool> pool_ = std::make_shared<BuilderPool>();
  ProducerIdentity current_ = kFirst;
  uint64_t ordinal_ = 0;
  PartitionQueue::Outcomes outcomes_;
};

TEST_F(PartitionQueueTest, AnOpenBatchGoesWhenNothingIsInFlight) {
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
  const auto first = Open();
  EXPECT_EQ(queue_->WhatNext(current_), Next::kBatch);
  queue_->Take(current_);
  Open();
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
  Answer(first, Offset(0));
  EXPECT_EQ(queue_->WhatNext(current_), Next::kBatch);
}

TEST_F(PartitionQueueTest, AnOpenBatchLingersUntilItIsRipe) {
  rules_.linger = true;
  const auto batch = Open();
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
  batch->ripe = true;
  EXPECT_EQ(queue_->WhatNext(current_), Next::kBatch);
}

TEST_F(PartitionQueueTest, StickyRecordsGatherWhileAnyOfTheirTopicAreUnanswered) {
  topic_.sticky_unanswered = 1;  // in another partition
  Open()->sticky = true;
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
  topic_.sticky_unanswered = 0;
  EXPECT_EQ(queue_->WhatNext(current_), Next::kBatch);
  const auto batch = queue_->Take(current_);
  EXPECT_EQ(topic_.sticky_unanswered, 1);
  EXPECT_EQ(topic_.sticky_partition, 1) << "the next record without a key goes elsewhere";
  Answer(batch, Offset(0));
  EXPECT_EQ(topic_.sticky_unanswered, 0);
}

TEST_F(PartitionQueueTest, NoMoreThanFiveAreInFlight) {
  InFlight(5);
  Closed();
  EXPECT_TRUE(queue_->Congested());
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
}

TEST_F(PartitionQueueTest, SequencesCountRecords) {
  const auto batches = InFlight(3);
  EXPECT_EQ(batches[0]->base_sequence, 0);
  EXPECT_EQ(batches[1]->base_sequence, 2);
  EXPECT_EQ(batches[2]->base_sequence, 4);
  EXPECT_EQ(batches[2]->identity, kFirst);
}

TEST_F(PartitionQueueTest, WithoutIdempotenceThereAreNone) {
  rules_.idempotent = false;
  EXPECT_EQ(InFlight(1)[0]->base_sequence, kNoSequence);
}

TEST_F(PartitionQueueTest, ARefusalForAWhileSendsAllAgainWithTheSameSequences) {
  const auto batches = InFlight(3);
  Refuse(batches[0], Reason::kDiskLow);
  EXPECT_EQ(queue_->TakePause(), std::nullopt) << "two are still unanswered";
  Refuse(batches[1], Reason::kOutOfOrderSequence);
  EXPECT_THAT(TakeAll(), IsEmpty());
  Refuse(batches[2], Reason::kOutOfOrderSequence);
  EXPECT_THAT(TakeAll(), IsEmpty());
  EXPECT_EQ(queue_->TakePause(), absl::ZeroDuration());
  EXPECT_EQ(queue_->TakePause(), std::nullopt);
  EXPECT_THAT(TakeAll(), IsEmpty());
  queue_->Resume();
  EXPECT_THAT(TakeAll(), ElementsAre(0, 2, 4));
  EXPECT_THAT(outcomes_, IsEmpty());
}

TEST_F(PartitionQueueTest, TheLongestWaitAskedForCounts) {
  const auto batches = InFlight(2);
  Answer(batches[0], MakeError(Reason::kDiskLow, "", absl::Seconds(3)));
  Answer(batches[1], MakeError(Reason::kDiskLow, "", absl::Seconds(2)));
  EXPECT_EQ(queue_->TakePause(), absl::Seconds(3));
}

TEST_F(PartitionQueueTest, ARefusalForGoodRenumbersTheOthersInANewEpoch) {
  const auto batches = InFlight(3);
  Refuse(batches[0], Reason::kCorruptBatch);
  ASSERT_THAT(outcomes_, ElementsAre(batches[0]));
  EXPECT_EQ(ReasonOf(batches[0]->status), Reason::kCorruptBatch);
  Refuse(batches[1], Reason::kOutOfOrderSequence);
  Refuse(batches[2], Reason::kOutOfOrderSequence);
  queue_->Resume();
  EXPECT_EQ(queue_->WhatNext(kFirst), Next::kNeedsEpoch);
  current_ = kSecond;
  EXPECT_THAT(TakeAll(), ElementsAre(0, 2));
  EXPECT_EQ(batches[1]->identity, kSecond);
}

TEST_F(PartitionQueueTest, ABatchOfTheNewEpochDoesNotOvertakeOneOfTheOld) {
  const auto batches = InFlight(2);
  Refuse(batches[0], Reason::kCorruptBatch);
  Closed();
  current_ = kSecond;
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
}

TEST_F(PartitionQueueTest, ANewEpochOfAnotherPartitionWaitsUntilNothingIsInFlight) {
  const auto batches = InFlight(1);
  current_ = kSecond;
  Closed();
  EXPECT_EQ(queue_->Take(current_)->identity, kFirst);
  Answer(batches[0], Offset(0));
}

TEST_F(PartitionQueueTest, ADisconnectSendsTheUnansweredAgainInOrder) {
  const auto batches = InFlight(3);
  Answer(batches[0], Offset(10));
  Closed(2);
  queue_->OnDisconnect(absl::UnavailableError("gone"), &outcomes_);
  EXPECT_THAT(TakeAll(), ElementsAre(2, 4, 6));
  EXPECT_TRUE(batches[1]->maybe_written);
  EXPECT_EQ(batches[1]->tries, 2);
  EXPECT_THAT(outcomes_, ElementsAre(batches[0]));
  EXPECT_EQ(batches[0]->base_offset, Offset(10));
}

TEST_F(PartitionQueueTest, ARefusalOfASecondTryLeavesTheFirstOnesOutcomeUnknown) {
  const auto batches = InFlight(1);
  queue_->OnDisconnect(absl::UnavailableError("gone"), &outcomes_);
  TakeAll();
  Refuse(batches[0], Reason::kMessageTooLarge);
  EXPECT_EQ(ReasonOf(batches[0]->status), Reason::kCommitUncertain);
}

TEST_F(PartitionQueueTest, WhatIsOutOfOrderAtTheFrontWasNotWrittenByAnEarlierTry) {
  const auto batches = InFlight(2);
  queue_->OnDisconnect(absl::UnavailableError("gone"), &outcomes_);
  TakeAll();
  Refuse(batches[0], Reason::kOutOfOrderSequence);
  Refuse(batches[1], Reason::kOutOfOrderSequence);
  queue_->Resume();
  current_ = kSecond;
  EXPECT_THAT(TakeAll(), ElementsAre(0, 2));
  Refuse(batches[0], Reason::kMessageTooLarge);
  EXPECT_EQ(ReasonOf(batches[0]->status), Reason::kMessageTooLarge);
}

TEST_F(PartitionQueueTest, AForgottenProducerBeginsANewEpoch) {
  const auto batches = InFlight(3);
  Answer(batches[0], Offset(0));
  Refuse(batches[1], Reason::kUnknownProducer);
  Refuse(batches[2], Reason::kUnknownProducer);
  queue_->Resume();
  EXPECT_EQ(queue_->WhatNext(kFirst), Next::kNeedsEpoch);
  current_ = kSecond;
  EXPECT_THAT(TakeAll(), ElementsAre(0, 2));
  EXPECT_THAT(outcomes_, ElementsAre(batches[0])) << "nothing is lost";
}

TEST_F(PartitionQueueTest, WhatMayBeWrittenUnderAForgottenProducerIsNotSentASecondTime) {
  const auto batches = InFlight(3);
  Answer(batches[0], Offset(0));
  queue_->OnDisconnect(absl::UnavailableError("gone"), &outcomes_);
  const auto fresh = Closed(2);
  EXPECT_THAT(TakeAll(), ElementsAre(2, 4, 6));
  for (const auto& batch : {batches[1], batches[2], fresh}) Refuse(batch, Reason::kUnknownProducer);
  EXPECT_THAT(outcomes_, ElementsAre(batches[0], batches[1], batches[2]));
  EXPECT_EQ(ReasonOf(batches[1]->status), Reason::kCommitUncertain);
  EXPECT_EQ(ReasonOf(batches[2]->status), Reason::kCommitUncertain);
  queue_->Resume();
  current_ = kSecond;
  EXPECT_THAT(TakeAll(), ElementsAre(0)) << "what was never sent before goes in the new epoch";
  EXPECT_EQ(fresh->identity, kSecond);
}

TEST_F(PartitionQueueTest, AnUnknownProducerWhoseFirstBatchIsRefusedForAWhileKeepsItsNumbers) {
  const auto batches = InFlight(2);
  queue_->OnDisconnect(absl::UnavailableError("gone"), &outcomes_);
  TakeAll();
  Refuse(batches[0], Reason::kDiskLow);
  Refuse(batches[1], Reason::kUnknownProducer);
  queue_->Resume();
  EXPECT_THAT(TakeAll(), ElementsAre(0, 2));
  EXPECT_THAT(outcomes_, IsEmpty());
}

TEST_F(PartitionQueueTest, FencedByItsOwnNextEpochABatchIsRenumbered) {
  const auto batches = InFlight(1);
  current_ = kSecond;
  Refuse(batches[0], Reason::kProducerFenced);
  EXPECT_THAT(outcomes_, IsEmpty());
  queue_->Resume();
  EXPECT_THAT(TakeAll(), ElementsAre(0));
  EXPECT_EQ(batches[0]->identity, kSecond);
}

TEST_F(PartitionQueueTest, FencedBySomebodyElseABatchFails) {
  const auto batches = InFlight(1);
  Refuse(batches[0], Reason::kProducerFenced);
  EXPECT_THAT(outcomes_, ElementsAre(batches[0]));
}

TEST_F(PartitionQueueTest, ARepeatWhoseOffsetIsForgottenIsWritten) {
  const auto batches = InFlight(1);
  Refuse(batches[0], Reason::kDuplicateSequence);
  EXPECT_TRUE(batches[0]->status.ok());
  EXPECT_EQ(batches[0]->PositionOf(1)->offset, kUnknownOffset);
}

TEST_F(PartitionQueueTest, WhatIsGivenUpInFlightIsToldOnceAndItsAnswerDoesNotMatter) {
  const auto batches = InFlight(2);
  queue_->GiveUp(batches[0], MakeError(Reason::kDeliveryTimedOut, "late"), &outcomes_);
  EXPECT_EQ(ReasonOf(batches[0]->status), Reason::kCommitUncertain);
  Answer(batches[0], Offset(0));
  EXPECT_THAT(outcomes_, ElementsAre(batches[0]));
  Answer(batches[1], Offset(2));
  EXPECT_THAT(outcomes_, ElementsAre(batches[0], batches[1]));
}

TEST_F(PartitionQueueTest, WhatIsGivenUpUnsentIsCertainlyNotWritten) {
  const auto open = Open();
  queue_->GiveUp(open, MakeError(Reason::kDeliveryTimedOut, "late"), &outcomes_);
  EXPECT_EQ(ReasonOf(open->status), Reason::kDeliveryTimedOut);
  EXPECT_EQ(queue_->open(), nullptr);
  EXPECT_EQ(queue_->WhatNext(current_), Next::kNothing);
}

TEST_F(PartitionQueueTest, GivingUpTheLastRefusedBatchLetsTheOthersGo) {
  const auto batches = InFlight(2);
  Refuse(batches[0], Reason::kDiskLow);
  Refuse(batches[1], Reason::kOutOfOrderSequence);
  queue_->Resume();
  queue_->GiveUp(batches[0], MakeError(Reason::kDeliveryTimedOut, "late"), &outcomes_);
  EXPECT_THAT(TakeAll(), ElementsAre(2)) << "its number shows whether the first was written";
}

}  // namespace
}  // namespace weir::client
