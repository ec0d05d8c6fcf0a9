#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/cli/top_view.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Group(const std::string& name, int commits) {
  return absl::StrCat("weir_group_members{group=\"", name, "\"} 2\nweir_group_state{group=\"", name,
                      "\",state=\"stable\"} 1\nweir_group_offset_commits_total{group=\"", name,
                      "\"} ", commits, "\n");
}
std::string Lag(const std::string& group, const std::string& topic, int lag) {
  return absl::StrCat("weir_group_lag_records{group=\"", group, "\",topic=\"", topic, "\"} ", lag,
                      "\n");
}
std::string Age(const std::string& group, const std::string& topic, double seconds) {
  return absl::StrCat("weir_group_lag_seconds{group=\"", group, "\",topic=\"", topic, "\"} ",
                      seconds, "\n");
}
std::string ShareGroup(const std::string& name, int paused = 0, int by_breaker = 0) {
  return absl::StrCat("weir_share_paused{group=\"", name, "\"} ", paused,
                      "\nweir_share_paused_by_breaker{group=\"", name, "\"} ", by_breaker, "\n");
}
// A number of one of its topics.
std::string Jobs(const std::string& group, const std::string& topic, const std::string& what,
                 double value, const std::string& more_labels = "") {
  return absl::StrCat("weir_share_", what, "{group=\"", group, "\",topic=\"", topic, "\"",
                      more_labels, "} ", value, "\n");
}
std::string Topic(const std::string& name, int records) {
  return absl::StrCat("weir_topic_records{topic=\"", name, "\"} ", records,
                      "\nweir_partition_high_watermark{topic=\"", name, "\",partition=\"0\"} ",
                      records, "\n");
}

std::string Render(const std::string& before, const std::string& now,
                   OutputFormat output = OutputFormat::kTable,
                   const std::optional<TopSpace>& space = std::nullopt) {
  return RenderTop({absl::Seconds(10), MetricsPage::Parse(before)},
                   {absl::Seconds(12), MetricsPage::Parse(now)}, output, space);
}
std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  return lines;
}

TEST(TopViewTest, GroupsAreSortedByLagWithTheirRatesAndTheirWorstTopic) {
  const std::string before = Group("a", 10) + Group("b", 0) + Group("c", 0);
  const std::string now = Group("a", 13) + Lag("a", "orders", 5) + Age("a", "orders", 90) +
                          Group("b", 0) + Lag("b", "orders", 300) + Lag("b", "events", 400) +
                          Age("b", "orders", 7.26) + Age("b", "events", 2) + Group("c", 0) +
                          Lag("c", "orders", 0) + Age("c", "orders", 0) + Group("d", 9) +
                          "weir_offset_commits_total 20\n";
  EXPECT_THAT(Render(before, now),
              HasSubstr("GROUP  LAG  LAG_TIME  MEMBERS  STATE   COMMITS/S  WORST_TOPIC\n"
                        "b      700  7.2s            2  stable          0  events\n"
                        "a        5  1m30s           2  stable        1.5  orders\n"
                        "c        0  0               2  stable          0  -\n"
                        "d        -  -               2  stable          0  -\n"));
  EXPECT_THAT(Render(before, now), HasSubstr("   commits 10/s   "));
  EXPECT_THAT(Render(before, now), HasSubstr("   groups 4\n"));
  const std::string json = Render(before, now, OutputFormat::kJson);
  EXPECT_THAT(json, HasSubstr("{\"group\":\"b\",\"lag\":700,\"lag_ms\":7260,\"members\":2,"
                              "\"state\":\"stable\",\"commits_per_second\":0,"
                              "\"worst_topic\":\"events\"}"));
  EXPECT_THAT(json, HasSubstr("{\"group\":\"d\",\"lag\":null,\"lag_ms\":null,"));
  EXPECT_THAT(json, HasSubstr("\"commits_per_second\":10,"));
  EXPECT_THAT(json, HasSubstr("\"groups_omitted\":0,\"share_groups\":[],"
                              "\"share_groups_omitted\":0}\n"));
}

