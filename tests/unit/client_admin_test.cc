#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/base/error.h"
#include "tests/unit/client_fake_broker.h"
#include "weir/admin.h"
#include "weir/client.h"

namespace weir {
namespace {

using testing::SizeIs;

class AdminTest : public testing::Test {
 protected:
  FakeBroker broker_;
  Client client_{{.broker = broker_.address()}};
  Admin admin_{client_};
};

TEST_F(AdminTest, ADescriptionHasAllPagesOfPartitions) {
  broker_.AddTopic("large", 2'500, {{"retention.ms", "1000"}});
  const auto topic = admin_.DescribeTopic("large");
  ASSERT_TRUE(topic.ok()) << topic.status();
  EXPECT_EQ(topic->partition_count, 2'500);
  ASSERT_THAT(topic->partitions, SizeIs(2'500));
  for (int32_t p = 0; p < 2'500; ++p)
    EXPECT_EQ(topic->partitions[static_cast<size_t>(p)].partition, PartitionIndex(p));
  ASSERT_THAT(topic->config, SizeIs(1));
  EXPECT_EQ(topic->config[0].value, "1000");
  EXPECT_EQ(broker_.calls("DescribeTopic"), 3);
}

TEST_F(AdminTest, ADescriptionWithoutPartitionsIsOneCall) {
  broker_.AddTopic("large", 2'500);
  const auto topic = admin_.DescribeTopic("large", /*with_partitions=*/false);
  ASSERT_TRUE(topic.ok()) << topic.status();
  EXPECT_EQ(topic->partition_count, 2'500);
  EXPECT_THAT(topic->partitions, SizeIs(0));
  EXPECT_EQ(broker_.calls("DescribeTopic"), 1);
}

TEST_F(AdminTest, TheBrokersReasonComesThrough) {
  const auto topic = admin_.DescribeTopic("nowhere");
  EXPECT_EQ(ReasonOf(topic.status()), Reason::kUnknownTopic);
  EXPECT_EQ(topic.status().message(), "there is no topic nowhere");
}

TEST_F(AdminTest, ACallThatTheBrokerDoesNotKnowIsUnimplemented) {
  EXPECT_TRUE(absl::IsUnimplemented(admin_.DescribeBroker().status()));
}

TEST_F(AdminTest, OffsetsAreAnsweredInTheOrderAsked) {
  broker_.AddTopic("two", 2);
  broker_.Append("two", 1, {"a", "b", "c"});
  broker_.Append("two", 1, {"d"});
  broker_.SetLogStart("two", 1, Offset(3));
  const std::vector<Admin::OffsetQuery> queries = {
      {"two", PartitionIndex(1), Latest()},
      {"two", PartitionIndex(0), Offset(77)},
      {"two", PartitionIndex(5), Latest()},
      {"two", PartitionIndex(1), Earliest()},
      {"two", PartitionIndex(1), absl::FromUnixMillis(1)}};
  const auto found = admin_.ListOffsets(queries);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(*found, SizeIs(5));
  EXPECT_EQ((*found)[0]->offset, Offset(4));
  EXPECT_EQ((*found)[1]->offset, Offset(77));
  EXPECT_EQ(ReasonOf((*found)[2].status()), Reason::kUnknownPartition);
  EXPECT_EQ((*found)[3]->offset, Offset(3));
  EXPECT_FALSE((*found)[3]->timestamp_ms.has_value());
  EXPECT_EQ((*found)[4]->offset, Offset(3));
  EXPECT_EQ((*found)[4]->timestamp_ms, 1'700'000'000'000);
}

TEST_F(AdminTest, NoBrokerIsUnavailable) {
  broker_.Stop();
  const auto topic = admin_.DescribeTopic("t");
  EXPECT_TRUE(absl::IsUnavailable(topic.status())) << topic.status();
  EXPECT_EQ(EffectOf(topic.status()), Effect::kUnknown);
}

TEST_F(AdminTest, WaitingForAConnectionTellsWhetherThereIsOne) {
  EXPECT_TRUE(client_.WaitUntilConnected(absl::Minutes(1)).ok());
  Client nowhere({.broker = "127.0.0.1:1"});
  EXPECT_TRUE(absl::IsDeadlineExceeded(nowhere.WaitUntilConnected(absl::Milliseconds(1))));
}

}  // namespace
}  // namespace weir
