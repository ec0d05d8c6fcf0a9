// The fault model of names (tests/support/sim_tree.h): what power loss may leave, and what it may
// not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/support/sim_tree.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr int kSeeds = 1000;

// "a=2 d/b=3": every path of a file with its node.
std::string Names(const SimTree& tree) {
  return absl::StrJoin(tree.Files(), " ", [](std::string* out, const auto& file) {
    absl::StrAppend(out, file.first.substr(1), "=", file.second);
  });
}

std::string AfterCrash(const SimTree& tree, CrashMode mode, uint64_t seed = 1) {
  SimRandom random(seed);
  return Names(tree.AfterCrash(mode, random));
}

std::set<std::string> Outcomes(const SimTree& tree) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed)
    outcomes.insert(AfterCrash(tree, CrashMode::kRandom, seed));
  return outcomes;
}

class SimTreeTest : public ::testing::Test {
 protected:
  std::string Create(const std::string& path) {
    return absl::StrCat(path, "=", *tree_.CreateFile(path));
  }
  void Do(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status; }

  SimTree tree_;
};

TEST_F(SimTreeTest, ANameIsOnTheDiskOnceItsDirectoryIsSynced) {
  const std::string a = Create("a");
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), "");
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kKeepAll), a);
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", a));
  Do(tree_.Sync("/"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), a);
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre(a));
}

TEST_F(SimTreeTest, ChangesOfDifferentNamesComeInAnyOrder) {
  const std::string a = Create("a"), b = Create("b");
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", a, b, a + " " + b));
}

TEST_F(SimTreeTest, RemovesVanishOrNot) {
  const std::string a = Create("a");
  tree_.SyncAll();
  Do(tree_.Remove("a"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), a);
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", a));
  Do(tree_.Sync("/"));
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre(""));
}

TEST_F(SimTreeTest, ARenameHappensAsAWhole) {
  const auto node = *tree_.CreateFile("a");
  Create("b");
  tree_.SyncAll();
  const std::string before = Names(tree_);
  Do(tree_.Rename("a", "b"));
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre(before, absl::StrCat("b=", node)));
}

TEST_F(SimTreeTest, ARenameAcrossDirectoriesHappensAsAWholeWhicheverOfThemIsSynced) {
  for (const char* synced : {"d", "e"}) {
    SimTree tree;
    Do(tree.CreateDirectory("d"));
    Do(tree.CreateDirectory("e"));
    const auto node = *tree.CreateFile("d/a");
    tree.SyncAll();
    Do(tree.Rename("d/a", "e/b"));
    EXPECT_THAT(Outcomes(tree),
                UnorderedElementsAre(absl::StrCat("d/a=", node), absl::StrCat("e/b=", node)));
    Do(tree.Sync(synced));
    EXPECT_EQ(AfterCrash(tree, CrashMode::kDropUnsynced), absl::StrCat("e/b=", node)) << synced;
  }
}

TEST_F(SimTreeTest, ChangesOfOneNameComeInTheirOrder) {
  const std::string first = Create("a");
  Do(tree_.Remove("a"));
  const std::string second = Create("a");
  EXPECT_NE(first, second);
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", first, second));
  // The name can only be taken by the second file once the rename has freed it.
  Do(tree_.Sync("/"));
  const auto node = *tree_.Find("a");
  Do(tree_.Rename("a", "b"));
  const std::string third = Create("a");
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre(second, absl::StrCat("b=", node),
                                                    absl::StrCat(third, " b=", node)));
}

TEST_F(SimTreeTest, LinkAndRemoveMayComeInTheOtherOrder) {
  const auto node = *tree_.CreateFile("a");
  tree_.SyncAll();
  Do(tree_.Link("a", "b"));
  Do(tree_.Remove("a"));
  const std::string a = absl::StrCat("a=", node), b = absl::StrCat("b=", node);
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", a, b, a + " " + b));
}

