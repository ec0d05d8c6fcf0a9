// What a worker says when, and what it makes of the answers: JobParcel and WorkLedger without a
// stream, at times that the test makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/src/job_parcel.h"
#include "client/src/work_ledger.h"
#include "client/src/work_wire.h"
#include "storage/base/error.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/sim_clock.h"
#include "weir/v1/share.pb.h"

namespace weir::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kAckTimeout = absl::Seconds(30);

struct Range {
  int64_t first;
  int64_t last;
  int64_t token = 1;
};

std::string Batch(int64_t offset, int records, Compression compression = Compression::kNone) {
  RecordBatchBuilder builder;
  for (int i = 0; i < records; ++i)
    builder.Append(0, std::nullopt, absl::StrCat("value ", offset + i));
  return builder.Finish({.compression = compression, .base_offset = Offset(offset)});
}

v1::Delivery DeliveryOf(const std::vector<Range>& ranges, const std::string& batches) {
  v1::Delivery delivery;
  delivery.set_topic("orders");
  delivery.set_partition(3);
  for (const Range& range : ranges) {
    v1::AcquiredJobs* const jobs = delivery.add_jobs();
    jobs->set_first_offset(range.first);
    jobs->set_last_offset(range.last);
    jobs->set_delivery_count(static_cast<int32_t>(range.token));
    jobs->mutable_lock_token()->set_epoch(9);
    jobs->mutable_lock_token()->set_counter(range.token);
  }
  delivery.set_record_batches(batches);
  return delivery;
}

std::shared_ptr<JobParcel> Parcel(const std::vector<Range>& ranges, const std::string& batches) {
  auto delivery = std::make_shared<const v1::Delivery>(DeliveryOf(ranges, batches));
  auto parcel = JobParcel::Make(*delivery, delivery, 1'000'000);
  EXPECT_TRUE(parcel.ok()) << parcel.status();
  return *parcel;
}
std::shared_ptr<JobParcel> Parcel(int64_t first, int64_t last, int64_t token = 1) {
  return Parcel({{first, last, token}}, Batch(first, static_cast<int>(last - first) + 1));
}

// "first-last" of each.
template <typename Items>
std::vector<std::string> Spans(const Items& items) {
  std::vector<std::string> spans;
  for (const auto& item : items) {
    spans.push_back(
        absl::StrCat(item.first_offset(), "-",
                     item.last_offset() == 0 ? item.first_offset() : item.last_offset()));
  }
  return spans;
}

TEST(JobParcelTest, GivesTheRecordsOfItsJobsFromSeveralBatches) {
  const auto parcel = Parcel({{11, 12, 2}, {4, 4, 1}},
                             Batch(0, 8) + Batch(8, 2) + Batch(10, 5, Compression::kZstd));
  ASSERT_EQ(parcel->size(), 3u);
  EXPECT_THAT(parcel->unreadable(), IsEmpty());
  const int64_t offsets[] = {4, 11, 12};
  for (size_t job = 0; job < 3; ++job) {
    EXPECT_EQ(parcel->Claim(), job);
    EXPECT_EQ(parcel->record(job).offset, Offset(offsets[job]));
    EXPECT_EQ(*parcel->record(job).value, absl::StrCat("value ", offsets[job]));
    EXPECT_EQ(parcel->delivery_count(job), job == 0 ? 1 : 2);
  }
  EXPECT_EQ(parcel->Claim(), std::nullopt);
  EXPECT_TRUE(parcel->exhausted());
}

TEST(JobParcelTest, BatchesMayComeInAnyOrder) {
  const auto parcel = Parcel({{0, 0}, {9, 9}}, Batch(8, 4) + Batch(0, 4));
  EXPECT_THAT(parcel->unreadable(), IsEmpty());
  EXPECT_EQ(*parcel->record(1).value, "value 9");
}

