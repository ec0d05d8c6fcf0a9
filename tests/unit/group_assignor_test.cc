// The assignors by small examples; group_assignor_random_test.cc has what must hold for any input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/group/assignor.h"
#include "tests/unit/group_assignor_support.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

std::map<std::string, std::string> Texts(Assignor assignor, const AssignorInput& input) {
  std::map<std::string, std::string> texts;
  for (const auto& [id, partitions] : Assign(assignor, input)) texts[id] = Text(partitions);
  return texts;
}
std::map<std::string, std::string> Sticky(const std::vector<MemberText>& members,
                                          const std::map<char, int32_t>& topics) {
  return Texts(Assignor::kSticky, Group(members, topics));
}
std::map<std::string, std::string> Range(const std::vector<MemberText>& members,
                                         const std::map<char, int32_t>& topics) {
  return Texts(Assignor::kRange, Group(members, topics));
}

TEST(AssignorNameTest, NamesAreReadBack) {
  EXPECT_EQ(AssignorName(Assignor::kSticky), "sticky");
  EXPECT_EQ(AssignorName(Assignor::kRange), "range");
  EXPECT_THAT(ParseAssignor("sticky"), Optional(Assignor::kSticky));
  EXPECT_THAT(ParseAssignor("range"), Optional(Assignor::kRange));
}

TEST(AssignorNameTest, OtherNamesAreNone) {
  for (const char* name : {"", "Sticky", "uniform", "sticky ", "unknown"}) {
    EXPECT_THAT(ParseAssignor(name), Eq(std::nullopt)) << name;
  }
}

TEST(StickyAssignorTest, NewGroupIsSpreadInTurn) {
  EXPECT_THAT(Sticky({{"m1", "A"}, {"m2", "A"}}, {{'A', 5}}),
              ElementsAre(Pair("m1", "A0 A2 A4"), Pair("m2", "A1 A3")));
}

TEST(StickyAssignorTest, TopicsCountTogether) {
  EXPECT_THAT(Sticky({{"m1", "ABC"}, {"m2", "ABC"}, {"m3", "ABC"}}, {{'A', 1}, {'B', 1}, {'C', 1}}),
              ElementsAre(Pair("m1", "A0"), Pair("m2", "B0"), Pair("m3", "C0")));
}

TEST(StickyAssignorTest, GroupWithoutMembersHasNoAssignment) {
  EXPECT_THAT(Sticky({}, {{'A', 5}}), IsEmpty());
}

TEST(StickyAssignorTest, MembersWithoutTopicsHaveNoPartitions) {
  EXPECT_THAT(Sticky({{"m1", ""}, {"m2", "X", "X0"}}, {{'A', 5}}),
              ElementsAre(Pair("m1", ""), Pair("m2", "")));
  EXPECT_THAT(Sticky({{"m1", "A"}}, {}), ElementsAre(Pair("m1", "")));
  EXPECT_THAT(Sticky({{"m1", "A"}}, {{'A', 0}}), ElementsAre(Pair("m1", "")));
}

TEST(StickyAssignorTest, MoreMembersThanPartitions) {
  EXPECT_THAT(Sticky({{"m1", "A"}, {"m2", "A"}, {"m3", "A"}}, {{'A', 2}}),
              ElementsAre(Pair("m1", "A0"), Pair("m2", "A1"), Pair("m3", "")));
}

TEST(StickyAssignorTest, EvenAssignmentStays) {
  EXPECT_THAT(Sticky({{"m1", "A", "A3 A4"}, {"m2", "A", "A0 A1 A2"}}, {{'A', 5}}),
              ElementsAre(Pair("m1", "A3 A4"), Pair("m2", "A0 A1 A2")));
}

TEST(StickyAssignorTest, MemberThatLeavesMovesOnlyItsPartitions) {
  // m2, which had A2 and A3, is gone.
  EXPECT_THAT(Sticky({{"m1", "A", "A0 A1"}, {"m3", "A", "A4 A5"}}, {{'A', 6}}),
              ElementsAre(Pair("m1", "A0 A1 A2"), Pair("m3", "A3 A4 A5")));
}

TEST(StickyAssignorTest, MemberThatJoinsGetsItsShareAndNothingElseMoves) {
  EXPECT_THAT(Sticky({{"m1", "A", "A0 A1 A2"}, {"m2", "A", "A3 A4 A5"}, {"m3", "A"}}, {{'A', 6}}),
              ElementsAre(Pair("m1", "A1 A2"), Pair("m2", "A4 A5"), Pair("m3", "A0 A3")));
}

