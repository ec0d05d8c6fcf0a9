// Dead letters as people and programs see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/cli/dead_letter_text.h"

namespace weir {
namespace {

ShareAdmin::DeadLetter Letter() {
  return {.partition = PartitionIndex(0),
          .offset = Offset(12),
          .key = "alice",
          .value = std::string("\xff\x01", 2),
          .headers = {{"trace", "abc"}, {"none", std::nullopt}},
          .timestamp_ms = 5,
          .source = {.topic = "orders", .partition = PartitionIndex(3)},
          .source_offset = Offset(44),
          .reason = "REJECTED",
          .error = "first line\nsecond line",
          .attempts = 1,
          .history = {{.ended = absl::FromUnixSeconds(60),
                       .worker = "host:1",
                       .ending = "REJECT",
                       .error = "first line"}},
          .died = absl::FromUnixSeconds(61),
          .redrives = 2};
}

TEST(DeadLetterTextTest, ShowsAPersonWhatWhyAndWhen) {
  EXPECT_EQ(DeadLetterText("dlq.orders.email", Letter()),
            "dlq.orders.email/0:12  REJECTED after 1 attempt, 1970-01-01T00:01:01Z\n"
            "  job        orders/3:44\n"
            "  redriven   2 times before\n"
            "  key        alice\n"
            "  value      \\xff\\x01\n"
            "  header     trace: abc\n"
            "  header     none: (none)\n"
            "  error      first line\n"
            "             second line\n"
            "  attempt    1970-01-01T00:01:00Z  host:1  REJECT  first line\n");
}

TEST(DeadLetterTextTest, WhatOthersWroteDoesNotReachTheTerminalAsItIs) {
  ShareAdmin::DeadLetter letter = Letter();
  letter.error = "\x1b]0;title\x07\r\n\x1b[2J";
  letter.headers = {{"\x1b[H", "x"}};
  letter.history[0].worker = letter.history[0].error = "\x1b[A";
  const std::string text = DeadLetterText("dlq.orders.email", letter);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\x1b")));
  EXPECT_THAT(text, testing::HasSubstr("error      \\x1b]0;title\\x07\n             \\x1b[2J\n"));
}

TEST(DeadLetterTextTest, GivesAProgramEverything) {
  EXPECT_EQ(DeadLetterJson("dlq.orders.email", Letter()),
            "{\"dead_letter_topic\":\"dlq.orders.email\",\"partition\":0,\"offset\":12,"
            "\"topic\":\"orders\",\"source_partition\":3,\"source_offset\":44,"
            "\"reason\":\"REJECTED\",\"error\":\"first line\\nsecond line\",\"attempts\":1,"
            "\"redrives\":2,\"died_ms\":61000,\"timestamp_ms\":5,\"key\":\"alice\","
            "\"value_base64\":\"/wE=\",\"headers\":[{\"key\":\"trace\",\"value\":\"abc\"},"
            "{\"key\":\"none\",\"value\":null}],\"history\":[{\"ended_ms\":60000,"
            "\"worker\":\"host:1\",\"ending\":\"REJECT\",\"error\":\"first line\"}]}\n");
}

TEST(DeadLetterTextTest, ReasonsBeginWithTheMostFrequent) {
  EXPECT_EQ(ReasonsText({{"EXPIRED", 1}, {"MAX_ATTEMPTS", 12}}), "MAX_ATTEMPTS 12, EXPIRED 1");
  EXPECT_EQ(ReasonsText({}), "");
}

}  // namespace
}  // namespace weir