TEST(TopViewTest, AnAgeThatIsNotKnownOfEveryTopicIsNotShown) {
  const std::string page = Group("a", 0) + Lag("a", "t", 5) + Lag("a", "u", 5) + Age("a", "t", 3);
  EXPECT_THAT(Render(page, page, OutputFormat::kJson), HasSubstr("\"lag\":10,\"lag_ms\":null"));
}

TEST(TopViewTest, ABrokerWithoutGroupsHasNoTableOfThem) {
  const std::string text = Render(Topic("orders", 3), Topic("orders", 9));
  EXPECT_THAT(text, HasSubstr("orders           1                      3        9           -\n"));
  EXPECT_THAT(text, Not(HasSubstr("GROUP")));
  EXPECT_THAT(Render("", "", OutputFormat::kJson), HasSubstr("\"topics\":[],\"groups\":[],"));
}

TEST(TopViewTest, WhatTheBrokerDoesNotShowIsSaid) {
  const std::string page = Group("a", 0) + "weir_groups_omitted 7\n";
  EXPECT_THAT(Render(page, page), HasSubstr("7 more groups, which the broker does not show\n"));
  EXPECT_THAT(Render(page, page), HasSubstr("   groups 8\n"));
  EXPECT_THAT(Render(page, page, OutputFormat::kJson), HasSubstr("\"groups_omitted\":7,"));
}

TEST(TopViewTest, ShareGroupsAreSortedByUnfinishedJobsWithWhatTheseAreAt) {
  const std::string idle = ShareGroup("idle", 1) + Jobs("idle", "orders", "unfinished_jobs", 0) +
                           Jobs("idle", "orders", "oldest_unfinished_seconds", 0);
  const std::string unknown = ShareGroup("unknown", 1, 1);
  const std::string before =
      ShareGroup("email") + Jobs("email", "orders", "accepted_total", 10) + idle + unknown;
  const std::string now =
      unknown + idle + ShareGroup("email") + Jobs("email", "orders", "accepted_total", 11) +
      Jobs("email", "events", "accepted_total", 2) + Jobs("email", "orders", "unfinished_jobs", 7) +
      Jobs("email", "events", "unfinished_jobs", 9) +
      Jobs("email", "orders", "oldest_unfinished_seconds", 90) +
      Jobs("email", "events", "oldest_unfinished_seconds", 3) +
      Jobs("email", "orders", "in_flight_jobs", 2) + Jobs("email", "events", "in_flight_jobs", 3) +
      Jobs("email", "orders", "delayed_jobs", 4) + Jobs("email", "orders", "dying_jobs", 1) +
      Jobs("email", "orders", "died_total", 5, ",reason=\"REJECTED\"") +
      Jobs("email", "orders", "died_total", 6, ",reason=\"MAX_ATTEMPTS\"");
  const std::string text = Render(before, now);
  EXPECT_THAT(text, HasSubstr("SHARE_GROUP  LAG  LAG_TIME  IN_FLIGHT  DELAYED  DYING  DEAD  STATE"
                              "              ACCEPTED/S  WORST_TOPIC\n"
                              "email         16  1m30s             5        4      1    11  running"
                              "                   1.5  events\n"
                              "idle           0  0                 0        0      0     0  paused "
                              "                     0  -\n"
                              "unknown        -  -                 0        0      0     0  paused_"
                              "by_breaker           0  -\n"));
  EXPECT_THAT(text, HasSubstr("   groups 0   share groups 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nGROUP")));
  const std::string json = Render(before, now, OutputFormat::kJson);
  EXPECT_THAT(json, HasSubstr("\"share_groups\":[{\"group\":\"email\",\"lag\":16,\"lag_ms\":90000,"
                              "\"in_flight\":5,\"delayed\":4,\"dying\":1,\"dead\":11,"
                              "\"state\":\"running\",\"accepted_per_second\":1.5,"
                              "\"worst_topic\":\"events\"},"));
  EXPECT_THAT(json, HasSubstr("{\"group\":\"unknown\",\"lag\":null,\"lag_ms\":null,"));
}

