// storage/FORMAT.md against the golden files: every example on the page is, byte for byte, a file
// of tests/golden/level_1 or a part of one, which log_golden_test, meta_golden_test and
// golden_start_test hold against the code. So the page cannot drift away from it.
//
// An example is a fenced block that begins with
//   ```hex PATH                   the whole file
//   ```hex PATH, from byte N      a part of it
//   ```hex keys and values        what the metadata store holds: level_1_metadata.txt
//   ```hex records of consumer groups     group_records.txt
//   ```hex records of share groups        share_records.txt
//   ```hex round of an atomic append      atomic_append.txt
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/golden/golden_files.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kFence = "```";
constexpr absl::string_view kExample = "```hex ";
constexpr absl::string_view kHeading = "##";  // of any level below the title

struct Section {
  std::string title;
  std::vector<std::string> lines;
};

// The page in sections, the part before the first heading left out.
std::vector<Section> Sections() {
  std::ifstream file(WEIR_FORMAT_PAGE);
  EXPECT_TRUE(file.is_open()) << WEIR_FORMAT_PAGE;
  const std::string page(std::istreambuf_iterator<char>(file), {});
  std::vector<Section> sections;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, kHeading)) {
      sections.push_back({std::string(line), {}});
    } else if (!sections.empty()) {
      sections.back().lines.emplace_back(line);
    }
  }
  return sections;
}

struct Example {
  std::string name;  // behind "```hex "
  std::string text;
};

std::vector<Example> ExamplesIn(const Section& section) {
  std::vector<Example> examples;
  bool inside = false;
  for (const std::string& line : section.lines) {
    if (absl::StartsWith(line, kExample)) {
      inside = true;
      examples.push_back({line.substr(kExample.size()), ""});
    } else if (line == kFence) {
      inside = false;
    } else if (inside) {
      examples.back().text += line + "\n";
    }
  }
  EXPECT_FALSE(inside) << section.title;
  return examples;
}

// The golden bytes that an example of this name must have; as many as `size`, when it is a part.
std::optional<std::string> Golden(const std::string& name, size_t size) {
  const std::pair<std::string, std::string> path_and_from =
      absl::StrSplit(name, absl::MaxSplits(", from byte ", 1));
  const std::vector<std::string> files = GoldenFilesIn("level_1");
  if (std::find(files.begin(), files.end(), path_and_from.first) == files.end())
    return std::nullopt;
  const std::string file = GoldenFile("level_1/" + path_and_from.first);
  if (path_and_from.second.empty()) return file;
  size_t from = 0;
  if (!absl::SimpleAtoi(path_and_from.second, &from) || from >= file.size()) return std::nullopt;
  return file.substr(from, size);
}

// The cells of a row of a table, without blanks around them; nothing when the line is none.
std::vector<std::string> Cells(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, "|") || !absl::ConsumeSuffix(&line, "|")) return {};
  std::vector<std::string> cells;
  for (const absl::string_view cell : absl::StrSplit(line, '|'))
    cells.emplace_back(absl::StripAsciiWhitespace(cell));
  return cells;
}

bool IsByteTable(const std::string& line) {
  return Cells(line) == std::vector<std::string>{"at", "bytes", "field"};
}

// A line of a grammar.
bool IsRule(const std::string& line) { return absl::StrContains(line, " := "); }

