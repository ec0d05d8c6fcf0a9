// What a shard tells of its share-partitions to who watches the broker.
#include "broker/share/share_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"
#include "tests/support/share_world.h"

namespace weir {
namespace {

class ShareSurveyTest : public ::testing::Test {
 protected:
  static SharePartitionId IdOf(int32_t partition, const std::string& group = "g") {
    return {group, {TopicId{{1}}, PartitionIndex{partition}}};
  }
  void Open(const SharePartitionId& id, ShareSettings settings = {}) {
    settings.incarnation = 7;
    world_.settings().Set(id.group, settings);
    world_.Run([&](const MachineTime& now) {
      return world_.machine().admin().Open(
          now, id, Offset{0},
          [](const absl::StatusOr<Offset>& opened) { ASSERT_TRUE(opened.ok()); });
    });
  }
  void Produce(const SharePartitionId& id, int64_t count, const std::string& key = "",
               int64_t deliver_at_ms = 0) {
    FakeJobLog& log = world_.log(id.partition);
    log.records.insert(log.records.end(), static_cast<size_t>(count),
                       {.key = key, .deliver_at_ms = deliver_at_ms, .batch_first = Offset{-1}});
  }
  Acquired Acquire(const SharePartitionId& id, int64_t jobs) {
    return *world_.Acquire({.id = id,
                            .session = ShareSessionId{1},
                            .worker = "w",
                            .max_jobs = jobs,
                            .session_is_idle = false,
                            .scan = {}});
  }
  void Acknowledge(const SharePartitionId& id, const Acquired& acquired, AckOutcome outcome) {
    AcknowledgeRequest request{.id = id, .log_end = world_.log(id.partition).end(), .items = {}};
    for (const AcquiredJobs& jobs : acquired.jobs)
      request.items.push_back({jobs.first, jobs.last, jobs.token, outcome, {}, {}});
    world_.Run([&](const MachineTime& now) {
      return world_.machine().acknowledgement().Acknowledge(
          now, request, [](const absl::StatusOr<std::vector<AckResult>>&) {});
    });
  }
  SharePage Page(int64_t from) {
    SharePage page;
    world_.Run([&](const MachineTime&) {
      return world_.machine().survey().Page(
          from, [&page](absl::StatusOr<SharePage> answer) { page = *std::move(answer); });
    });
    return page;
  }
  // All pages; `pages` counts them.
  std::map<SharePartitionId, ShareGlance> Walk(int* pages) {
    std::map<SharePartitionId, ShareGlance> all;
    for (int64_t from = 0;;) {
      const SharePage page = Page(from);
      ++*pages;
      for (const ShareGlance& glance : page.partitions)
        EXPECT_TRUE(all.emplace(glance.id, glance).second) << "shown twice";
      if (!page.next.has_value()) return all;
      EXPECT_GT(*page.next, from) << "no way on";
      from = *page.next;
    }
  }

