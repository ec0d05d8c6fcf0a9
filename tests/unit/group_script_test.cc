// The scripts of tests/scripts/group, which say how consumer groups behave: every command must make
// happen what the script says, no more and no less.
#include "tests/support/group_script.h"

#include <gtest/gtest.h>

#include "tests/support/script_files.h"

namespace weir {
namespace {

class GroupScriptTest : public testing::TestWithParam<std::string> {};

TEST_P(GroupScriptTest, HappensAsItSays) {
  EXPECT_EQ(PlayScript(WEIR_GROUP_SCRIPTS, GetParam(),
                       [](absl::string_view script) { return GroupScript().Play(script); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(Scripts, GroupScriptTest,
                         testing::ValuesIn(ScriptNames(WEIR_GROUP_SCRIPTS)),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir
