// The fault model of file data (tests/support/sim_file.h): what power loss may leave, and what it
// may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "tests/support/sim_file.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::IsSubsetOf;
using ::testing::UnorderedElementsAre;

constexpr int kSeeds = 2000;
constexpr size_t kSector = SimFile::kSector;
constexpr size_t kBlock = SimContent::kBlock;

std::string All(const SimContent& content) {
  std::string bytes(static_cast<size_t>(content.size()), '?');
  content.Read(0, absl::MakeSpan(bytes));
  return bytes;
}

std::string AfterCrash(const SimFile& file, CrashMode mode, uint64_t seed = 1) {
  SimRandom random(seed);
  return All(file.AfterCrash(mode, random));
}

// What is left by kRandom over many seeds, each seen as `look` says.
std::set<std::string> Outcomes(const SimFile& file,
                               const std::function<std::string(std::string)>& look) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed)
    outcomes.insert(look(AfterCrash(file, CrashMode::kRandom, seed)));
  return outcomes;
}

std::string Sectors(int n, char c) { return std::string(n * kSector, c); }

// One letter per sector; '!' for a sector of several letters.
std::string Letters(const std::string& content) {
  std::string letters;
  for (size_t at = 0; at < content.size(); at += kSector) {
    const std::string sector = content.substr(at, kSector);
    const bool uniform = sector.find_first_not_of(sector[0]) == std::string::npos;
    letters += !uniform ? '!' : sector[0] == '\0' ? '0' : sector[0];
  }
  return letters;
}

SimFile Synced(const std::string& content) {
  SimFile file;
  file.Write(0, content);
  file.Sync();
  return file;
}

TEST(SimFileTest, SyncedBytesAndSizeSurviveEveryCrash) {
  SimFile file = Synced(std::string(10000, 'a'));
  file.Truncate(5000);
  file.Write(0, "b");
  file.Sync();
  const std::string expected = "b" + std::string(4999, 'a');
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), expected);
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), expected);
  EXPECT_THAT(Outcomes(file, [](std::string s) { return s; }), UnorderedElementsAre(expected));
}

TEST(SimFileTest, DropLeavesTheStateOfTheLastSync) {
  SimFile file = Synced("synced");
  file.Write(3, "CHANGED");
  file.Truncate(8);
  EXPECT_EQ(All(file.content()), "synCHANG");
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "synced");
}

TEST(SimFileTest, KeepLeavesEverything) {
  SimFile file = Synced("synced");
  file.Write(3, "CHANGED");
  file.Truncate(8);
  file.Truncate(5000);
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), "synCHANG" + std::string(4992, '\0'));
}

TEST(SimFileTest, ACrashLeavesTheFileItselfAsItIs) {
  SimFile file = Synced("synced");
  file.Write(0, "change");
  AfterCrash(file, CrashMode::kDropUnsynced);
  EXPECT_EQ(All(file.content()), "change");
  file.Sync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "change");
}

TEST(SimFileTest, OneSeedGivesOneOutcome) {
  SimFile file = Synced(Sectors(64, 'a'));
  for (int i = 0; i < 20; ++i) file.Write(i * 1000, Sectors(4, static_cast<char>('b' + i)));
  EXPECT_EQ(AfterCrash(file, CrashMode::kRandom, 5), AfterCrash(file, CrashMode::kRandom, 5));
  EXPECT_NE(AfterCrash(file, CrashMode::kRandom, 5), AfterCrash(file, CrashMode::kRandom, 6));
}

TEST(SimFileTest, AWriteIsTornAtSectorsInAnyPattern) {
  SimFile file = Synced(Sectors(3, 'a'));
  file.Write(0, Sectors(3, 'b'));
  EXPECT_THAT(Outcomes(file, Letters),
              UnorderedElementsAre("aaa", "baa", "aba", "aab", "bba", "bab", "abb", "bbb"));
}

