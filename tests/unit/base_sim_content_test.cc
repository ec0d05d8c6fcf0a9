#include <gtest/gtest.h>

#include <string>

#include "tests/support/sim_content.h"
#include "tests/support/sim_random.h"

namespace weir {
namespace {

std::string All(const SimContent& content) {
  std::string bytes(static_cast<size_t>(content.size()), '?');
  EXPECT_EQ(content.Read(0, absl::MakeSpan(bytes)), bytes.size());
  return bytes;
}

TEST(SimContentTest, AgreesWithAStringOverRandomWritesAndSizes) {
  SimRandom random(7);
  SimContent content;
  std::string model;
  for (int i = 0; i < 3000; ++i) {
    const size_t at = random.Below(20000);
    if (random.Chance(0.2)) {
      content.Resize(static_cast<int64_t>(at));
      model.resize(at, '\0');
    } else {
      const std::string bytes(random.Below(9000), static_cast<char>('a' + i % 26));
      content.Write(static_cast<int64_t>(at), bytes);
      if (!bytes.empty() && model.size() < at + bytes.size()) model.resize(at + bytes.size(), '\0');
      model.replace(at < model.size() ? at : model.size(), bytes.size(), bytes);
    }
    ASSERT_EQ(All(content), model) << "after step " << i;
  }
}

TEST(SimContentTest, CopiesDoNotSeeEachOthersChanges) {
  SimContent a;
  a.Write(0, std::string(10000, 'a'));
  SimContent b = a;
  b.Write(5000, "b");
  a.Resize(3);
  EXPECT_EQ(All(a), "aaa");
  EXPECT_EQ(All(b), std::string(5000, 'a') + "b" + std::string(4999, 'a'));
}

TEST(SimContentTest, BlocksOfZerosAreAllocatedAndCanBeChanged) {
  SimContent a;
  a.Write(0, std::string(3 * 4096, '\0'));
  EXPECT_EQ(a.allocated_blocks(), 3);
  a.Write(4096, "x");
  EXPECT_EQ(All(a), std::string(4096, '\0') + "x" + std::string(2 * 4096 - 1, '\0'));
  a.Write(4096, std::string(4096, '\0'));
  EXPECT_EQ(All(a), std::string(3 * 4096, '\0'));
  EXPECT_EQ(a.allocated_blocks(), 3);
}

TEST(SimContentTest, CountsBlocksThatWereWritten) {
  SimContent content;
  content.Resize(1 << 20);
  EXPECT_EQ(content.allocated_blocks(), 0);
  EXPECT_EQ(content.MissingBlocks(4000, 200), 2);
  content.Write(4000, std::string(200, 'x'));
  EXPECT_EQ(content.allocated_blocks(), 2);
  EXPECT_EQ(content.MissingBlocks(0, 3 * 4096), 1);
  content.Write(0, "again");
  EXPECT_EQ(content.allocated_blocks(), 2);
  content.Resize(4096);
  EXPECT_EQ(content.allocated_blocks(), 1);
}

}  // namespace
}  // namespace weir
