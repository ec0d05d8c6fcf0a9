// The scripts of tests/scripts/group, which say how consumer groups behave: every command must make
// happen what the script says, no more and no less.
#include "tests/support/group_script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

std::vector<std::string> Scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_GROUP_SCRIPTS))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Where the two part, with what comes before.
std::string Difference(const std::string& expected, const std::string& happened) {
  const std::vector<std::string> a = absl::StrSplit(expected, '\n');
  const std::vector<std::string> b = absl::StrSplit(happened, '\n');
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line = at_a - a.begin();
  const auto context = std::max<ptrdiff_t>(line - 6, 0);
  const auto upto = [&](const std::vector<std::string>& lines) {
    const auto end = std::min<ptrdiff_t>(line + 8, static_cast<ptrdiff_t>(lines.size()));
    return absl::StrJoin(lines.begin() + line, lines.begin() + end, "\n");
  };
  return absl::StrCat("line ", line + 1, ":\n",
                      absl::StrJoin(a.begin() + context, a.begin() + line, "\n"),
                      "\n--- the script says\n", upto(a), "\n--- what happened\n", upto(b));
}

class GroupScriptTest : public testing::TestWithParam<std::string> {};

TEST_P(GroupScriptTest, HappensAsItSays) {
  std::ifstream file(absl::StrCat(WEIR_GROUP_SCRIPTS, "/", GetParam(), ".txt"));
  ASSERT_TRUE(file.is_open());
  const std::string script(std::istreambuf_iterator<char>(file), {});
  const std::string happened = GroupScript().Play(absl::StripTrailingAsciiWhitespace(script));
  if (absl::StripTrailingAsciiWhitespace(happened) == absl::StripTrailingAsciiWhitespace(script))
    return;
  FAIL() << Difference(script, happened);
}

INSTANTIATE_TEST_SUITE_P(Scripts, GroupScriptTest, testing::ValuesIn(Scripts()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir
