// Dead letters read back: what was written comes back, and nothing else passes for a letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/share/dead_letter.h"
#include "broker/share/dead_letter_log.h"
#include "broker/share/dead_letter_view.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "tests/support/letter_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr auto kLetters = LetterWorld::kLetters;

DyingJob Job(int64_t offset, DeathReason reason = DeathReason::kRejected) {
  return {.first = Offset{offset},
          .last = Offset{offset},
          .reason = reason,
          .attempts = 2,
          .error = "bad payload",
          .history = {{.ended_ms = 1'700'000'000'123, .worker = "a", .ending = "RELEASED"},
                      {.ended_ms = 1'700'000'001'000,
                       .worker = "b",
                       .ending = "REJECTED",
                       .error = "bad payload"}}};
}

Headers HeadersOf(const SharePartitionId& id, const DyingJob& job, int64_t time_ms = 77) {
  Headers headers = DeadLetterHeaders(id, "orders", job);
  headers.emplace_back(std::string(kLetterTimeHeader), absl::StrCat(time_ms));
  return headers;
}

// A batch of one record with these headers, and the letter that it is.
struct Written {
  explicit Written(const Headers& headers) {
    RecordBatchBuilder builder;
    builder.Append(5, "key", "value", Views(headers));
    batch = builder.Finish({});
    reader.emplace(batch);
    RecordView record;
    if (reader->Next(&record)) letter = ReadDeadLetter(record);
  }
  static std::vector<HeaderView> Views(const Headers& headers) {
    std::vector<HeaderView> views;
    for (const auto& [key, value] : headers) views.push_back({.key = key, .value = value});
    return views;
  }

  std::string batch;
  std::optional<RecordReader> reader;
  std::optional<DeadLetterView> letter;
};

SharePartitionId SomePartition() {
  return {.group = "email",
          .partition = {.topic = LogWorld::Topic(1), .partition = PartitionIndex{3}}};
}

TEST(DeadLetterViewTest, WhatDeadLetterHeadersWritesComesBack) {
  Headers headers = {{"trace", "abc"}, {"weir-deliver-at", "9"}};
  for (auto& header : HeadersOf(SomePartition(), Job(42))) headers.push_back(header);
  const Written written(headers);
  ASSERT_TRUE(written.letter.has_value());
  const DeadLetterView& letter = *written.letter;
  EXPECT_EQ(letter.key, "key");
  EXPECT_EQ(letter.value, "value");
  EXPECT_EQ(letter.timestamp_ms, 5);
  EXPECT_THAT(letter.headers,
              ElementsAre(HeaderView{"trace", "abc"}, HeaderView{"weir-deliver-at", "9"}));
  EXPECT_EQ(letter.group, "email");
  EXPECT_EQ(letter.died_in, (RecordPlace{"orders", PartitionIndex{3}, Offset{42}}));
  EXPECT_EQ(letter.reason, DeathReason::kRejected);
  EXPECT_EQ(letter.error, "bad payload");
  EXPECT_EQ(letter.attempts, 2);
  EXPECT_EQ(letter.history, Job(42).history);
  EXPECT_EQ(letter.died_ms, 77);
  EXPECT_EQ(letter.drives, 0);
  EXPECT_EQ(letter.origin(), letter.died_in);
}

TEST(DeadLetterViewTest, EveryReasonAndALetterWithoutErrorOrHistoryComeBack) {
  for (int i = 1; i <= kDeathReasons; ++i) {
    const auto reason = static_cast<DeathReason>(i);
    DyingJob job = Job(0, reason);
    job.error.clear();
    job.history.clear();
    const Written written(HeadersOf(SomePartition(), job));
    ASSERT_TRUE(written.letter.has_value()) << i;
    EXPECT_EQ(written.letter->reason, reason);
    EXPECT_EQ(written.letter->error, "");
    EXPECT_THAT(written.letter->history, IsEmpty());
  }
}