TEST(SimFileTest, LongWritesAreTornIntoAFirstOrALastPartToo) {
  SimFile file = Synced(Sectors(32, 'a'));
  file.Write(0, Sectors(32, 'b'));
  const auto outcomes = Outcomes(file, Letters);
  EXPECT_THAT(outcomes, Contains(std::string(15, 'b') + std::string(17, 'a')));
  EXPECT_THAT(outcomes, Contains(std::string(15, 'a') + std::string(17, 'b')));
}

TEST(SimFileTest, WritesReachTheDiskInAnyOrder) {
  SimFile file = Synced(Sectors(2, 'a'));
  file.Write(0, Sectors(1, 'b'));
  file.Write(kSector, Sectors(1, 'c'));
  EXPECT_THAT(Outcomes(file, Letters), UnorderedElementsAre("aa", "ba", "ac", "bc"));
}

TEST(SimFileTest, ASectorShowsAnyOfItsVersions) {
  SimFile file = Synced(Sectors(1, 'a'));
  for (const char c : {'b', 'c', 'd'}) file.Write(0, Sectors(1, c));
  EXPECT_THAT(Outcomes(file, Letters), UnorderedElementsAre("a", "b", "c", "d"));
}

TEST(SimFileTest, TheLaterOfTwoWritesIntoASectorNeverComesAlone) {
  SimFile file = Synced(std::string(200, '.'));
  file.Write(0, std::string(100, 'b'));
  file.Write(100, std::string(100, 'c'));
  EXPECT_THAT(Outcomes(file, [](std::string s) { return s.substr(99, 2); }),
              UnorderedElementsAre("..", "b.", "bc"));
}

TEST(SimFileTest, TheSizeIsAnyThatTheFileHadAndMissingBytesAreZeros) {
  SimFile file = Synced(Sectors(1, 'a'));
  file.Write(1 * kSector, Sectors(1, 'b'));
  file.Write(2 * kSector, Sectors(1, 'c'));
  EXPECT_THAT(Outcomes(file, Letters),
              UnorderedElementsAre("a", "ab", "a0", "abc", "a0c", "ab0", "a00"));
}

TEST(SimFileTest, ATruncationVanishesOrIsThereAndIndependentlyOfWritesBeforeIt) {
  SimFile file = Synced(Sectors(16, 'a'));
  file.Write(0, Sectors(1, 'b'));
  file.Truncate(kBlock);
  const std::string rest(7, 'a'), whole(15, 'a');
  EXPECT_THAT(Outcomes(file, Letters),
              UnorderedElementsAre("a" + rest, "b" + rest, "a" + whole, "b" + whole));
}

TEST(SimFileTest, BytesBehindAVanishedTruncationAreTheOldOnes) {
  SimFile file = Synced(Sectors(16, 'a'));
  file.Truncate(kBlock);
  file.Write(kBlock, Sectors(1, 'b'));  // goes into a block that the truncation freed
  const std::string kept(8, 'a');
  EXPECT_THAT(Outcomes(file, Letters),
              UnorderedElementsAre(std::string(16, 'a'), kept, kept + "b", kept + "0"));
}

TEST(SimFileTest, NothingOlderShowsBehindATruncationThatIsThere) {
  SimFile file = Synced(Sectors(16, 'a'));
  file.Write(kBlock, Sectors(8, 'b'));
  file.Truncate(kBlock);
  file.Truncate(2 * kBlock);
  file.Write(3 * kBlock, "x");
  for (const std::string& outcome : Outcomes(file, Letters)) {
    if (outcome.size() == 25 || outcome.size() == 8) {
      EXPECT_EQ(outcome.substr(0, 24).find('b'), std::string::npos) << outcome;
      EXPECT_EQ(outcome.substr(0, 8), std::string(8, 'a')) << outcome;
      EXPECT_EQ(outcome.find('a', 8), std::string::npos) << outcome;
    }
  }
}