TEST(FormatPageTest, EveryExampleIsAGoldenFileOrAPartOfOne) {
  size_t examples = 0;
  for (const Section& section : Sections()) {
    for (const Example& example : ExamplesIn(section)) {
      SCOPED_TRACE(example.name);
      ++examples;
      if (example.name == "keys and values") {
        const auto pairs = ParseHexPairs(example.text);
        ASSERT_TRUE(pairs.has_value());
        EXPECT_EQ(pairs, ParseHexPairs(GoldenFile("level_1_metadata.txt")));
        continue;
      }
      const bool shares = example.name == "records of share groups";
      if (example.name == "records of consumer groups" || shares) {
        const auto pairs = ParseHexPairs(example.text);
        ASSERT_TRUE(pairs.has_value());
        EXPECT_EQ(pairs,
                  ParseHexPairs(GoldenFile(shares ? "share_records.txt" : "group_records.txt")));
        continue;
      }
      const auto bytes = ParseHex(example.text);
      ASSERT_TRUE(bytes.has_value()) << "is not written in hex";
      ASSERT_FALSE(bytes->empty());
      if (example.name == "round of an atomic append") {
        EXPECT_EQ(bytes, ParseHex(GoldenFile("atomic_append.txt")));
        continue;
      }
      const auto golden = Golden(example.name, bytes->size());
      ASSERT_TRUE(golden.has_value()) << "names no golden file";
      EXPECT_EQ(*bytes, *golden);
    }
  }
  EXPECT_GE(examples, 10u);
}

TEST(FormatPageTest, EveryFormatHasAnExample) {
  size_t formats = 0;
  for (const Section& section : Sections()) {
    const auto defines = [](const std::string& line) { return IsByteTable(line) || IsRule(line); };
    if (std::none_of(section.lines.begin(), section.lines.end(), defines)) continue;
    ++formats;
    EXPECT_FALSE(ExamplesIn(section).empty()) << section.title;
  }
  EXPECT_GE(formats, 9u);
}

TEST(FormatPageTest, ByteTablesHaveNoGaps) {
  for (const Section& section : Sections()) {
    for (size_t i = 0; i < section.lines.size(); ++i) {
      if (!IsByteTable(section.lines[i])) continue;
      int64_t expected = 0;
      // Behind the line under the heads, up to the first field whose size is not fixed.
      for (i += 2; i < section.lines.size(); ++i) {
        const std::vector<std::string> cells = Cells(section.lines[i]);
        if (cells.empty()) break;
        SCOPED_TRACE(absl::StrCat(section.title, ": ", section.lines[i]));
        int64_t at = 0;
        int64_t bytes = 0;
        ASSERT_EQ(cells.size(), 3u);
        ASSERT_TRUE(absl::SimpleAtoi(cells[0], &at));
        EXPECT_EQ(at, expected);
        if (cells[1].empty()) break;
        ASSERT_TRUE(absl::SimpleAtoi(cells[1], &bytes));
        expected += bytes;
      }
    }
  }
}

TEST(FormatPageTest, DrawingShowsEveryFileOfTheGoldenDirectory) {
  for (const Section& section : Sections()) {
    if (section.title != "## Data directory") continue;
    const std::string text = absl::StrJoin(section.lines, "\n");
    for (const std::string& file : GoldenFilesIn("level_1")) {
      if (absl::StartsWith(file, "meta/")) continue;  // RocksDB's own
      for (const absl::string_view part : absl::StrSplit(file, '/'))
        EXPECT_THAT(text, HasSubstr(std::string(part))) << file;
    }
    return;
  }
  ADD_FAILURE() << "there is no such section";
}

TEST(FormatPageTest, HexIsReadStrictly) {
  EXPECT_EQ(ParseHex("0001 ff # remark 00\n 61*3"), std::string("\0\1\xff"
                                                                "aaa",
                                                                6));
  EXPECT_EQ(ParseHex(""), "");
  for (const char* text : {"0", "0g", "FF", "00 1", "61*", "61*0", "61*x", "6161*2", "*2", "0x00"})
    EXPECT_FALSE(ParseHex(text)) << text;
  EXPECT_EQ(ParseHexPairs("a/b = 00\n    01 # remark\nc = \n"),
            (std::vector<std::pair<std::string, std::string>>{{"a/b", std::string("\0\1", 2)},
                                                              {"c", ""}}));
  for (const char* text : {"a", "    00", "a = 0", "a= 00"}) EXPECT_FALSE(ParseHexPairs(text));
}

}  // namespace
}  // namespace weir
