#include <gtest/gtest.h>

#include <string>

#include "storage/base/utf8.h"

namespace weir {
namespace {

TEST(Utf8Test, OverlongFormsSurrogatesAndCutSequencesAreNot) {
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
  for (const char* bytes :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    EXPECT_FALSE(IsUtf8(bytes));
  }
}

TEST(Utf8Test, SequencesAreMeasuredOneByOne) {
  EXPECT_EQ(Utf8SequenceLength("ab"), 1u);
  EXPECT_EQ(Utf8SequenceLength("\xc3\xb6x"), 2u);
  EXPECT_EQ(Utf8SequenceLength("\xe2\x82\xacx"), 3u);
  EXPECT_EQ(Utf8SequenceLength("\xf0\x9f\x98\x80x"), 4u);
  EXPECT_EQ(Utf8SequenceLength("\xff"), 0u);
}

TEST(Utf8Test, TextIsMadeWellFormedAndCutBetweenCharacters) {
  EXPECT_EQ(WellFormedUtf8("plain"), "plain");
  EXPECT_EQ(WellFormedUtf8("a\xc3\xa4", 2), "a");
  EXPECT_EQ(WellFormedUtf8("a\xff\xc3\xa4"), "a\xef\xbf\xbd\xc3\xa4");
  EXPECT_EQ(WellFormedUtf8("a\xff", 3), "a");
}

TEST(Utf8Test, TextForPeopleHasNoControlCharacters) {
  EXPECT_EQ(ReadableText("caf\xc3\xa9 'x'"), "caf\xc3\xa9 \\'x\\'");
  EXPECT_EQ(ReadableText("a\x1b[1m\n"), "a\\033[1m\\n");
  EXPECT_EQ(ReadableText("\xc2\x9b"
                         "\xc2\xa0"),
            "\\302\\233\xc2\xa0");
  EXPECT_EQ(ReadableText("\xff"), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace weir