TEST(StickyAssignorTest, MemberThatJoinsTakesNothingWhereOneMoreWouldBeNoBetter) {
  EXPECT_THAT(Sticky({{"m1", "A", "A0"}, {"m2", "A", "A1"}, {"m3", "A"}}, {{'A', 2}}),
              ElementsAre(Pair("m1", "A0"), Pair("m2", "A1"), Pair("m3", "")));
}

TEST(StickyAssignorTest, AddedPartitionsGoToThoseWithLeast) {
  EXPECT_THAT(Sticky({{"m1", "A", "A0 A1"}, {"m2", "A", "A2"}}, {{'A', 5}}),
              ElementsAre(Pair("m1", "A0 A1 A4"), Pair("m2", "A2 A3")));
}

TEST(StickyAssignorTest, PartitionsThatAreGoneCountForNothing) {
  EXPECT_THAT(Sticky({{"m1", "AB", "A7 A8 A9 B0"}, {"m2", "AB", "A0 A1"}}, {{'A', 4}}),
              ElementsAre(Pair("m1", "A2 A3"), Pair("m2", "A0 A1")));
  EXPECT_THAT(Sticky({{"m1", "A", "A-1"}}, {{'A', 1}}), ElementsAre(Pair("m1", "A0")));
}

TEST(StickyAssignorTest, PartitionThatTwoOwnIsTheLowerIds) {
  EXPECT_THAT(Sticky({{"m2", "A", "A0 A1"}, {"m1", "A", "A1 A2"}}, {{'A', 4}}),
              ElementsAre(Pair("m1", "A1 A2"), Pair("m2", "A0 A3")));
}

TEST(StickyAssignorTest, PartitionOfTwoOwnersIsNotTheOnesThatNoLongerSubscribes) {
  EXPECT_THAT(Sticky({{"m1", "B", "A0"}, {"m2", "A", "A0"}, {"m3", "A"}}, {{'A', 1}, {'B', 1}}),
              ElementsAre(Pair("m1", "B0"), Pair("m2", "A0"), Pair("m3", "")));
}

TEST(StickyAssignorTest, TopicThatAMemberNoLongerSubscribesToIsTakenFromIt) {
  EXPECT_THAT(Sticky({{"m1", "B", "A0 A1 B0"}, {"m2", "AB", "B1"}}, {{'A', 2}, {'B', 2}}),
              ElementsAre(Pair("m1", "B0 B1"), Pair("m2", "A0 A1")));
}

TEST(StickyAssignorTest, MemberThatAloneSubscribesHasItAll) {
  EXPECT_THAT(Sticky({{"m1", "A"}, {"m2", "B"}}, {{'A', 4}, {'B', 1}}),
              ElementsAre(Pair("m1", "A0 A1 A2 A3"), Pair("m2", "B0")));
}

TEST(StickyAssignorTest, TopicsOfManySubscribersGoRoundThoseOfFew) {
  EXPECT_THAT(Sticky({{"m1", "AB"}, {"m2", "A"}}, {{'A', 4}, {'B', 2}}),
              ElementsAre(Pair("m1", "A2 B0 B1"), Pair("m2", "A0 A1 A3")));
}

// m1 has too much and shares only A with m2, who passes on Bs to m3.
TEST(StickyAssignorTest, LoadFlowsThroughThoseInBetween) {
  EXPECT_THAT(Sticky({{"m1", "A", "A0 A1 A2 A3 A4 A5"}, {"m2", "AB", "B0 B1 B2"}, {"m3", "B"}},
                     {{'A', 6}, {'B', 3}}),
              ElementsAre(Pair("m1", "A2 A3 A4 A5"), Pair("m2", "A0 A1 B2"), Pair("m3", "B0 B1")));
}

// m2 could give A0 to m1, but once m3 has its share of B it need not.
TEST(StickyAssignorTest, WidestGapIsNarrowedFirst) {
  EXPECT_THAT(
      Sticky({{"m1", "A", "A1 A2 A3"}, {"m2", "AB", "A0 B0 B1 B2 B3 B4 B5"}, {"m3", "B"}},
             {{'A', 4}, {'B', 6}}),
      ElementsAre(Pair("m1", "A1 A2 A3"), Pair("m2", "A0 B3 B4 B5"), Pair("m3", "B0 B1 B2")));
}

