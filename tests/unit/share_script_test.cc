// The scripts of tests/scripts/share, which say how share groups behave: every command must make
// happen what the script says, no more and no less.
#include "tests/support/share_script.h"

#include <gtest/gtest.h>

#include "tests/support/script_files.h"

namespace weir {
namespace {

class ShareScriptTest : public testing::TestWithParam<std::string> {};

TEST_P(ShareScriptTest, HappensAsItSays) {
  EXPECT_EQ(PlayScript(WEIR_SHARE_SCRIPTS, GetParam(),
                       [](absl::string_view script) { return ShareScript().Play(script); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(Scripts, ShareScriptTest,
                         testing::ValuesIn(ScriptNames(WEIR_SHARE_SCRIPTS)),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir
