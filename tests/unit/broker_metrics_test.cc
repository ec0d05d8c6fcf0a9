#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/metrics/http_server.h"
#include "broker/metrics/metrics.h"
#include "broker/metrics/partition_collector.h"
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
