// The machine of share groups where scripts would be too long: many jobs, and what is more than
// memory holds.
#include "broker/share/share_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"
#include "tests/support/share_world.h"

namespace weir {
namespace {

class ShareMachineTest : public ::testing::Test {
 protected:
  ShareMachineTest() { Configure({}); }

  void Configure(ShareSettings settings) {
    settings.incarnation = 1;
    settings_ = settings;
    world_.settings().Set(id_.group, settings);
  }
  void Open() {
    world_.Run([this](const MachineTime& now) {
      return world_.machine().admin().Open(now, id_, Offset{0},
                                           [](const absl::StatusOr<Offset>&) {});
    });
  }
  void Produce(int64_t count, const std::string& key = "", int64_t deliver_at_ms = 0) {
    FakeJobLog& log = world_.log(id_.partition);
    log.records.insert(log.records.end(), static_cast<size_t>(count),
                       {.key = key, .deliver_at_ms = deliver_at_ms, .batch_first = Offset{-1}});
  }
  Acquired Acquire(int64_t jobs, uint64_t session = 1) {
    return *world_.Acquire({.id = id_,
                            .session = ShareSessionId{session},
                            .worker = "w",
                            .max_jobs = jobs,
                            .session_is_idle = false,
                            .scan = {}},
                           10'000);
  }
  std::vector<AckResult> Acknowledge(const Acquired& acquired, AckOutcome outcome) {
    AcknowledgeRequest request{.id = id_, .log_end = world_.log(id_.partition).end(), .items = {}};
    for (const AcquiredJobs& jobs : acquired.jobs)
      request.items.push_back({jobs.first, jobs.last, jobs.token, outcome, {}, {}});
    std::vector<AckResult> results;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().acknowledgement().Acknowledge(
          now, request,
          [&results](const absl::StatusOr<std::vector<AckResult>>& given) { results = *given; });
    });
    return results;
  }
  SharePartitionDescription Describe() {
    SharePartitionDescription description;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().admin().Describe(
          now, id_, [&description](const absl::StatusOr<SharePartitionDescription>& given) {
            description = *given;
          });
    });
    return description;
  }
  static int64_t Count(const Acquired& acquired) {
    int64_t jobs = 0;
    for (const AcquiredJobs& got : acquired.jobs) jobs += got.last - got.first + 1;
    return jobs;
  }

  const SharePartitionId id_{"g", {TopicId{{1}}, PartitionIndex{0}}};
  ShareSettings settings_;
  ShareWorld world_;
};