TEST(JobParcelTest, AJobWithoutARecordIsUnreadable) {
  const auto parcel = Parcel({{0, 5}}, Batch(0, 4));
  ASSERT_THAT(parcel->unreadable(), SizeIs(1));
  EXPECT_EQ(parcel->unreadable()[0].first, 4);
  EXPECT_EQ(parcel->unreadable()[0].last, 5);
  int claimed = 0;
  while (parcel->Claim().has_value()) ++claimed;
  EXPECT_EQ(claimed, 4);
}

TEST(JobParcelTest, ADeliveryThatMakesNoSenseIsAnError) {
  const std::vector<std::vector<Range>> nonsense = {
      {{5, 4}},  {{-1, 3}}, {{0, 5}, {5, 6}}, {{0, INT64_MAX}}, {{INT64_MAX, INT64_MAX}},
      {{0, 100}}};
  for (const std::vector<Range>& ranges : nonsense) {
    const v1::Delivery delivery = DeliveryOf(ranges, Batch(0, 10));
    EXPECT_EQ(ReasonOf(JobParcel::Make(delivery, nullptr, 100).status()), Reason::kInternal);
  }
  EXPECT_TRUE(JobParcel::Make(DeliveryOf({{0, 99}}, ""), nullptr, 100).ok());
}

TEST(JobParcelTest, WhatIsAcceptedIsTakenOnceAsSpans) {
  const auto parcel = Parcel({{0, 3, 1}, {4, 5, 2}}, Batch(0, 6));
  while (parcel->Claim().has_value()) {
  }
  EXPECT_TRUE(parcel->Accept(1));
  EXPECT_FALSE(parcel->Accept(2));  // that has been said
  std::vector<std::string> taken;
  const auto take = [&](const JobSpan& span) {
    taken.push_back(absl::StrCat(span.first, "-", span.last, "/", span.lock.counter));
  };
  parcel->TakeAccepted(take);
  EXPECT_THAT(taken, ElementsAre("1-2/1"));
  for (const size_t job : {0, 3, 4, 5}) parcel->Accept(job);
  taken.clear();
  parcel->TakeAccepted(take);
  EXPECT_THAT(taken, ElementsAre("0-0/1", "3-3/1", "4-5/2"));
  EXPECT_EQ(parcel->open(), 0u);
}

class WorkLedgerTest : public testing::Test {
 protected:
  absl::Duration Now() const { return clock_.Monotonic(); }
  void Join(bool resumed = false) { ledger_.Join(resumed, kAckTimeout); }
  std::shared_ptr<JobParcel> Add(std::shared_ptr<JobParcel> parcel) {
    ledger_.Add(parcel, Now());
    return parcel;
  }
  void Accept(const std::shared_ptr<JobParcel>& parcel, int jobs) {
    for (int i = 0; i < jobs; ++i) {
      if (parcel->Accept(*parcel->Claim())) ledger_.NoteAccepted(parcel, Now());
    }
    ledger_.NoteWork(jobs, jobs * absl::Microseconds(1));
  }
  // The answer to everything in `request`.
  static v1::WorkResponse Answer(const v1::WorkRequest& request, v1::AcknowledgeCode code) {
    v1::WorkResponse response;
    const auto answer = [&](const auto& item, v1::AcknowledgeResult* result) {
      v1::AcknowledgeResult::Range* const range = result->add_ranges();
      range->set_first_offset(item.first_offset());
      range->set_last_offset(item.last_offset() == 0 ? item.first_offset() : item.last_offset());
      range->set_code(code);
    };
    for (const auto& item : request.acknowledge()) answer(item, response.add_acknowledged());
    for (const auto& item : request.renew()) answer(item, response.add_renewed());
    return response;
  }

