#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/metrics/group_collector.h"
#include "broker/metrics/http_server.h"
#include "broker/metrics/metrics.h"
#include "broker/metrics/partition_collector.h"
#include "broker/metrics/share_collector.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, CallsAreCountedByNameAndErrorsByReason) {
  Metrics metrics;
  metrics.CountCall(Call::kProduce, absl::Milliseconds(3), absl::OkStatus());
  metrics.CountCall(Call::kFetch, absl::Milliseconds(3),
                    MakeError(Reason::kUnknownTopic, "no topic"));
  metrics.CountError(absl::InternalError("no reason"));
  metrics.CountCall(Call::kFetch, absl::Milliseconds(3), absl::CancelledError("gone"));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("weir_call_seconds_count{call=\"Produce\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_call_seconds_bucket{call=\"Produce\",le=\"0.0032\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_call_seconds_bucket{call=\"Produce\",le=\"0.0016\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("weir_errors_total{reason=\"UNKNOWN_TOPIC\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_errors_total{reason=\"OTHER\"} 1\n"));
}

TEST(MetricsTest, WhatWasProducedIsToldByTheDurabilityMet) {
  Metrics metrics;
  metrics.CountProduced(Durability::kDurable, 100, 11'000);
  metrics.CountProduced(Durability::kWritten, 1, 90);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("weir_produced_records_total{durability=\"durable\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("weir_produced_bytes_total{durability=\"written\"} 90\n"));
}

TEST(MetricsTest, RoundsShowTheirFlushTime) {
  Metrics metrics;
  metrics.CountRound({.requests = 3,
                      .batches = 4,
                      .payload_bytes = 1000,
                      .journal_bytes = 4096,
                      .flush = absl::Milliseconds(1)});
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("weir_fsync_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_journal_written_bytes_total 4096\n"));
}

TEST(MetricsTest, GaugesAreAskedWhenScrapedUntilTheyAreDropped) {
  Metrics metrics;
  double value = 1;
  metrics.AddGauge("weir_test", "A test", [&] { return value; });
  value = 42;
  EXPECT_THAT(metrics.Text(), HasSubstr("weir_test 42\n"));
  metrics.DropCollectors();
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("weir_test")));
}

std::string TextOf(const GroupsSample& sample) {
  Metrics metrics;
  metrics.AddCollector(std::make_unique<GroupCollector>([&sample] { return sample; }));
  return metrics.Text();
}

TEST(GroupCollectorTest, AGroupHasSeriesOfItsOwnAndOfEachTopic) {
  GroupsSample sample;
  sample.groups.push_back(
      {.group = "billing",
       .state = "stable",
       .members = 3,
       .activity = {.rebalances = 4, .fenced_members = 5, .commits = 6, .committed_offsets = 7},
       .topics = {{.name = "orders", .lag = 30, .largest_lag = 20, .lag_seconds = 1.5},
                  {.name = "events", .lag = 40, .largest_lag = 40}}});
  const std::string text = TextOf(sample);
  for (const char* line :
       {"weir_group_members{group=\"billing\"} 3\n",
        "weir_group_state{group=\"billing\",state=\"stable\"} 1\n",
        "weir_group_rebalances_total{group=\"billing\"} 4\n",
        "weir_group_fenced_members_total{group=\"billing\"} 5\n",
        "weir_group_offset_commits_total{group=\"billing\"} 6\n",
        "weir_group_committed_offsets_total{group=\"billing\"} 7\n",
        "weir_group_lag_records{group=\"billing\",topic=\"orders\"} 30\n",
        "weir_group_lag_records_max{group=\"billing\",topic=\"orders\"} 20\n",
        "weir_group_lag_seconds{group=\"billing\",topic=\"orders\"} 1.5\n",
        "weir_group_lag_records{group=\"billing\",topic=\"events\"} 40\n",
        "# TYPE weir_group_offset_commits_total counter\n", "# TYPE weir_group_members gauge\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("weir_group_lag_seconds{group=\"billing\",topic=\"events\"}")))
      << "it is not known";
}