TEST(DeadLetterViewTest, WhateverWorkersSayComesBackAsText) {
  std::mt19937_64 random(7);
  const std::string alphabet = "ab\"\\/\n\t\x01\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\xc3";
  for (int round = 0; round < 2'000; ++round) {
    const auto text = [&](size_t most) {
      std::string made;
      for (size_t size = random() % (most + 1); made.size() < size;)
        made.push_back(alphabet[random() % alphabet.size()]);
      return made;
    };
    DyingJob job = Job(static_cast<int64_t>(random() >> 1));
    job.history.clear();
    for (size_t i = random() % (limits::kAttemptHistory + 1); i > 0; --i) {
      job.history.push_back({.ended_ms = static_cast<int64_t>(random() % 4'000'000'000'000),
                             .worker = text(20),
                             .ending = "RELEASED",
                             .error = text(40)});
    }
    const Written written(HeadersOf(SomePartition(), job));
    ASSERT_TRUE(written.letter.has_value()) << round;
    ASSERT_EQ(written.letter->history.size(), job.history.size());
    for (size_t i = 0; i < job.history.size(); ++i) {
      const AttemptEnd& read = written.letter->history[i];
      EXPECT_EQ(read.ended_ms, job.history[i].ended_ms);
      EXPECT_TRUE(IsUtf8(read.worker) && IsUtf8(read.error));
      EXPECT_EQ(read.worker == job.history[i].worker, IsUtf8(job.history[i].worker));
      EXPECT_EQ(read.error == job.history[i].error, IsUtf8(job.history[i].error));
    }
  }
}

TEST(DeadLetterViewTest, HistoriesHaveTheFrontOfEachErrorCutBetweenCharacters) {
  const auto history_of = [](const std::string& error) {
    DyingJob job = Job(1);
    job.history = {{.ended_ms = 1, .worker = "w", .ending = "RELEASED", .error = error}};
    return Written(HeadersOf(SomePartition(), job)).letter->history.at(0).error;
  };
  const std::string euro = "\xe2\x82\xac";
  EXPECT_EQ(history_of(std::string(256, 'x')), std::string(256, 'x'));
  EXPECT_EQ(history_of(std::string(257, 'x')), std::string(256, 'x'));
  EXPECT_EQ(history_of(std::string(254, 'x') + euro), std::string(254, 'x'));
  EXPECT_EQ(history_of(std::string(253, 'x') + euro + "y"), std::string(253, 'x') + euro);
  EXPECT_EQ(history_of("a\xffz"), "a\xef\xbf\xbdz");
}

TEST(DeadLetterViewTest, DrivesAreCountedAndTheFirstPlaceIsKept) {
  Headers headers = HeadersOf(SomePartition(), Job(42));
  const Written first(headers);
  for (auto& header : DriveHeaders(*first.letter)) headers.push_back(header);
  const Written second(headers);
  ASSERT_TRUE(second.letter.has_value());
  EXPECT_EQ(second.letter->drives, 1);
  EXPECT_EQ(second.letter->first, (RecordPlace{"orders", PartitionIndex{3}, Offset{42}}));
  EXPECT_THAT(second.letter->headers, IsEmpty());
  EXPECT_THAT(DriveHeaders(*second.letter),
              ElementsAre(std::pair<std::string, std::string>("weir-redrive-count", "2"),
                          std::pair<std::string, std::string>("weir-redrive-topic", "orders"),
                          std::pair<std::string, std::string>("weir-redrive-partition", "3"),
                          std::pair<std::string, std::string>("weir-redrive-offset", "42")));
}

TEST(DeadLetterViewTest, DrivesThatSomebodyHasMadeUpCountAsNone) {
  for (const Headers& made_up :
       {Headers{{"weir-redrive-count", "2"}}, Headers{{"weir-redrive-x", "1"}},
        Headers{{"weir-redrive-count", "-1"},
                {"weir-redrive-topic", "t"},
                {"weir-redrive-partition", "0"},
                {"weir-redrive-offset", "0"}}}) {
    Headers headers = HeadersOf(SomePartition(), Job(42));
    headers.insert(headers.end(), made_up.begin(), made_up.end());
    const Written written(headers);
    ASSERT_TRUE(written.letter.has_value());
    EXPECT_EQ(written.letter->drives, 0);
    EXPECT_EQ(written.letter->first, std::nullopt);
  }
}