  SimClock clock_;
  WorkLedger ledger_{{.threads = 2, .max_open = 5'000}};
};

TEST_F(WorkLedgerTest, SaysNothingBeforeItHasJoined) {
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  Join();
  EXPECT_EQ(ledger_.Next(Now())->credits(), 4);  // two for each thread
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
}

TEST_F(WorkLedgerTest, AsksForMoreOnceJobsAreKnownToBeQuick) {
  Join();
  EXPECT_EQ(ledger_.Next(Now())->credits(), 4);
  const auto parcel = Add(Parcel(0, 3));
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  Accept(parcel, 3);
  EXPECT_EQ(ledger_.Next(Now())->credits(), 4'999);  // and one is open
}

TEST_F(WorkLedgerTest, AsksForFewWhenJobsAreSlow) {
  Join();
  ledger_.Next(Now());
  const auto parcel = Add(Parcel(0, 3));
  for (int i = 0; i < 4; ++i) {
    if (parcel->Accept(*parcel->Claim())) ledger_.NoteAccepted(parcel, Now());
    ledger_.NoteWork(1, absl::Milliseconds(100));
  }
  EXPECT_EQ(ledger_.Next(Now())->credits(), 6);  // one at work and two ahead, for each thread
}

TEST_F(WorkLedgerTest, GathersWhileSomethingIsUnanswered) {
  Join();
  const auto parcel = Add(Parcel(0, 2'999));
  Accept(parcel, 10);
  const v1::WorkRequest first = *ledger_.Next(Now());
  EXPECT_THAT(Spans(first.acknowledge()), ElementsAre("0-9"));
  Accept(parcel, 500);
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  EXPECT_EQ(ledger_.counters().unanswered, 510);
  EXPECT_TRUE(ledger_.TakeAnswers(Answer(first, v1::OK), Now()).ok());
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("10-509"));
  Accept(parcel, kGatheredJobs);
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("510-1509"));
  EXPECT_EQ(ledger_.counters().accepted, 10);
}

TEST_F(WorkLedgerTest, WhatNobodyNotesIsSaidAllTheSame) {
  Join();
  ledger_.Next(Now());
  const auto parcel = Add(Parcel(0, 9));
  const auto accept = [&] {
    if (parcel->Accept(*parcel->Claim())) ledger_.NoteAccepted(parcel, Now());
  };
  accept();
  EXPECT_FALSE(ledger_.Next(Now()).has_value()) << "its thread may be quick";
  EXPECT_EQ(ledger_.NextTime(), Now() + kSayWithin);
  clock_.Advance(kSayWithin);
  const v1::WorkRequest first = *ledger_.Next(Now());
  EXPECT_THAT(Spans(first.acknowledge()), ElementsAre("0-0"));
  accept();
  EXPECT_GT(ledger_.NextTime(), Now() + kSayWithin) << "others may gather until the answer";
  clock_.Advance(kSayWithin);
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  EXPECT_TRUE(ledger_.TakeAnswers(Answer(first, v1::OK), Now()).ok());
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("1-1"));
  EXPECT_GT(ledger_.NextTime(), Now() + kSayWithin) << "nothing is unsaid";
}

TEST_F(WorkLedgerTest, WhatIsNotAcceptedIsSaidInTimeToo) {
  Join();
  const auto parcel = Add(Parcel(0, 9));
  ledger_.End(parcel, *parcel->Claim(), JobResult::Release("not now"), Now());
  EXPECT_EQ(ledger_.NextTime(), Now() + kSayWithin);
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("0-0"));
}

TEST_F(WorkLedgerTest, WhatIsDoneButNotSaidCountsAsUnanswered) {
  Join();
  Accept(Add(Parcel(0, 9)), 3);
  ledger_.Break();
  EXPECT_EQ(ledger_.counters().unanswered, 3);
  EXPECT_EQ(ledger_.counters().open, 7);
}

TEST_F(WorkLedgerTest, NeighboursOfTwoAcquisitionsAreTwoItems) {
  Join();
  Accept(Add(Parcel({{0, 4, 1}, {5, 9, 2}}, Batch(0, 10))), 10);
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("0-4", "5-9"));
}