TEST_F(SimTreeTest, WhatIsInADirectoryNeedsTheNameOfTheDirectory) {
  Do(tree_.CreateDirectory("d"));
  const std::string a = Create("d/a");
  Do(tree_.Sync("d"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), "");
  EXPECT_THAT(Outcomes(tree_), UnorderedElementsAre("", a));
  Do(tree_.Sync("/"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), a);
}

TEST_F(SimTreeTest, SyncOfADirectoryDoesNotReachBelowIt) {
  Do(tree_.CreateDirectory("d"));
  Create("d/a");
  Do(tree_.Sync("/"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), "");
  SimRandom random(1);
  EXPECT_THAT(*tree_.AfterCrash(CrashMode::kDropUnsynced, random).List("/"), ElementsAre("d"));
}

TEST_F(SimTreeTest, SyncBringsWhatItsChangesDependOn) {
  Do(tree_.CreateDirectory("d"));
  Do(tree_.CreateDirectory("e"));
  const auto node = *tree_.CreateFile("d/x");
  tree_.SyncAll();
  Create("e/a");
  Do(tree_.Remove("e/a"));
  Do(tree_.Rename("d/x", "e/a"));
  Create("e/other");
  Do(tree_.Sync("d"));  // brings the rename, and so the two changes before it that freed its name
  const std::string renamed = absl::StrCat("e/a=", node);
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), renamed);
  for (const std::string& outcome : Outcomes(tree_)) EXPECT_THAT(outcome, HasSubstr(renamed));
}

TEST_F(SimTreeTest, AFailedSyncLosesItsChangesForEver) {
  Do(tree_.CreateDirectory("d"));
  Do(tree_.Sync("/"));
  const std::string lost = Create("a"), other = Create("d/other");
  Do(tree_.FailSync("/"));
  EXPECT_EQ(Names(tree_), lost + " " + other);
  Do(tree_.Sync("/"));
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kKeepAll), other);
  tree_.SyncAll();
  EXPECT_EQ(AfterCrash(tree_, CrashMode::kDropUnsynced), other);
}

TEST_F(SimTreeTest, ACrashedTreeGoesOnLikeAnyOther) {
  Create("a");
  Do(tree_.CreateDirectory("d"));
  tree_.SyncAll();
  Create("b");
  SimRandom random(1);
  SimTree after = tree_.AfterCrash(CrashMode::kDropUnsynced, random);
  const auto node = *after.CreateFile("d/c");
  EXPECT_THAT(Names(after), HasSubstr(absl::StrCat("d/c=", node)));
  SimRandom again(1);
  EXPECT_EQ(Names(after.AfterCrash(CrashMode::kDropUnsynced, again)), "a=2");
  EXPECT_EQ(Names(tree_), "a=2 b=4");  // the other tree never saw it
}

TEST_F(SimTreeTest, PruneKeepsWhatACrashMayBringBack) {
  Do(tree_.CreateDirectory("d"));
  const auto removed = *tree_.CreateFile("d/a");
  tree_.SyncAll();
  Do(tree_.Remove("d/a"));
  Do(tree_.Remove("d"));
  EXPECT_THAT(tree_.Prune(), Contains(removed));
  EXPECT_THAT(AfterCrash(tree_, CrashMode::kDropUnsynced), absl::StrCat("d/a=", removed));
  tree_.SyncAll();
  EXPECT_THAT(tree_.Prune(), Not(Contains(removed)));
}

TEST_F(SimTreeTest, DotsAndSlashesMeanNothing) {
  Create("a");
  EXPECT_EQ(*tree_.Find("/a"), *tree_.Find("./a"));
  EXPECT_EQ(*tree_.Find("."), SimTree::kRoot);
  EXPECT_EQ(*tree_.Find(""), SimTree::kRoot);
  EXPECT_FALSE(tree_.Remove("/").ok());
}

}  // namespace
}  // namespace weir