TEST(GroupCollectorTest, TotalsAreThereOnlyWhenEverybodyHasAnswered) {
  GroupsSample sample{.totals = GroupsSample::Totals{.by_state = {{"empty", 2}, {"stable", 0}},
                                                     .members = 9,
                                                     .activity = {.commits = 8}}};
  EXPECT_THAT(TextOf(sample), HasSubstr("weir_groups{state=\"empty\"} 2\n"));
  EXPECT_THAT(TextOf(sample), HasSubstr("weir_groups{state=\"stable\"} 0\n"));
  EXPECT_THAT(TextOf(sample), HasSubstr("weir_members 9\n"));
  EXPECT_THAT(TextOf(sample), HasSubstr("weir_offset_commits_total 8\n"));
  sample.totals.reset();
  EXPECT_THAT(TextOf(sample), Not(HasSubstr("weir_offset_commits_total")));
}

TEST(GroupCollectorTest, WhatIsMissingIsSaid) {
  const std::string text = TextOf(GroupsSample{
      .omitted_groups = 1, .omitted_lags = 2, .omitted_ages = 3, .unanswered_shards = 4});
  EXPECT_THAT(text, HasSubstr("weir_groups_omitted 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_group_lags_omitted 2\n"));
  EXPECT_THAT(text, HasSubstr("weir_group_lag_seconds_omitted 3\n"));
  EXPECT_THAT(text, HasSubstr("weir_group_shards_unanswered 4\n"));
}

std::string TextOf(const SharesSample& sample) {
  Metrics metrics;
  metrics.AddCollector(std::make_unique<ShareCollector>([&sample] { return sample; }));
  return metrics.Text();
}

TEST(ShareCollectorTest, AGroupHasSeriesOfEachTopicAndOfItself) {
  SharesSample sample{.by_state = {{"running", 1}, {"paused", 0}, {"paused_by_breaker", 1}}};
  sample.groups.push_back({.group = "email",
                           .paused = true,
                           .paused_by_breaker = true,
                           .topics = {{.name = "orders",
                                       .available = 1,
                                       .in_flight = 2,
                                       .delayed = 3,
                                       .blocked = 4,
                                       .dying = 5,
                                       .unfinished = 16,
                                       .oldest_seconds = 1.5,
                                       .accepted = 6,
                                       .cancelled = 7,
                                       .expired = 8,
                                       .died = {{"REJECTED", 9}, {"MAX_ATTEMPTS", 10}},
                                       .locks_expired = 11,
                                       .uncounted_releases = 12},
                                      {.name = "events", .unfinished = 40}}});
  sample.groups.push_back({.group = "idle", .topics = {}});
  const std::string text = TextOf(sample);
  const std::string labels = "{group=\"email\",topic=\"orders\"} ";
  const std::pair<const char*, int> numbers[] = {{"available_jobs", 1},
                                                 {"in_flight_jobs", 2},
                                                 {"delayed_jobs", 3},
                                                 {"blocked_jobs", 4},
                                                 {"dying_jobs", 5},
                                                 {"unfinished_jobs", 16},
                                                 {"accepted_total", 6},
                                                 {"cancelled_total", 7},
                                                 {"expired_total", 8},
                                                 {"locks_expired_total", 11},
                                                 {"uncounted_releases_total", 12}};
  for (const auto& [name, value] : numbers)
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\nweir_share_", name, labels, value, "\n")));
  for (const char* line :
       {"weir_share_oldest_unfinished_seconds{group=\"email\",topic=\"orders\"} 1.5\n",
        "weir_share_died_total{group=\"email\",topic=\"orders\",reason=\"REJECTED\"} 9\n",
        "weir_share_died_total{group=\"email\",topic=\"orders\",reason=\"MAX_ATTEMPTS\"} 10\n",
        "weir_share_paused{group=\"email\"} 1\n", "weir_share_paused{group=\"idle\"} 0\n",
        "weir_share_paused_by_breaker{group=\"email\"} 1\n",
        "weir_share_groups{state=\"running\"} 1\n", "weir_share_groups{state=\"paused\"} 0\n",
        "# TYPE weir_share_accepted_total counter\n", "# TYPE weir_share_delayed_jobs gauge\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("oldest_unfinished_seconds{group=\"email\",topic=\"events\"}")))
      << "it is not known";
}