TEST(TopViewTest, ShareGroupsThatTheBrokerDoesNotShowAreSaid) {
  const std::string page = ShareGroup("email") + "weir_share_groups_omitted 7\n";
  EXPECT_THAT(Render(page, page),
              HasSubstr("7 more share groups, which the broker does not show\n"));
  EXPECT_THAT(Render(page, page), HasSubstr("   share groups 8\n"));
  EXPECT_THAT(Render(page, page, OutputFormat::kJson), HasSubstr("\"share_groups_omitted\":7}\n"));
}

TEST(TopViewTest, ATerminalIsNeverOverfilled) {
  std::string page = "weir_groups_omitted 7\nweir_share_groups_omitted 8\n";
  for (int i = 0; i < 50; ++i) {
    const std::string name = absl::StrCat(i, std::string(100, 'n'));
    page += Topic(name, i) + Group(name, i) + Lag(name, name, i) + Age(name, name, i);
    page += ShareGroup(name) + Jobs(name, name, "unfinished_jobs", i);
  }
  for (const size_t rows : {1u, 10u, 11u, 24u, 60u, 300u}) {
    for (const size_t columns : {1u, 20u, 40u, 80u, 200u}) {
      const std::string text =
          Render(page, page, OutputFormat::kTable, TopSpace{.rows = rows, .columns = columns});
      const std::vector<std::string> lines = Lines(text);
      if (rows > 20) {
        EXPECT_LT(lines.size(), rows) << columns;
      }
      for (const std::string& line : lines) EXPECT_LE(line.size(), columns);
      if (rows == 300) {
        EXPECT_GT(lines.size(), 150u) << "all rows";
      }
      if (rows >= 24 && columns >= 20) {
        EXPECT_THAT(text, HasSubstr("\nGROUP"));
        EXPECT_THAT(text, HasSubstr("49n")) << "the furthest behind";
        EXPECT_THAT(text, HasSubstr("\nSHARE_GROUP"));
        EXPECT_THAT(text.substr(text.find("\nSHARE_GROUP")), HasSubstr("\n49n"));
      }
      if (columns >= 40) {
        EXPECT_THAT(text, HasSubstr("LAG_TIME"));
      }
    }
  }
}

TEST(TopViewTest, EveryTableHasItsShareOfRows) {
  std::string page;
  for (int i = 0; i < 50; ++i) {
    page += Topic(absl::StrCat("topic", i), i) + Group(absl::StrCat("group", i), i) +
            ShareGroup(absl::StrCat("share", i));
  }
  const std::vector<std::string> lines =
      Lines(Render(page, page, OutputFormat::kTable, TopSpace{.rows = 40, .columns = 200}));
  EXPECT_EQ(lines.size(), 39u);
  const auto count = [&lines](const std::string& prefix) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.rfind(prefix, 0) == 0; });
  };
  EXPECT_EQ(count("share"), 10);
  EXPECT_EQ(count("group"), 11);
  EXPECT_EQ(count("topic"), 11);
}

TEST(TopViewTest, RowsGoToTheOtherTableWhereOneIsShort) {
  std::string page;
  for (int i = 0; i < 50; ++i) page += Topic(absl::StrCat("topic", i), i);
  page += Group("one", 0);
  const std::vector<std::string> lines =
      Lines(Render(page, page, OutputFormat::kTable, TopSpace{.rows = 30, .columns = 200}));
  EXPECT_EQ(lines.size(), 29u);
  EXPECT_THAT(lines.back(), HasSubstr("one"));
}

}  // namespace
}  // namespace weir