TEST_F(ShareMachineTest, AcknowledgingManyJobsIsOneRecord) {
  Open();
  Produce(2'000);
  const int64_t records = world_.record_count();
  const Acquired acquired = Acquire(500);
  EXPECT_EQ(world_.record_count(), records) << "acquisitions are not written";
  ASSERT_EQ(acquired.jobs.size(), 1u);
  Acknowledge(acquired, AckOutcome::kAccept);
  EXPECT_EQ(world_.record_count(), records + 1);
  EXPECT_EQ(Describe().progress.start, Offset{500});
}

TEST_F(ShareMachineTest, AHundredReleasesOfAJobAreNotCountedTheNextOnesAre) {
  Configure({.max_delivery_attempts = 2});
  Open();
  Produce(1);
  for (int i = 0; i < limits::kUncountedReleases; ++i) {
    const Acquired acquired = Acquire(1);
    ASSERT_EQ(acquired.jobs.size(), 1u) << i;
    EXPECT_EQ(acquired.jobs[0].delivery_count, 1);
    Acknowledge(acquired, AckOutcome::kReleaseUncounted);
    EXPECT_EQ(Count(Acquire(1)), 0) << "it waits for the initial backoff";
    world_.Advance(absl::Milliseconds(settings_.retry_backoff_initial_ms));
  }
  Acknowledge(Acquire(1), AckOutcome::kReleaseUncounted);
  world_.Advance(absl::Minutes(1));
  const Acquired last = Acquire(1);
  ASSERT_EQ(last.jobs.size(), 1u);
  EXPECT_EQ(last.jobs[0].delivery_count, 2);
  Acknowledge(last, AckOutcome::kReleaseUncounted);
  EXPECT_EQ(Describe().jobs.dying, 1);
}

TEST_F(ShareMachineTest, TheHistoryOfAJobIsItsLastTenAttempts) {
  Configure(
      {.max_delivery_attempts = 15, .retry_backoff_initial_ms = 10, .retry_backoff_max_ms = 10});
  Open();
  Produce(1);
  for (int i = 0; i < 15; ++i) {
    Acknowledge(Acquire(1), AckOutcome::kRelease);
    world_.Advance(absl::Seconds(1));
  }
  std::vector<DyingJob> dying;
  world_.Run([&](const MachineTime& now) {
    return world_.machine().dead_letters().Take(
        now, id_, 10,
        [&dying](const absl::StatusOr<std::vector<DyingJob>>& taken) { dying = *taken; });
  });
  ASSERT_EQ(dying.size(), 1u);
  EXPECT_EQ(dying[0].attempts, 15);
  ASSERT_EQ(dying[0].history.size(), 10u);
  EXPECT_EQ(dying[0].history[0].ended_ms + 9'000, dying[0].history[9].ended_ms);
  DeadLettersRequest request{.id = id_, .jobs = {dying[0].first}, .batches = {}};
  request.batches.resize(1);
  world_.Run([&](const MachineTime& now) {
    return world_.machine().dead_letters().Write(now, std::move(request),
                                                 [](const absl::StatusOr<int64_t>&) {});
  });
  // Nothing of the job is left in the store.
  world_.WriteStore();
  for (const auto& [key, value] : world_.store().content())
    EXPECT_NE(key.first, StateFamily::kParked) << absl::CEscape(key.second);
}

// More than memory holds, parked out of the order of their times.
TEST_F(ShareMachineTest, ManyParkedJobsComeByTheirTimesThoughMemoryHoldsAFew) {
  Configure({.max_in_flight = limits::kShareInFlightMost});
  Open();
  const int64_t start_ms = world_.now().now_ms;
  constexpr int64_t kJobs = 30'000;
  for (int64_t i = 0; i < kJobs; ++i) Produce(1, "", start_ms + 1'000 + (i * 7'919) % kJobs);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Count(Acquire(100)), 0);
  EXPECT_EQ(Describe().jobs.delayed, kJobs);
  world_.WriteStore();
  ASSERT_EQ(world_.Restart(), "");
  int64_t handed_out = 0;
  for (int64_t t = 500; t <= 1'000 + kJobs; t += 500) {
    world_.Advance(absl::Milliseconds(500));
    const Acquired acquired = Acquire(1'000);
    for (const AcquiredJobs& jobs : acquired.jobs) {
      const auto& record =
          world_.log(id_.partition).records[static_cast<size_t>(jobs.first.value())];
      ASSERT_LE(record.deliver_at_ms, world_.now().now_ms);
      ASSERT_GT(record.deliver_at_ms, world_.now().now_ms - 600) << "it is late";
    }
    handed_out += Count(acquired);
    Acknowledge(acquired, AckOutcome::kAccept);
    const auto& entry = *world_.machine().table().entries().begin()->second;
    ASSERT_LE(entry.window.parked.in_memory(), 3 * limits::kParkedInMemory);
  }
  EXPECT_EQ(handed_out, kJobs);
  EXPECT_EQ(Describe().counts.accepted, kJobs);
  EXPECT_EQ(Describe().progress.parked, 0);
}

TEST_F(ShareMachineTest, OneKeyWithEverythingFlowsThroughStoreAndMemoryInOrder) {
  Configure({.order = ShareOrder::kKey});
  Open();
  Produce(1, "hot");
  const Acquired first = Acquire(1);
  Acknowledge(first, AckOutcome::kRelease);
  Produce(300, "hot");
  EXPECT_EQ(Count(Acquire(10)), 0);
  EXPECT_EQ(Describe().jobs.blocked, 300);
  Produce(50, "hot");
  world_.Advance(absl::Seconds(2));
  for (int64_t i = 0; i <= 350; ++i) {
    const Acquired acquired = Acquire(10);
    ASSERT_EQ(acquired.jobs.size(), 1u) << i;
    ASSERT_EQ(acquired.jobs[0].first, Offset{i});
    if (i % 50 == 49) {
      Acknowledge(acquired, AckOutcome::kRelease);
      world_.Advance(absl::Seconds(2));
      if (i == 149) {
        ASSERT_EQ(world_.Restart(), "");
        world_.Advance(absl::Seconds(2));
      }
      const Acquired again = Acquire(10);
      ASSERT_EQ(again.jobs.size(), 1u) << i;
      ASSERT_EQ(again.jobs[0].first, Offset{i});
      Acknowledge(again, AckOutcome::kAccept);
    } else {
      Acknowledge(acquired, AckOutcome::kAccept);
    }
  }
  EXPECT_EQ(Describe().progress.start, Offset{351});
  EXPECT_EQ(Describe().progress.parked, 0);
}

TEST_F(ShareMachineTest, WhatNoRecordTellsIsCountedOnceItIsDurableAndOverReloads) {
  Open();
  Produce(10);
  Acknowledge(Acquire(4), AckOutcome::kReleaseUncounted);
  Acquire(3);
  world_.Advance(absl::Milliseconds(settings_.ack_timeout_ms));
  const ShareTally tally{.locks_expired = 3, .uncounted_releases = 4};
  EXPECT_EQ(Describe().tally, tally);
  Acquired acquired = Acquire(2);
  ASSERT_GT(Count(acquired), 0);
  world_.FailNextAppend(absl::UnavailableError("for the test"));
  world_.Run([&](const MachineTime& now) {
    return world_.machine().sessions().Close(now, ShareSessionId{1}, [](const absl::Status&) {});
  });
  EXPECT_EQ(Describe().tally, tally) << "what failed is not counted, what was is not forgotten";
  world_.Run([&](const MachineTime&) {
    return world_.machine().admin().Remove(id_, [](const absl::Status&) {});
  });
  Open();
  EXPECT_EQ(Describe().tally, ShareTally{}) << "another share-partition";
}

// The lines in memory are full: no more is scanned until they are shorter.
TEST_F(ShareMachineTest, AKeyWithVeryManyJobsHoldsUpNoOther) {
  constexpr int64_t kHot = 10'000;
  Configure({.order = ShareOrder::kKey});
  Open();
  Produce(kHot, "hot");
  Produce(1, "other");
  const Acquired first = Acquire(1);
  ASSERT_EQ(Count(first), 1);
  Acquired other = Acquire(10);
  for (int tries = 0; Count(other) == 0 && tries < 10; ++tries) other = Acquire(10);
  ASSERT_EQ(Count(other), 1);
  EXPECT_EQ(other.jobs[0].first, Offset{kHot});
  EXPECT_EQ(Describe().jobs.blocked, kHot - 1);
  EXPECT_GT(Describe().progress.parked, 0);
  Acknowledge(other, AckOutcome::kAccept);
  Acknowledge(first, AckOutcome::kAccept);
  // In order, from memory and then from the store.
  for (int64_t i = 1; i < kHot; ++i) {
    const Acquired acquired = Acquire(10);
    ASSERT_EQ(Count(acquired), 1) << i;
    ASSERT_EQ(acquired.jobs[0].first, Offset{i});
    Acknowledge(acquired, AckOutcome::kAccept);
  }
  EXPECT_EQ(Describe().progress.start, Offset{kHot + 1});
}

TEST_F(ShareMachineTest, BehindAJobThatFailsOnAndOnTheStoreHoldsTheLine) {
  Configure({.order = ShareOrder::kKey});
  Open();
  Produce(1, "failing");
  Acknowledge(Acquire(1), AckOutcome::kRelease);
  Produce(5'000, "failing");
  world_.Advance(absl::Seconds(2));
  const Acquired again = Acquire(1);  // with it out, the others are scanned
  ASSERT_EQ(Count(again), 1);
  EXPECT_EQ(Count(Acquire(10)), 0);
  EXPECT_EQ(Describe().jobs.blocked, 5'000);
  EXPECT_GE(Describe().progress.parked, 4'900);
}

TEST_F(ShareMachineTest, KeysThatAllFailHoldUpNoOtherHoweverMuchWaitsBehindThem) {
  constexpr int kHot = 12;
  constexpr int64_t kEach = 6'000;
  Configure({.order = ShareOrder::kKey});
  Open();
  for (int key = 0; key < kHot; ++key) Produce(kEach, absl::StrCat("hot ", key));
  Produce(1, "other");
  int64_t failed = 0;
  for (int tries = 0; failed < kHot && tries < 100; ++tries) {
    const Acquired acquired = Acquire(1);
    failed += Count(acquired);
    if (Count(acquired) > 0) Acknowledge(acquired, AckOutcome::kRelease);
  }
  ASSERT_EQ(failed, kHot);
  Acquired other = Acquire(1);
  for (int tries = 0; Count(other) == 0 && tries < 10; ++tries) other = Acquire(1);
  ASSERT_EQ(Count(other), 1);
  EXPECT_EQ(other.jobs[0].first, Offset{kHot * kEach});
  EXPECT_EQ(Describe().jobs.blocked, kHot * (kEach - 1));
  Acknowledge(other, AckOutcome::kAccept);
  ASSERT_EQ(world_.Restart(), "");
  // The jobs of each key come in order all the same, through memory and store.
  world_.Advance(absl::Seconds(2));
  std::vector<int64_t> next(kHot, 0);
  for (int i = 0; i < kHot * 300; ++i) {
    Acquired acquired = Acquire(1);
    for (int tries = 0; Count(acquired) == 0 && tries < 100; ++tries) acquired = Acquire(1);
    ASSERT_EQ(Count(acquired), 1) << i;
    const int64_t offset = acquired.jobs[0].first.value();
    ASSERT_EQ(offset % kEach, next[static_cast<size_t>(offset / kEach)]++);
    Acknowledge(acquired, AckOutcome::kAccept);
  }
}

TEST_F(ShareMachineTest, JobsInLineAreBounded) {
  Configure({.order = ShareOrder::kKey});
  Open();
  for (int key = 0; key < 12; ++key) Produce(6'000, absl::StrCat("hot ", key));
  Acquired acquired = Acquire(1);
  for (int tries = 0; acquired.state == AcquireState::kOpen && tries < 100; ++tries)
    acquired = Acquire(1);
  EXPECT_EQ(acquired.state, AcquireState::kWindowLimit);
  const auto& description = Describe();
  EXPECT_LE(description.jobs.blocked - description.progress.parked,
            static_cast<int64_t>(limits::kLinedUpJobs));
}

TEST_F(ShareMachineTest, AStoreThatCannotBeReadLosesNothing) {
  Configure({.order = ShareOrder::kKey});
  Open();
  Produce(1, "a");
  Acknowledge(Acquire(1), AckOutcome::kRelease);
  Produce(2, "a");
  Acquire(10);
  world_.FailReads(absl::UnavailableError("for the test"));
  ASSERT_EQ(world_.Restart(), "");
  EXPECT_FALSE(world_.Acquire({.id = id_, .session = ShareSessionId{1}, .max_jobs = 5}).ok());
  world_.Advance(absl::Seconds(10));
  world_.FailReads(absl::OkStatus());
  world_.Advance(absl::Seconds(2));
  for (int64_t i = 0; i < 3; ++i) {
    const Acquired acquired = Acquire(5);
    ASSERT_EQ(acquired.jobs.size(), 1u) << i;
    EXPECT_EQ(acquired.jobs[0].first, Offset{i});
    Acknowledge(acquired, AckOutcome::kAccept);
  }
}

TEST_F(ShareMachineTest, ScansThatContradictThemselvesAreRefused) {
  Open();
  const auto scan = [this](ShareScan scan) {
    absl::Status status;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().acquisition().Acquire(
          now, {.id = id_, .session = ShareSessionId{1}, .max_jobs = 1, .scan = std::move(scan)},
          [&status](const absl::StatusOr<Acquired>& given) { status = given.status(); });
    });
    return status.ok();
  };
  const auto at = [](int64_t offset) { return Offset{offset}; };
  EXPECT_FALSE(scan({.from = at(-1), .to = at(0)}));
  EXPECT_FALSE(scan({.from = at(2), .to = at(1)}));
  EXPECT_FALSE(scan({.from = at(0), .to = at(5), .ranges = {{at(0), at(5)}}}));
  EXPECT_FALSE(scan({.from = at(1), .to = at(5), .ranges = {{at(0), at(4)}}}));
  EXPECT_FALSE(scan({.from = at(0), .to = at(5), .ranges = {{at(3), at(4)}, {at(0), at(2)}}}));
  EXPECT_FALSE(scan({.from = at(0), .to = at(5), .ranges = {{at(2), at(1)}}}));
  EXPECT_FALSE(scan({.from = at(0),
                     .to = at(5),
                     .ranges = {{at(0), at(4), false}},
                     .records = {{.offset = at(1)}}}));
  EXPECT_FALSE(scan({.from = at(0),
                     .to = at(5),
                     .ranges = {{at(0), at(4)}},
                     .records = {{.offset = at(1)}, {.offset = at(1)}}}));
  EXPECT_FALSE(scan(
      {.from = at(0), .to = at(5), .ranges = {{at(0), at(1)}}, .records = {{.offset = at(3)}}}));
  EXPECT_TRUE(scan({.from = at(7), .to = at(9), .ranges = {{at(7), at(8)}}})) << "too far";
  EXPECT_EQ(Describe().scanned, at(0));
  EXPECT_TRUE(scan({.from = at(0), .to = at(5), .ranges = {{at(0), at(4)}}}));
  EXPECT_TRUE(scan({.from = at(2), .to = at(6), .ranges = {{at(2), at(5)}}})) << "overlaps";
  EXPECT_EQ(Describe().scanned, at(6));
  EXPECT_EQ(Describe().jobs.all(), 6);
}

}  // namespace
}  // namespace weir
