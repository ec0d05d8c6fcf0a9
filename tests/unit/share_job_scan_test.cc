#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/share/job_scan.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch_builder.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'000'000;

struct TestRecord {
  std::optional<std::string> key;
  std::string value = "v";
  std::vector<HeaderView> headers;
};

std::string Batch(int64_t base, const std::vector<TestRecord>& records,
                  Compression compression = Compression::kNone) {
  RecordBatchBuilder builder;
  for (const TestRecord& record : records) {
    std::optional<absl::string_view> key;
    if (record.key) key = *record.key;
    builder.Append(kNow, key, record.value, record.headers);
  }
  return builder.Finish({.compression = compression, .base_offset = Offset(base)});
}

std::string Numbered(int64_t base, int count) {
  return Batch(base, std::vector<TestRecord>(static_cast<size_t>(count)));
}

testing::Matcher<const ScannedRange&> RangeIs(int64_t first, int64_t last, bool readable = true) {
  return testing::AllOf(testing::Field(&ScannedRange::first, Offset(first)),
                        testing::Field(&ScannedRange::last, Offset(last)),
                        testing::Field(&ScannedRange::readable, readable));
}

TEST(ScanJobsTest, NeighbouringBatchesAreOneRange) {
  const ShareScan scan = ScanJobs(Numbered(5, 3) + Numbered(8, 2), Offset{5}, {});
  EXPECT_EQ(scan.from, Offset{5});
  EXPECT_EQ(scan.to, Offset{10});
  EXPECT_THAT(scan.ranges, ElementsAre(RangeIs(5, 9)));
  EXPECT_THAT(scan.records, IsEmpty());
}

TEST(ScanJobsTest, BeginsWithinABatchAndSkipsNothingButHoles) {
  const ShareScan scan = ScanJobs(Numbered(5, 3) + Numbered(10, 1), Offset{6}, {});
  EXPECT_THAT(scan.ranges, ElementsAre(RangeIs(6, 7), RangeIs(10, 10)));
  EXPECT_EQ(scan.to, Offset{11});
}

TEST(ScanJobsTest, NothingReadIsAnEmptyScan) {
  const ShareScan scan = ScanJobs("", Offset{7}, {});
  EXPECT_EQ(scan.to, Offset{7});
  EXPECT_THAT(scan.ranges, IsEmpty());
}

TEST(ScanJobsTest, BatchThatFailsItsCrcIsOneRangeThatCannotBeRead) {
  std::string damaged = Numbered(3, 4);
  damaged.back() ^= 1;
  const ShareScan scan = ScanJobs(Numbered(0, 3) + damaged + Numbered(7, 1), Offset{0}, {});
  EXPECT_THAT(scan.ranges, ElementsAre(RangeIs(0, 2), RangeIs(3, 6, false), RangeIs(7, 7)));
}

TEST(ScanJobsTest, KeysAreListedOnlyWhenTheyCount) {
  const std::string batch = Batch(0, {{.key = "a"}, {}, {.key = ""}, {.key = "a"}});
  EXPECT_THAT(ScanJobs(batch, Offset{0}, {}).records, IsEmpty());
  const ShareScan scan = ScanJobs(batch, Offset{0}, {.keys = true});
  ASSERT_EQ(scan.records.size(), 3u);
  EXPECT_EQ(scan.records[0].offset, Offset{0});
  EXPECT_EQ(scan.records[1].offset, Offset{2}) << "a key of no bytes is a key";
  EXPECT_EQ(scan.records[2].offset, Offset{3});
  EXPECT_EQ(scan.records[0].key, KeyHashOf("a"));
  EXPECT_EQ(scan.records[1].key, KeyHashOf(""));
  EXPECT_EQ(scan.records[2].key, scan.records[0].key);
}

TEST(ScanJobsTest, OnlyDelaysThatLieAheadAreListed) {
  const std::string ahead = absl::StrCat(kNow + 1);
  const std::string past = absl::StrCat(kNow);
  const std::string batch =
      Batch(0,
            {{.headers = {{.key = kDeliverAtHeader, .value = ahead}}},
             {.headers = {{.key = kDeliverAtHeader, .value = past}}},
             {.headers = {{.key = kDeliverAtHeader, .value = "soon"}}},
             {.headers = {{.key = kDeliverAtHeader}, {.key = "other", .value = ahead}}}},
            Compression::kLz4);
  EXPECT_THAT(ScanJobs(batch, Offset{0}, {.now_ms = kNow}).records, IsEmpty());
  const ShareScan scan = ScanJobs(batch, Offset{0}, {.delays = true, .now_ms = kNow});
  ASSERT_EQ(scan.records.size(), 1u);
  EXPECT_EQ(scan.records[0].offset, Offset{0});
  EXPECT_EQ(scan.records[0].deliver_at_ms, kNow + 1);
  EXPECT_EQ(scan.records[0].key, std::nullopt);
}

TEST(ScanJobsTest, BatchThatCannotBeDecodedIsUnreadableOnlyWhereItMustBeOpened) {
  // A right CRC over a record section that is none.
  std::string garbage = Batch(4, {{.key = "a", .value = "value"}, {.key = "b"}});
  for (size_t i = kBatchHeaderBytes; i < garbage.size(); ++i) garbage[i] = '\xff';
  SealBatch(DecodeBatchHeader(garbage.data()), garbage.data(), garbage.size());
  EXPECT_THAT(ScanJobs(garbage, Offset{4}, {}).ranges, ElementsAre(RangeIs(4, 5)));
  const ShareScan scan = ScanJobs(garbage, Offset{4}, {.keys = true});
  EXPECT_THAT(scan.ranges, ElementsAre(RangeIs(4, 5, false)));
  EXPECT_THAT(scan.records, IsEmpty());
  EXPECT_EQ(scan.to, Offset{6});
}

TEST(ScanJobsTest, EndsWithinABatchWhenItHasListedAsMuchAsItMay) {
  const auto most = static_cast<int64_t>(limits::kScannedRecords);
  RecordBatchBuilder builder;
  for (int64_t i = 0; i < most + 10; ++i) builder.Append(kNow, "k", "v");
  const auto built = builder.Finish({});
  const ShareScan scan = ScanJobs(built, Offset{0}, {.keys = true});
  EXPECT_EQ(scan.to, Offset(most));
  EXPECT_EQ(scan.records.size(), limits::kScannedRecords);
  EXPECT_THAT(scan.ranges, ElementsAre(RangeIs(0, most - 1)));
  const ShareScan rest = ScanJobs(built, scan.to, {.keys = true});
  EXPECT_EQ(rest.to, Offset(most + 10));
  EXPECT_EQ(rest.records.size(), 10u);
}

}  // namespace
}  // namespace weir