TEST(DeadLetterViewTest, NothingElsePassesForALetter) {
  const Headers good = HeadersOf(SomePartition(), Job(42));
  ASSERT_TRUE(Written(good).letter.has_value());
  EXPECT_FALSE(Written({}).letter.has_value());
  for (size_t i = 0; i < good.size(); ++i) {
    const auto& [name, value] = good[i];
    Headers without = good;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(Written(without).letter.has_value(), name == "weir-dlq-error") << name;
    Headers twice = good;
    twice.push_back(good[i]);
    EXPECT_FALSE(Written(twice).letter.has_value()) << name;
    if (name == "weir-dlq-topic" || name == "weir-dlq-group" || name == "weir-dlq-error") continue;
    for (const std::string& bad : {std::string(), value + " ", "-" + value, std::string("x")}) {
      Headers wrong = good;
      wrong[i].second = bad;
      EXPECT_FALSE(Written(wrong).letter.has_value()) << name << "='" << bad << "'";
    }
  }
  Headers unknown = good;
  unknown.emplace_back("weir-dlq-later", "1");
  EXPECT_FALSE(Written(unknown).letter.has_value());
}

TEST(AttemptHistoryTest, ReadsTheJsonThatLettersHave) {
  EXPECT_THAT(ReadAttemptHistory("[]"), Optional(IsEmpty()));
  const auto read = ReadAttemptHistory(
      R"([{"at":"2026-01-01T00:00:00.001Z","worker":"a\"\\\/\b\f\n\r\t","ended":"RELEASED",)"
      R"("error":"\u00e9\ud83d\ude00"},{"at":"1970-01-01T00:00:00.000Z","worker":"","ended":"",)"
      R"("error":""}])");
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(*read, ElementsAre(AttemptEnd{.ended_ms = 1'767'225'600'001,
                                            .worker = "a\"\\/\b\f\n\r\t",
                                            .ending = "RELEASED",
                                            .error = "\xc3\xa9\xf0\x9f\x98\x80"},
                                 AttemptEnd{}));
}

TEST(AttemptHistoryTest, RefusesEverythingElse) {
  const std::string good =
      R"({"at":"2026-01-01T00:00:00.000Z","worker":"w","ended":"e","error":""})";
  ASSERT_TRUE(ReadAttemptHistory("[" + good + "]").has_value());
  std::string eleven = "[" + good;
  for (int i = 0; i < limits::kAttemptHistory; ++i) eleven += "," + good;
  for (const std::string& bad :
       {std::string(),
        std::string("["),
        std::string("]"),
        std::string("[] "),
        std::string("null"),
        "[" + good,
        "[" + good + ",]",
        "[" + good + "]]",
        "[," + good + "]",
        eleven + "]",
        "[" + absl::StrReplaceAll(good, {{R"(,"error":"")", ""}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"worker", "who"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"2026-01-01T", "yesterday "}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", "1"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", "\"\n\""}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", "\"\xff\""}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\x")"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\u12")"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\u 12a")"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\ud800")"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\ud800\u0041")"}}) + "]",
        "[" + absl::StrReplaceAll(good, {{"\"w\"", R"("\udc00")"}}) + "]"}) {
    EXPECT_FALSE(ReadAttemptHistory(bad).has_value()) << bad;
  }
}

class DeadLetterLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.Create("orders");
    world_.Create(kLetters, 2);
  }

  static PackedRecord Record(const Headers& headers) {
    return {.timestamp_ms = 5, .key = "key", .value = "value", .headers = Written::Views(headers)};
  }
  // Appends one batch of letters of these jobs.
  void Write(int32_t partition, const std::vector<Headers>& letters) {
    RecordBatchBuilder builder;
    for (const Headers& headers : letters) {
      const PackedRecord record = Record(headers);
      builder.Append(record.timestamp_ms, record.key, record.value, record.headers);
    }
    world_.Append(kLetters, partition, builder.Finish({}));
  }
  Headers Letter(int64_t offset, DeathReason reason = DeathReason::kRejected, int64_t ms = 77) {
    return HeadersOf(world_.Id("orders"), Job(offset, reason), ms);
  }

  DeadLetterLog Log() {
    return DeadLetterLog({.group = LetterWorld::kGroup,
                          .topic = world_.catalog().Find(kLetters),
                          .partitions = &world_.partitions(),
                          .machines = &world_.machines(),
                          .memory = &world_.memory()});
  }
  // "partition:offset of the job", with '*' behind those that are marked; pieces by '|'.
  std::string Walk(const LetterFilter& filter = {}, int64_t most = 1'000) {
    std::string walked;
    std::optional<LetterPosition> at = LetterPosition{};
    while (at.has_value()) {
      const auto piece = Log().Read(*at, filter, most);
      if (!piece.ok()) return std::string(piece.status().message());
      for (const DeadLetterLog::Letter& letter : piece->letters) {
        absl::StrAppend(&walked, walked.empty() ? "" : " ", piece->id.partition.partition.value(),
                        ":", letter.view.died_in.offset.value(), letter.marked ? "*" : "");
      }
      EXPECT_LE(piece->looked_at, most);
      at = piece->next;
      if (at.has_value()) absl::StrAppend(&walked, "|");
    }
    return walked;
  }

  LetterWorld world_;
};

