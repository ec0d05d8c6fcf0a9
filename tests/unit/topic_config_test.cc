#include "broker/topics/topic_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/topics/topic_name.h"
#include "storage/base/error.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string InvalidConfigText(const TopicConfigMap& overrides) {
  const absl::Status status = ParseTopicConfig(overrides).status();
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidConfig) << status;
  return std::string(status.message());
}

TEST(TopicConfigTest, DefaultsAreThoseThatUsersKnow) {
  const TopicConfig config = *ParseTopicConfig({});
  EXPECT_EQ(config.retention_ms, 604'800'000);
  EXPECT_EQ(config.retention_bytes, TopicConfig::kUnlimited);
  EXPECT_EQ(config.max_message_bytes, 1'048'576);
  EXPECT_EQ(config.segment_bytes, 134'217'728);
  EXPECT_EQ(config.compression, std::nullopt);
  EXPECT_EQ(config.timestamp_type, TimestampType::kCreateTime);
  EXPECT_EQ(config.durability, Durability::kDurable);
  EXPECT_FALSE(config.delayed_delivery);
}

TEST(TopicConfigTest, ParsesEverySetting) {
  const TopicConfig config = *ParseTopicConfig({{"retention.ms", "-1"},
                                                {"retention.bytes", "1000000"},
                                                {"segment.bytes", "1048576"},
                                                {"segment.ms", "60000"},
                                                {"max.message.bytes", "33554432"},
                                                {"compression.type", "zstd"},
                                                {"message.timestamp.type", "LogAppendTime"},
                                                {"cleanup.policy", "delete"},
                                                {"delayed.delivery", "true"},
                                                {"durability", "written"}});
  const TopicConfig expected{.retention_ms = -1,
                             .retention_bytes = 1'000'000,
                             .segment_bytes = 1'048'576,
                             .segment_ms = 60'000,
                             .max_message_bytes = 33'554'432,
                             .compression = Compression::kZstd,
                             .timestamp_type = TimestampType::kLogAppendTime,
                             .durability = Durability::kWritten,
                             .delayed_delivery = true};
  EXPECT_EQ(config, expected);
}

TEST(TopicConfigTest, UncompressedIsACompressionAndProducerIsNone) {
  EXPECT_EQ(ParseTopicConfig({{"compression.type", "uncompressed"}})->compression,
            Compression::kNone);
  EXPECT_EQ(ParseTopicConfig({{"compression.type", "producer"}}, {.compression = Compression::kLz4})
                ->compression,
            std::nullopt);
}

TEST(TopicConfigTest, UnknownNameIsRefusedWithTheValidOnes) {
  EXPECT_THAT(
      InvalidConfigText({{"retention.hours", "1"}}),
      AllOf(
          HasSubstr("'retention.hours'"),
          HasSubstr(
              "cleanup.policy, compression.type, delayed.delivery, durability, max.message.bytes, "
              "message.timestamp.type, retention.bytes, retention.ms, segment.bytes, segment.ms")));
  EXPECT_THAT(InvalidConfigText({{"", ""}}), HasSubstr("''"));
  EXPECT_THAT(InvalidConfigText({{std::string(10'000, '\n'), ""}}), HasSubstr("\\n...'"));
}

TEST(TopicConfigTest, BadValuesAreRefusedWithValueAndRange) {
  EXPECT_THAT(
      InvalidConfigText({{"retention.ms", "-2"}}),
      AllOf(HasSubstr("retention.ms cannot be '-2'"), HasSubstr("at least 0, or -1 for no limit")));
  EXPECT_THAT(InvalidConfigText({{"segment.bytes", "1023"}}),
              AllOf(HasSubstr("'1023'"), HasSubstr("1024 to 1073741824")));
  EXPECT_THAT(InvalidConfigText({{"max.message.bytes", "33554433"}}), HasSubstr("100 to 33554432"));
  EXPECT_THAT(InvalidConfigText({{"compression.type", "brotli"}}),
              HasSubstr("one of producer, uncompressed, gzip, snappy, lz4, zstd"));
  EXPECT_THAT(InvalidConfigText({{"durability", "none"}}), HasSubstr("one of durable, written"));
  EXPECT_THAT(InvalidConfigText({{"cleanup.policy", "compact"}}),
              HasSubstr("not supported by this version"));
  for (const std::string bad : {"", "x", "7d", "1.5", "1e3", "9223372036854775808", "0x10", " 5",
                                "5 ", "+5", "000000000000000000001"}) {
    EXPECT_THAT(InvalidConfigText({{"segment.ms", bad}}), HasSubstr("'" + bad + "'")) << bad;
  }
}

TEST(TopicConfigTest, DescribesEverySettingWithItsOrigin) {
  const TopicConfigMap overrides = {{"retention.ms", "5"}, {"durability", "durable"}};
  const TopicConfig config = *ParseTopicConfig(overrides, {.segment_bytes = 2048});
  EXPECT_THAT(DescribeTopicConfig(config, overrides),
              ElementsAre(TopicConfigEntry{"cleanup.policy", "delete", true},
                          TopicConfigEntry{"compression.type", "producer", true},
                          TopicConfigEntry{"delayed.delivery", "false", true},
                          TopicConfigEntry{"durability", "durable", false},
                          TopicConfigEntry{"max.message.bytes", "1048576", true},
                          TopicConfigEntry{"message.timestamp.type", "CreateTime", true},
                          TopicConfigEntry{"retention.bytes", "-1", true},
                          TopicConfigEntry{"retention.ms", "5", false},
                          TopicConfigEntry{"segment.bytes", "2048", true},
                          TopicConfigEntry{"segment.ms", "604800000", true}));
}

TEST(TopicConfigTest, WhatIsDescribedParsesToTheSame) {
  const TopicConfig config{.retention_ms = 1,
                           .retention_bytes = 2,
                           .segment_bytes = 4096,
                           .segment_ms = 3,
                           .max_message_bytes = 400,
                           .compression = Compression::kSnappy,
                           .timestamp_type = TimestampType::kLogAppendTime,
                           .durability = Durability::kWritten,
                           .delayed_delivery = true};
  TopicConfigMap described;
  for (const TopicConfigEntry& entry : DescribeTopicConfig(config, {}))
    described[entry.name] = entry.value;
  EXPECT_EQ(*ParseTopicConfig(described), config);
}

TEST(TopicNameTest, AllowsWhatKafkaAllows) {
  for (const std::string& name :
       {std::string("a"), std::string("Orders.v2_x-1"), std::string("..."), std::string("_a"),
        std::string("-"), std::string(249, 'x')}) {
    EXPECT_TRUE(CheckTopicName(name).ok()) << name;
  }
}

TEST(TopicNameTest, RefusesTheRestWithTheReason) {
  const auto text = [](absl::string_view name) {
    const absl::Status status = CheckTopicName(name);
    EXPECT_EQ(ReasonOf(status), Reason::kInvalidTopicName) << name;
    return std::string(status.message());
  };
  EXPECT_THAT(text(""), HasSubstr("empty"));
  EXPECT_THAT(text("."), HasSubstr("directory"));
  EXPECT_THAT(text(".."), HasSubstr("directory"));
  EXPECT_THAT(text("../x"), HasSubstr("'/' is not among"));
  EXPECT_THAT(text("a b"), HasSubstr("' ' is not among"));
  EXPECT_THAT(text(absl::string_view("a\0b", 3)), HasSubstr("\\000"));
  EXPECT_THAT(text("stra\xc3\x9f"
                   "e"),
              HasSubstr("'\xc3\x9f' is not among"));
  EXPECT_THAT(text("no\xc3utf8"), HasSubstr("'\xef\xbf\xbd' is not among"));
  EXPECT_THAT(text(std::string(250, 'x')), HasSubstr("it has 250 characters, at most 249"));
  EXPECT_THAT(text("__groups"), HasSubstr("belong to the broker"));
}

}  // namespace
}  // namespace weir