TEST(ShareCollectorTest, WhatIsMissingIsSaid) {
  const std::string text = TextOf(SharesSample{
      .omitted_groups = 1, .omitted_topics = 2, .omitted_ages = 3, .unanswered_shards = 4});
  EXPECT_THAT(text, HasSubstr("weir_share_groups_omitted 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_share_topics_omitted 2\n"));
  EXPECT_THAT(text, HasSubstr("weir_share_oldest_unfinished_omitted 3\n"));
  EXPECT_THAT(text, HasSubstr("weir_share_shards_unanswered 4\n"));
}

TEST(PartitionCollectorTest, PartitionsBeyondTheBoundAreOnlyInTheSumOfTheirTopic) {
  Metrics metrics;
  metrics.AddCollector(std::make_unique<PartitionCollector>([] {
    std::vector<PartitionSample> samples;
    for (size_t i = 0; i < limits::kMetricPartitions + 5; ++i) {
      samples.push_back({.topic = "many",
                         .partition = PartitionIndex{static_cast<int32_t>(i)},
                         .log_start = Offset{1},
                         .high_watermark = Offset{3},
                         .size_bytes = 10});
    }
    samples.push_back({.topic = "one",
                       .partition = PartitionIndex{0},
                       .high_watermark = Offset{7},
                       .size_bytes = 70});
    return samples;
  }));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("weir_partition_high_watermark{topic=\"many\",partition=\"0\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr(absl::StrCat("partition=\"", limits::kMetricPartitions, "\""))));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("weir_topic_records{topic=\"many\"} ",
                                           2 * (limits::kMetricPartitions + 5), "\n")));
  EXPECT_THAT(text, HasSubstr("weir_topic_size_bytes{topic=\"one\"} 70\n"));
}

TEST(PartitionCollectorTest, ASizeThatIsNotKnownMakesNoSeries) {
  Metrics metrics;
  metrics.AddCollector(std::make_unique<PartitionCollector>([] {
    return std::vector<PartitionSample>{
        {.topic = "a",
         .partition = PartitionIndex{0},
         .high_watermark = Offset{1},
         .size_bytes = 5},
        {.topic = "a", .partition = PartitionIndex{1}, .high_watermark = Offset{2}},
        {.topic = "b", .partition = PartitionIndex{0}, .size_bytes = 0}};
  }));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("weir_topic_records{topic=\"a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("weir_partition_size_bytes{topic=\"a\",partition=\"0\"} 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("weir_partition_size_bytes{topic=\"a\",partition=\"1\"}")));
  EXPECT_THAT(text, Not(HasSubstr("weir_topic_size_bytes{topic=\"a\"}")));
  EXPECT_THAT(text, HasSubstr("weir_topic_size_bytes{topic=\"b\"} 0\n"));
}

class HttpServerTest : public testing::Test {
 protected:
  httplib::Result Get(const std::string& path) {
    httplib::Client client("127.0.0.1", server_->port());
    return client.Get(path);
  }
  absl::StatusOr<std::string> ready_ = "ok, but slow";
  std::unique_ptr<HttpServer> server_ = *HttpServer::Start(
      "127.0.0.1", 0,
      {.metrics = [] { return std::string("numbers\n"); }, .ready = [this] { return ready_; }});
};

TEST_F(HttpServerTest, ServesMetricsAndHealth) {
  EXPECT_EQ(Get("/metrics")->body, "numbers\n");
  EXPECT_EQ(Get("/healthz")->status, 200);
  EXPECT_EQ(Get("/readyz")->status, 200);
  EXPECT_EQ(Get("/readyz")->body, "ok, but slow\n");
  EXPECT_EQ(Get("/etc/passwd")->status, 404);
}

TEST_F(HttpServerTest, NotReadyIsToldWithTheReason) {
  ready_ = absl::UnavailableError("the data directory is fenced");
  EXPECT_EQ(Get("/readyz")->status, 503);
  EXPECT_EQ(Get("/readyz")->body, "the data directory is fenced\n");
  EXPECT_EQ(Get("/healthz")->status, 200);
}

TEST_F(HttpServerTest, APortInUseIsAnErrorThatNamesIt) {
  const auto second = HttpServer::Start("127.0.0.1", server_->port(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("127.0.0.1:", server_->port())));
}

}  // namespace
}  // namespace weir