TEST(SimFileTest, TheBlockOfTheCutMayBeZeroedBeforeTheSizeChanges) {
  SimFile file = Synced(Sectors(16, 'a'));
  file.Truncate(6 * kSector);
  const auto outcomes = Outcomes(file, Letters);
  EXPECT_THAT(outcomes, Contains(std::string(6, 'a')));
  EXPECT_THAT(outcomes, Contains(std::string(16, 'a')));
  EXPECT_THAT(outcomes, Contains("aaaaaa00aaaaaaaa"));
  const std::set<std::string> allowed = {"aaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaa00aaaaaaaa",
                                         "aaaaaa0aaaaaaaaa", "aaaaaaa0aaaaaaaa"};
  EXPECT_THAT(outcomes, IsSubsetOf(allowed));
}

TEST(SimFileTest, ACutWithinASectorZeroesTheRestOfIt) {
  SimFile file = Synced(std::string(1000, 'a'));
  file.Truncate(100);
  file.Sync();
  file.Truncate(1000);
  file.Sync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced),
            std::string(100, 'a') + std::string(900, '\0'));
}

// Each sector of any image must be one that the page cache held at some moment since the sync, and
// the size one that the file had. (Without truncations, whose effect on sectors has tests of its
// own.)
TEST(SimFileTest, EverySectorOfAnyImageOnceWasInMemory) {
  for (int seed = 0; seed < 200; ++seed) {
    SimRandom random(seed);
    SimFile file = Synced(std::string(random.Below(6000), 'a'));
    std::vector<std::string> history = {All(file.content())};
    for (int i = 0; i < 10; ++i) {
      file.Write(static_cast<int64_t>(random.Below(6000)),
                 std::string(1 + random.Below(2500), static_cast<char>('b' + i)));
      history.push_back(All(file.content()));
    }
    std::set<size_t> sizes;
    std::map<size_t, std::set<std::string>> versions;  // by sector
    for (std::string content : history) {
      sizes.insert(content.size());
      content.resize(20 * kSector);
      for (size_t s = 0; s < 20; ++s) versions[s].insert(content.substr(s * kSector, kSector));
    }
    const std::string image = AfterCrash(file, CrashMode::kRandom, seed);
    ASSERT_TRUE(sizes.contains(image.size())) << "seed " << seed;
    for (size_t s = 0; s * kSector < image.size(); ++s) {
      const std::string sector = image.substr(s * kSector, kSector);
      bool known = false;
      for (const std::string& version : versions[s])
        known |= version.substr(0, sector.size()) == sector;
      ASSERT_TRUE(known) << "seed " << seed << ", sector " << s << ": " << sector;
    }
  }
}

TEST(SimFileTest, AfterAFailedSyncBytesAreReadableButNeverGetToTheDisk) {
  SimFile file = Synced("synced");
  file.Write(0, "CHANGE");
  file.FailSync();
  EXPECT_EQ(All(file.content()), "CHANGE");
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "synced");
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), "synced");
  EXPECT_THAT(Outcomes(file, [](std::string s) { return s; }), UnorderedElementsAre("synced"));
  file.Sync();  // finds nothing dirty
  EXPECT_EQ(All(file.content()), "CHANGE");
  EXPECT_EQ(AfterCrash(file, CrashMode::kKeepAll), "synced");
}

TEST(SimFileTest, TheGoodSyncAfterAFailedOneKeepsTheSizeOverZeros) {
  SimFile file = Synced("synced");
  file.Write(6, " and more");
  file.FailSync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "synced");
  file.Sync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "synced" + std::string(9, '\0'));
}

TEST(SimFileTest, WhatIsWrittenAgainAfterAFailedSyncCanBeSynced) {
  SimFile file = Synced("synced");
  file.Write(0, "CHANGE");
  file.FailSync();
  file.Write(0, "CH");
  file.Sync();
  EXPECT_EQ(AfterCrash(file, CrashMode::kDropUnsynced), "CHnced");
}

}  // namespace
}  // namespace weir