  ShareWorld world_;
};

TEST_F(ShareSurveyTest, EveryJobIsCountedByWhatItIsAt) {
  const SharePartitionId id = IdOf(0);
  Open(id, {.order = ShareOrder::kKey, .max_delivery_attempts = 3});
  Produce(id, 2);
  Acknowledge(id, Acquire(id, 2), AckOutcome::kAccept);
  Produce(id, 1);
  Acknowledge(id, Acquire(id, 1), AckOutcome::kReject);
  Produce(id, 1);
  Acknowledge(id, Acquire(id, 1), AckOutcome::kReleaseUncounted);  // delayed: 3
  Produce(id, 1, "", world_.now().now_ms + 60'000);                // delayed: 4
  Produce(id, 3, "hot");                                           // 6 and 7 behind 5
  Produce(id, 5);
  Acquire(id, 2);
  FakeJobLog& log = world_.log(id.partition);
  const SharePage page = Page(0);
  EXPECT_FALSE(page.next.has_value());
  ASSERT_EQ(page.partitions.size(), 1u);
  const ShareGlance& glance = page.partitions[0];
  EXPECT_EQ(glance.id, id);
  EXPECT_EQ(glance.incarnation, 7);
  EXPECT_EQ(glance.jobs.in_flight, 2);
  EXPECT_EQ(glance.jobs.available, 4);
  EXPECT_EQ(glance.jobs.delayed, 2);
  EXPECT_EQ(glance.jobs.blocked, 2);
  EXPECT_EQ(glance.jobs.dying, 1);
  EXPECT_EQ(glance.counts.accepted, 2);
  EXPECT_EQ(glance.tally.uncounted_releases, 1);
  EXPECT_EQ(glance.progress.Unfinished(log.start, log.end()), glance.jobs.all());
  EXPECT_EQ(glance.progress.OldestUnfinished(log.start, log.end()), Offset{2});
  Produce(id, 100);
  EXPECT_EQ(glance.progress.Unfinished(log.start, log.end()), glance.jobs.all() + 100)
      << "what nobody has looked at yet";
}

TEST_F(ShareSurveyTest, WhatIsDoneIsNotUnfinishedAgainAfterAReload) {
  const SharePartitionId id = IdOf(0);
  Open(id);
  Produce(id, 100);
  Acquire(id, 1);
  Acknowledge(id, Acquire(id, 49), AckOutcome::kAccept);
  world_.WriteStore();
  ASSERT_EQ(world_.Restart(), "");
  const ShareGlance glance = Page(0).partitions.at(0);
  EXPECT_EQ(glance.progress.Unfinished(Offset{0}, Offset{100}), 51);
  EXPECT_EQ(glance.progress.OldestUnfinished(Offset{0}, Offset{100}), Offset{0});
  EXPECT_EQ(glance.counts.accepted, 49);
}

TEST_F(ShareSurveyTest, AnEmptyLogHasNoOldestJobAndALaterStartHasLessOfThem) {
  const ShareProgress progress{.start = Offset{5}, .oldest_unfinished = Offset{5}};
  EXPECT_EQ(progress.Unfinished(Offset{0}, Offset{5}), 0);
  EXPECT_EQ(progress.OldestUnfinished(Offset{0}, Offset{5}), Offset{5});
  EXPECT_EQ(progress.Unfinished(Offset{8}, Offset{10}), 2);
  EXPECT_EQ(progress.OldestUnfinished(Offset{8}, Offset{10}), Offset{8});
  EXPECT_EQ(progress.Unfinished(Offset{0}, Offset{3}), 0) << "the end was looked up too early";
}

TEST_F(ShareSurveyTest, PagesAreBoundedAndTogetherHoldEverythingOnce) {
  constexpr int32_t kPartitions = 2'500;
  for (int32_t i = 0; i < kPartitions; ++i) Open(IdOf(i));
  int pages = 0;
  EXPECT_EQ(Walk(&pages).size(), static_cast<size_t>(kPartitions));
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(Page(0).partitions.size(), limits::kSurveyShares);
}

TEST_F(ShareSurveyTest, ReadsOfTheStoreMakeAPageShorter) {
  constexpr int32_t kPartitions = 300;
  for (int32_t i = 0; i < kPartitions; ++i) {
    Open(IdOf(i));
    Produce(IdOf(i), 2);
    Acknowledge(IdOf(i), Acquire(IdOf(i), 1), AckOutcome::kReleaseUncounted);
    Acknowledge(IdOf(i), Acquire(IdOf(i), 1), AckOutcome::kAccept);
  }
  int pages = 0;
  for (const auto& [id, glance] : Walk(&pages)) {
    EXPECT_EQ(glance.progress.start, Offset{2});
    EXPECT_EQ(glance.progress.oldest_unfinished, Offset{0});
  }
  EXPECT_EQ(pages, 3);
}

TEST_F(ShareSurveyTest, AStoreThatCannotBeReadCostsNothingButTheOldestJob) {
  Open(IdOf(0));
  Produce(IdOf(0), 2);
  Acknowledge(IdOf(0), Acquire(IdOf(0), 1), AckOutcome::kReleaseUncounted);
  Acknowledge(IdOf(0), Acquire(IdOf(0), 1), AckOutcome::kAccept);
  world_.FailReads(absl::UnavailableError("for the test"));
  EXPECT_EQ(Page(0).partitions.at(0).progress.oldest_unfinished, Offset{2});
  world_.FailReads(absl::OkStatus());
  EXPECT_EQ(Page(0).partitions.at(0).progress.oldest_unfinished, Offset{0});
  EXPECT_EQ(Page(0).partitions.at(0).progress.parked, 1);
}

}  // namespace
}  // namespace weir
