// The records of share groups against tests/golden/share_records.txt, which never changes: they are
// written like that, and read back from it; and what is no record of them is refused.
#include "broker/share/share_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "broker/share/share_table.h"
#include "storage/meta/share_keys.h"
#include "tests/golden/golden_files.h"
#include "tests/support/fake_state_store.h"

namespace weir {
namespace {

constexpr TopicId kTopic{{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,  //
                          0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
constexpr int64_t kStartMs = 1'767'225'600'000;
constexpr SharePlace kPlace{PartitionIndex{5}, 2};

const std::string& Golden(const std::string& name) {
  static const auto& files = *new std::map<std::string, std::string>([] {
    const auto pairs = ParseHexPairs(GoldenFile("share_records.txt"));
    EXPECT_TRUE(pairs.has_value());
    return std::map<std::string, std::string>(pairs->begin(), pairs->end());
  }());
  return files.at(name);
}

SharePartitionOpened Opened() {
  return {.number = 2,
          .id = {"email", {kTopic, PartitionIndex{1}}},
          .incarnation = kStartMs,
          .start = Offset{100}};
}

ParkedJob Retry() {
  return {.offset = Offset{7},
          .last = Offset{7},
          .cause = ParkedCause::kRetry,
          .due_ms = kStartMs + 1'000,
          .attempts = 2,
          .uncounted = 1,
          .alone = true,
          .holds_key = true,
          .key = KeyHash{0x0102030405060708, 0x090a0b0c0d0e0f10},
          .last_lock = {LeaderEpoch{3}, 9}};
}

ParkedJob Blocked() {
  ParkedJob job = Retry();
  return {.offset = Offset{8},
          .last = Offset{8},
          .cause = ParkedCause::kBlocked,
          .due_ms = kOrdinaryTurn,
          .key = job.key};
}

ParkedJob Unreadable() {
  return {.offset = Offset{20},
          .last = Offset{24},
          .cause = ParkedCause::kDying,
          .due_ms = kStartMs,
          .reason = DeathReason::kUnreadable,
          .letters_failed = 1};
}

AttemptEnd Attempt() { return {kStartMs, "w1", "RELEASED", "timed out"}; }

JobsFinished Finished() {
  return {.number = 2,
          .cause = FinishCause::kAccepted,
          .ranges = {{Offset{100}, Offset{599}}, {Offset{605}, Offset{605}}},
          .parked = {Retry()}};
}

JobsParked Parked() {
  return {.number = 2,
          .jobs = {Retry(), Blocked(), Unreadable()},
          .before = {Retry()},
          .attempt = Attempt()};
}

TEST(ShareRecordsTest, AreWrittenAsTheGoldenOnes) {
  const auto expect = [](const InternalRecord& record, uint16_t kind, const std::string& name) {
    EXPECT_EQ(record.kind, kind) << name;
    EXPECT_EQ(record.version, 1) << name;
    EXPECT_EQ(absl::BytesToHexString(record.payload), absl::BytesToHexString(Golden(name))) << name;
  };
  expect(ShareRecordOf(Opened()), 64, "opened");
  expect(SharePartitionRemovedRecord(2), 65, "removed");
  expect(ShareRecordOf(Finished()), 66, "finished");
  expect(ShareRecordOf(Parked()), 67, "parked");
  expect(ShareRecordOf(ShareStartMoved{2, Offset{1'000}, 12}), 68, "start-moved");
  EXPECT_EQ(absl::BytesToHexString(EncodeAttemptEnd(Attempt())),
            absl::BytesToHexString(Golden("attempt")));
}

TEST(ShareRecordsTest, TheGoldenOnesAreRead) {
  const SharePartitionOpened opened = *DecodeSharePartitionOpened(Golden("opened"));
  EXPECT_EQ(opened.number, 2);
  EXPECT_EQ(opened.id, Opened().id);
  EXPECT_EQ(opened.incarnation, kStartMs);
  EXPECT_EQ(opened.start, Offset{100});
  EXPECT_EQ(*DecodeSharePartitionRemoved(Golden("removed")), 2);
  const JobsFinished finished = *DecodeJobsFinished(Golden("finished"));
  EXPECT_EQ(finished.number, 2);
  EXPECT_EQ(finished.cause, FinishCause::kAccepted);
  EXPECT_EQ(finished.ranges, Finished().ranges);
  EXPECT_EQ(finished.parked, Finished().parked);
  const JobsParked parked = *DecodeJobsParked(Golden("parked"));
  EXPECT_EQ(parked.number, 2);
  EXPECT_EQ(parked.jobs, Parked().jobs);
  EXPECT_EQ(parked.before, Parked().before);
  EXPECT_EQ(parked.attempt, Parked().attempt);
  const ShareStartMoved moved = *DecodeShareStartMoved(Golden("start-moved"));
  EXPECT_EQ(moved.number, 2);
  EXPECT_EQ(moved.start, Offset{1'000});
  EXPECT_EQ(moved.expired, 12);
  EXPECT_EQ(*DecodeAttemptEnd(Golden("attempt")), Attempt());
}

class ShareTableTest : public ::testing::Test {
 protected:
  absl::Status Replay(InternalRecord record) {
    std::vector<StateChange> changes;
    const absl::Status status = table_.Replay(record, &changes);
    if (status.ok()) {
      EXPECT_TRUE(store_.Write(changes).ok());
    }
    return status;
  }
  std::vector<std::string> Keys(StateFamily family) {
    std::vector<std::string> keys;
    for (const auto& [place, value] : store_.content()) {
      if (place.first == family) keys.push_back(absl::BytesToHexString(place.second));
    }
    return keys;
  }

  ShareTable table_{kPlace.shard};
  FakeStateStore store_;
};

TEST_F(ShareTableTest, KeepsItsStateWhereThePageSays) {
  ASSERT_TRUE(Replay(ShareRecordOf(Opened())).ok());
  ASSERT_TRUE(
      Replay(ShareRecordOf(JobsFinished{.number = 2, .ranges = {{Offset{110}, Offset{119}}}}))
          .ok());
  JobsParked parked{.number = 2, .jobs = {Retry(), Blocked()}, .attempt = Attempt()};
  for (ParkedJob& job : parked.jobs) job.offset = job.last = job.offset + 100;
  ASSERT_TRUE(Replay(ShareRecordOf(parked)).ok());
  const std::string p = "00000005";
  const std::string s = p + "0000000000000002";
  EXPECT_THAT(Keys(StateFamily::kShares),
              testing::ElementsAre(p + "0000000000000000", s, s + "66000000000000006b",
                                   s + "66000000000000006e"));
  const std::string hash = "0102030405060708090a0b0c0d0e0f10";
  EXPECT_THAT(
      Keys(StateFamily::kParked),
      testing::ElementsAre(s + "640000019b76daabe8000000000000006b",
                           s + "68000000000000006b00000003", s + "68000000000000006c00000000",
                           s + "6b" + hash + "0000000000000000000000000000006b",
                           s + "6b" + hash + "7fffffffffffffff000000000000006c",
                           s + "6f000000000000006b", s + "6f000000000000006c"));
  ShareTable again(kPlace.shard);
  ASSERT_TRUE(again.Load(store_).ok());
  EXPECT_EQ(again.next_number(), 3);
  const ShareEntry* const entry = again.Find(Opened().id);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->partition.start(), Offset{100});
  EXPECT_EQ(entry->partition.parked(), 2);
  EXPECT_TRUE(entry->window.held_keys.MaybeHeld(*Retry().key));
  // It is gone with all that it had, and its number is not given again.
  ASSERT_TRUE(Replay(SharePartitionRemovedRecord(2)).ok());
  EXPECT_THAT(Keys(StateFamily::kParked), testing::IsEmpty());
  EXPECT_THAT(Keys(StateFamily::kShares), testing::ElementsAre(p + "0000000000000000"));
  ASSERT_TRUE(again.Load(store_).ok());
  EXPECT_EQ(again.next_number(), 3);
}

TEST_F(ShareTableTest, RefusesKindsAndVersionsThatItDoesNotKnow) {
  for (const uint16_t kind : {0, 1, 63, 69, 65535})
    EXPECT_TRUE(absl::IsDataLoss(Replay({.kind = kind, .payload = Golden("opened")}))) << kind;
  EXPECT_TRUE(absl::IsDataLoss(Replay({.kind = 64, .version = 2, .payload = Golden("opened")})));
}

TEST_F(ShareTableTest, RefusesRecordsThatMakeNoSense) {
  EXPECT_TRUE(absl::IsDataLoss(Replay(ShareRecordOf(Finished())))) << "of no share-partition";
  EXPECT_TRUE(absl::IsDataLoss(Replay(SharePartitionRemovedRecord(2))));
  ASSERT_TRUE(Replay(ShareRecordOf(Opened())).ok());
  EXPECT_TRUE(absl::IsDataLoss(Replay(ShareRecordOf(Opened())))) << "opened twice";
  const auto finish = [this](int64_t first, int64_t last) {
    return Replay(
        ShareRecordOf(JobsFinished{.number = 2, .ranges = {{Offset{first}, Offset{last}}}}));
  };
  EXPECT_TRUE(absl::IsDataLoss(finish(99, 100))) << "below the start";
  ASSERT_TRUE(finish(105, 110).ok());
  EXPECT_TRUE(absl::IsDataLoss(finish(110, 111))) << "done twice";
  EXPECT_TRUE(absl::IsDataLoss(
      Replay(ShareRecordOf(JobsFinished{.number = 2, .ranges = {}, .parked = {Retry()}}))))
      << "not parked";
  for (const std::string& bytes :
       {std::string("\xff"), std::string(), Golden("removed"), Golden("attempt")}) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeSharePartitionOpened(bytes).status()));
    EXPECT_TRUE(absl::IsDataLoss(DecodeJobsFinished(bytes).status()));
  }
}

// What is damaged in the store is found when it is loaded, or when the job is looked for.
TEST_F(ShareTableTest, RefusesAStoreThatMakesNoSense) {
  const auto load = [this] { return ShareTable(kPlace.shard).Load(store_); };
  const auto put = [this](const std::string& key, const std::string& value) {
    EXPECT_TRUE(store_.Write({{StateFamily::kShares, key, value}}).ok());
  };
  const std::string finished = ShareFinishedKey(kPlace, Offset{100});
  put(finished, std::string(8, '\0'));
  EXPECT_TRUE(absl::IsDataLoss(load())) << "a range of no share-partition";
  EXPECT_TRUE(store_.Write({{StateFamily::kShares, finished, std::nullopt}}).ok());
  put(ShareStateKey(kPlace), "");
  EXPECT_TRUE(absl::IsDataLoss(load())) << "an empty state";
  EXPECT_TRUE(store_.Write({{StateFamily::kShares, ShareStateKey(kPlace), std::nullopt}}).ok());
  put(ShareNextNumberKey(kPlace.shard), "short");
  EXPECT_TRUE(absl::IsDataLoss(load()));
  put(ShareNextNumberKey(kPlace.shard), std::string(8, '\1'));
  EXPECT_TRUE(load().ok());
  put(ShareStateKey(kPlace) + "x", "");
  EXPECT_TRUE(absl::IsDataLoss(load())) << "a key that means nothing";
}

TEST(ParkedPlaceTest, IsReadBack) {
  const ParkedPlace due{ParkedCause::kDelayed, kStartMs, {}};
  const ParkedPlace line{ParkedCause::kBlocked, kOrdinaryTurn, Retry().key};
  for (const ParkedPlace& place : {due, line}) {
    const ParkedPlace read = *DecodeParkedPlace(EncodeParkedPlace(place));
    EXPECT_EQ(read.cause, place.cause);
    EXPECT_EQ(read.due_ms, place.due_ms);
    EXPECT_EQ(read.key, place.key);
  }
  EXPECT_FALSE(DecodeParkedPlace("").ok());
  EXPECT_FALSE(DecodeParkedPlace(std::string(9, '\0')).ok());
  EXPECT_FALSE(DecodeParkedPlace(EncodeParkedPlace(line).substr(0, 20)).ok());
  EXPECT_FALSE(DecodeParkedPlace(EncodeParkedPlace(due) + std::string(16, 'x')).ok());
}

}  // namespace
}  // namespace weir