// B1 is nobody's and goes to m2, until m2 gets As from m1 and must give a B to m3: not B0.
TEST(StickyAssignorTest, WhatAMemberHasAnewGoesBeforeWhatItOwned) {
  EXPECT_THAT(
      Sticky({{"m1", "A", "A0 A1 A2 A3 A4 A5 A6 A7"}, {"m2", "AB", "B0"}, {"m3", "BC", "C0 C1 C2"}},
             {{'A', 8}, {'B', 2}, {'C', 3}}),
      ElementsAre(Pair("m1", "A3 A4 A5 A6 A7"), Pair("m2", "A0 A1 A2 B0"),
                  Pair("m3", "B1 C0 C1 C2")));
}

TEST(StickyAssignorTest, StaticMemberUnderANewIdKeepsWhatItIsGiven) {
  EXPECT_THAT(Sticky({{"m9", "A", "A0 A1", "host-1"}, {"m2", "A", "A2 A3", "host-2"}}, {{'A', 4}}),
              ElementsAre(Pair("m2", "A2 A3"), Pair("m9", "A0 A1")));
}

TEST(RangeAssignorTest, RangesFollowEachOtherAndTheFirstHaveOneMore) {
  EXPECT_THAT(Range({{"m3", "A"}, {"m1", "A"}, {"m2", "A"}}, {{'A', 8}}),
              ElementsAre(Pair("m1", "A0 A1 A2"), Pair("m2", "A3 A4 A5"), Pair("m3", "A6 A7")));
}

TEST(RangeAssignorTest, EqualTopicsAreCutAtTheSamePlaces) {
  EXPECT_THAT(Range({{"m1", "AB"}, {"m2", "AB"}}, {{'A', 3}, {'B', 3}}),
              ElementsAre(Pair("m1", "A0 A1 B0 B1"), Pair("m2", "A2 B2")));
}

TEST(RangeAssignorTest, EachTopicGoesToItsSubscribers) {
  EXPECT_THAT(Range({{"m1", "A"}, {"m2", "ABX"}, {"m3", "B"}}, {{'A', 2}, {'B', 2}, {'C', 2}}),
              ElementsAre(Pair("m1", "A0"), Pair("m2", "A1 B0"), Pair("m3", "B1")));
}

TEST(RangeAssignorTest, WhatMembersOwnDoesNotMatter) {
  EXPECT_THAT(Range({{"m1", "A", "A2 A3"}, {"m2", "A", "A0 A1"}}, {{'A', 4}}),
              ElementsAre(Pair("m1", "A0 A1"), Pair("m2", "A2 A3")));
}

TEST(RangeAssignorTest, StaticMembersComeFirstInOrderOfInstance) {
  EXPECT_THAT(
      Range({{"m1", "A"}, {"m2", "A", "", "host-2"}, {"m3", "A", "", "host-1"}}, {{'A', 3}}),
      ElementsAre(Pair("m1", "A2"), Pair("m2", "A1"), Pair("m3", "A0")));
}

TEST(RangeAssignorTest, StaticMemberUnderANewIdHasWhatItHad) {
  const std::map<char, int32_t> topics = {{'A', 4}};
  EXPECT_THAT(Range({{"m1", "A", "", "host-1"}, {"m2", "A", "", "host-2"}}, topics),
              ElementsAre(Pair("m1", "A0 A1"), Pair("m2", "A2 A3")));
  EXPECT_THAT(Range({{"m9", "A", "", "host-1"}, {"m2", "A", "", "host-2"}}, topics),
              ElementsAre(Pair("m2", "A2 A3"), Pair("m9", "A0 A1")));
}

TEST(RangeAssignorTest, MoreMembersThanPartitions) {
  EXPECT_THAT(Range({{"m1", "A"}, {"m2", "A"}, {"m3", "A"}}, {{'A', 2}}),
              ElementsAre(Pair("m1", "A0"), Pair("m2", "A1"), Pair("m3", "")));
}

TEST(RangeAssignorTest, NoMembersNoTopicsNoPartitions) {
  EXPECT_THAT(Range({}, {{'A', 5}}), IsEmpty());
  EXPECT_THAT(Range({{"m1", "A"}}, {}), ElementsAre(Pair("m1", "")));
  EXPECT_THAT(Range({{"m1", "A"}}, {{'A', 0}}), ElementsAre(Pair("m1", "")));
}

}  // namespace
}  // namespace weir