TEST_F(DeadLetterLogTest, AnEmptyTopicHasNoLetters) { EXPECT_EQ(Walk(), ""); }

TEST_F(DeadLetterLogTest, WalksAllPartitionsAndSaysWhatIsMarked) {
  Write(0, {Letter(1), Letter(2)});
  Write(1, {Letter(3)});
  Write(0, {Letter(4)});
  EXPECT_EQ(Walk(), "0:1 0:2 0:4| 1:3");
  const SharePartitionId marks = {
      .group = LetterWorld::kGroup,
      .partition = {.topic = world_.catalog().Find(kLetters)->id, .partition = PartitionIndex{0}}};
  world_.machines().Mark({.id = marks, .offsets = {Offset{1}}}, [](auto) {});
  EXPECT_EQ(Walk(), "0:1 0:2* 0:4| 1:3");
}

TEST_F(DeadLetterLogTest, APieceHasAsManyAsAreWanted) {
  Write(0, {Letter(1), Letter(2), Letter(3)});
  Write(0, {Letter(4)});
  EXPECT_EQ(Walk({}, 2), "0:1 0:2| 0:3 0:4");
  EXPECT_EQ(Walk({}, 1), "0:1| 0:2| 0:3| 0:4");
  EXPECT_EQ(Walk({}, 4), "0:1 0:2 0:3 0:4");
}

TEST_F(DeadLetterLogTest, PassesOverWhatIsNotTheGroups) {
  SharePartitionId other = world_.Id("orders");
  other.group = "receipts";
  Write(0, {Letter(1), HeadersOf(other, Job(2)), {{"not", "a letter"}}, Letter(3)});
  EXPECT_EQ(Walk(), "0:1 0:3");
  EXPECT_EQ(Walk({}, 1), "0:1| 0:3");
}

TEST_F(DeadLetterLogTest, PassesOverBatchesThatCannotBeRead) {
  Write(0, {Letter(1)});
  RecordBatchBuilder builder;
  const Headers headers = Letter(2);
  builder.Append(1, "k", "v", Written::Views(headers));
  std::string bad = builder.Finish({});
  bad.back() = static_cast<char>(bad.back() ^ 1);
  world_.Append(kLetters, 0, bad);
  Write(0, {Letter(3)});
  EXPECT_EQ(Walk(), "0:1 0:3");
}

TEST_F(DeadLetterLogTest, BeginsWhereTheLogDoes) {
  Write(0, {Letter(1)});
  Write(0, {Letter(2)});
  world_.log().DeleteRecords(
      {.topic = world_.catalog().Find(kLetters)->id, .partition = PartitionIndex{0}}, Offset{1});
  world_.log().Pump();
  EXPECT_EQ(Walk(), "0:2");
}

TEST_F(DeadLetterLogTest, FiltersNarrow) {
  Write(0, {Letter(1, DeathReason::kRejected, 10), Letter(2, DeathReason::kExpired, 20),
            Letter(3, DeathReason::kRejected, 30)});
  EXPECT_EQ(Walk({.reason = DeathReason::kRejected}), "0:1 0:3");
  EXPECT_EQ(Walk({.key = "key"}), "0:1 0:2 0:3");
  EXPECT_EQ(Walk({.key = "ke"}), "");
  EXPECT_EQ(Walk({.from_ms = 20}), "0:2 0:3");
  EXPECT_EQ(Walk({.until_ms = 20}), "0:1");
  EXPECT_EQ(Walk({.reason = DeathReason::kRejected, .from_ms = 11}), "0:3");
  // What does not match was looked at all the same.
  EXPECT_EQ(Walk({.reason = DeathReason::kExpired}, 2), "0:2|");
}

TEST_F(DeadLetterLogTest, WithoutMemoryItSaysSo) {
  Write(0, {Letter(1)});
  const std::optional<Reservation> all = world_.memory().TryReserve(world_.memory().limit());
  EXPECT_EQ(ReasonOf(Log().Read({}, {}, 10).status()), Reason::kOverMemoryBudget);
}

}  // namespace
}  // namespace weir