TEST_F(WorkLedgerTest, RenewsAfterAThirdOfTheTimeoutWhatHasNotEnded) {
  Join();
  const auto parcel = Add(Parcel(0, 9));
  Accept(parcel, 4);
  v1::WorkRequest request = *ledger_.Next(Now());
  EXPECT_THAT(request.renew(), IsEmpty());
  EXPECT_EQ(ledger_.NextTime(), Now() + kAckTimeout / 3);
  clock_.Advance(kAckTimeout / 3 - absl::Milliseconds(1));
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  clock_.Advance(absl::Milliseconds(1));
  parcel->Claim();  // at work
  request = *ledger_.Next(Now());
  EXPECT_THAT(Spans(request.renew()), ElementsAre("4-9"));
  EXPECT_EQ(request.renew(0).lock_token().counter(), 1);
  const absl::Duration before = parcel->locked_until();
  EXPECT_TRUE(ledger_.TakeAnswers(v1::WorkResponse(), Now()).ok());
  v1::WorkResponse answer;
  *answer.add_renewed() = Answer(request, v1::OK).renewed(0);
  EXPECT_TRUE(ledger_.TakeAnswers(answer, Now()).ok());
  EXPECT_EQ(parcel->locked_until(), before + kAckTimeout / 3);
  EXPECT_EQ(ledger_.counters().renewed, 6);
  EXPECT_EQ(ledger_.NextTime(), Now() + kAckTimeout / 3);
}

TEST_F(WorkLedgerTest, ALockThatIsLostWhenRenewedTakesTheJobFromTheQueue) {
  Join();
  const auto parcel = Add(Parcel(0, 2));
  EXPECT_EQ(parcel->Claim(), 0u);
  clock_.Advance(kAckTimeout / 3);
  const v1::WorkRequest request = *ledger_.Next(Now());
  EXPECT_TRUE(ledger_.TakeAnswers(Answer(request, v1::LOCK_LOST), Now()).ok());
  EXPECT_EQ(parcel->Claim(), std::nullopt);
  EXPECT_EQ(ledger_.counters().lock_lost, 2);
  EXPECT_EQ(ledger_.counters().open, 1);
  EXPECT_TRUE(parcel->Accept(0));  // what is at work is acknowledged all the same
  ledger_.NoteAccepted(parcel, Now());
  ledger_.NoteWork(1, absl::Seconds(1));
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("0-0"));
}

TEST_F(WorkLedgerTest, WhatABreakLeftUnansweredIsSaidAgainBeforeEverythingElse) {
  Join();
  const auto parcel = Add(Parcel(0, 99));
  Accept(parcel, 5);
  ledger_.Next(Now());
  ledger_.End(parcel, *parcel->Claim(), JobResult::Reject("no"), Now());
  Accept(parcel, 4);
  ledger_.Break();
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  Join(/*resumed=*/true);
  const v1::WorkRequest request = *ledger_.Next(Now());
  EXPECT_THAT(Spans(request.acknowledge()), ElementsAre("0-4", "5-5", "6-9"));
  EXPECT_EQ(request.acknowledge(1).type(), v1::REJECT);
  EXPECT_GT(request.credits(), 0);
  EXPECT_EQ(ledger_.counters().open, 90);
}

TEST_F(WorkLedgerTest, RenewalsThatABreakTookAlongAreMadeAgainAtOnce) {
  Join();
  Add(Parcel(0, 2));
  clock_.Advance(kAckTimeout / 3);
  EXPECT_THAT(ledger_.Next(Now())->renew(), SizeIs(1));
  ledger_.Break();
  EXPECT_EQ(ledger_.NextTime(), absl::InfiniteDuration());
  Join(/*resumed=*/true);
  EXPECT_THAT(Spans(ledger_.Next(Now())->renew()), ElementsAre("0-2"));
}

TEST_F(WorkLedgerTest, ASessionThatIsGoneLosesWhatIsNotBegunAndIsNotRenewed) {
  Join();
  const auto parcel = Add(Parcel(0, 2));
  parcel->Claim();
  ledger_.Break();
  Join(/*resumed=*/false);
  EXPECT_EQ(ledger_.counters().lock_lost, 2);
  EXPECT_EQ(ledger_.NextTime(), absl::InfiniteDuration());
  const auto next = Add(Parcel(10, 12));
  EXPECT_EQ(ledger_.NextTime(), Now() + kAckTimeout / 3);
  if (parcel->Accept(0)) ledger_.NoteAccepted(parcel, Now());
  Accept(next, 3);
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("0-0", "10-12"));
}

TEST_F(WorkLedgerTest, AnErrorThatPassesIsSaidAgainAfterAPause) {
  Join();
  Accept(Add(Parcel(0, 2)), 3);
  ledger_.Next(Now());
  v1::WorkResponse answer;
  v1::Error* const error = answer.add_acknowledged()->mutable_error();
  error->set_reason("COMMIT_UNCERTAIN");
  error->set_retry_after_ms(700);
  EXPECT_TRUE(ledger_.TakeAnswers(answer, Now()).ok());
  EXPECT_FALSE(ledger_.Next(Now()).has_value());
  EXPECT_FALSE(ledger_.all_said());
  clock_.Advance(absl::Milliseconds(700));
  EXPECT_THAT(Spans(ledger_.Next(Now())->acknowledge()), ElementsAre("0-2"));
}

TEST_F(WorkLedgerTest, AMessageHasAtMostAsManyItemsAndBytesAsTheBrokerTakes) {
  ledger_.Join(false, kAckTimeout);
  std::vector<Range> ranges;
  for (int64_t i = 0; i < 25'000; ++i) ranges.push_back({i, i, i + 1});
  const auto parcel = Add(Parcel(ranges, Batch(0, 25'000)));
  Accept(parcel, 24'900);
  while (const auto job = parcel->Claim())
    ledger_.End(parcel, *job, JobResult::Reject(std::string(4'000, 'x')), Now());
  int64_t items = 0;
  while (const auto request = ledger_.Next(Now())) {
    items += request->acknowledge_size();
    EXPECT_LE(request->acknowledge_size(), 10'000);
    EXPECT_LT(request->ByteSizeLong(), 1u << 20);
    ledger_.Stop();  // nothing gathers any longer
  }
  EXPECT_EQ(items, 25'000);
  EXPECT_TRUE(ledger_.all_said());
}

TEST_F(WorkLedgerTest, AnswersToNothingAreAnError) {
  Join();
  v1::WorkResponse answer;
  answer.add_acknowledged();
  EXPECT_EQ(ReasonOf(ledger_.TakeAnswers(answer, Now())), Reason::kInternal);
  answer.Clear();
  answer.add_renewed();
  EXPECT_EQ(ReasonOf(ledger_.TakeAnswers(answer, Now())), Reason::kInternal);
}

TEST_F(WorkLedgerTest, StopGivesBackWhatIsNotBegunAndAsksForNothing) {
  Join();
  const auto parcel = Add(Parcel(0, 9));
  parcel->Claim();
  ledger_.Stop();
  EXPECT_EQ(ledger_.counters().open, 1);
  EXPECT_EQ(ledger_.counters().lock_lost, 0);
  EXPECT_FALSE(ledger_.all_said());
  if (parcel->Accept(0)) ledger_.NoteAccepted(parcel, Now());
  const v1::WorkRequest request = *ledger_.Next(Now());
  EXPECT_EQ(request.credits(), 0);
  EXPECT_THAT(Spans(request.acknowledge()), ElementsAre("0-0"));
  EXPECT_TRUE(ledger_.all_said());
}

TEST(WorkWireTest, AMessageInPiecesIsOneAnswer) {
  v1::WorkResponse response;
  *response.add_deliveries() = DeliveryOf({{0, 9}}, Batch(0, 10));
  const auto bytes = std::make_shared<const std::string>(response.SerializeAsString());
  SharedBytes::Pieces pieces;
  for (size_t at = 0; at < bytes->size(); at += 7)
    pieces.push_back(absl::string_view(*bytes).substr(at, 7));
  const auto answer = DecodeWork(SharedBytes(pieces, bytes));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)->SerializeAsString(), *bytes);
  EXPECT_EQ(ReasonOf(DecodeWork(SharedBytes::FromString("\xff")).status()), Reason::kInternal);
}

}  // namespace
}  // namespace weir::client
