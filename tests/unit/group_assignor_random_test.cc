// What must hold for the assignors whatever the group: over random groups, and over random lives of
// groups, from a seed. WEIR_SEED chooses one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "broker/group/assignor.h"
#include "tests/support/environment.h"
#include "tests/support/sim_random.h"
#include "tests/unit/group_assignor_support.h"

namespace weir {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kSeeds = 300;
constexpr char kLetters[] = "ABCDEFGH";

// Runs `test` with every seed, or with the one of the environment, and says which one failed.
void ForEachSeed(const std::function<void(SimRandom*)>& test) {
  ForSeeds("WEIR_ASSIGNOR_SEEDS", kSeeds, [&](uint64_t seed) {
    SCOPED_TRACE(absl::StrCat("WEIR_SEED=", seed));
    SimRandom random(seed);
    test(&random);
  });
}

bool CanTake(const AssignorInput::Member& member, const TopicPartition& partition,
             const AssignorInput& input) {
  const auto topic = input.topics.find(partition.topic);
  return topic != input.topics.end() && partition.partition.value() >= 0 &&
         partition.partition.value() < topic->second &&
         member.subscribed->contains(partition.topic);
}

// Whose each partition was, as the contract says it: of those who own it and can take it, the
// lowest id.
std::map<TopicPartition, std::string> Homes(const AssignorInput& input) {
  std::map<TopicPartition, std::string> homes;
  for (const auto& member : input.members) {
    for (const TopicPartition& partition : member.owned) {
      if (!CanTake(member, partition, input)) continue;
      const auto [it, is_new] = homes.emplace(partition, member.id);
      if (!is_new) it->second = std::min(it->second, member.id);
    }
  }
  return homes;
}

// Every member is there; every partition that somebody subscribes to has one owner, who subscribes
// to it; no others are given.
void ExpectComplete(const AssignorInput& input, const Assignment& assignment) {
  ASSERT_EQ(assignment.size(), input.members.size());
  std::map<TopicPartition, int> owners;
  for (const auto& member : input.members) {
    ASSERT_TRUE(assignment.contains(member.id)) << member.id;
    for (const auto& [topic, partitions] : input.topics) {
      if (!member.subscribed->contains(topic)) continue;
      for (int32_t i = 0; i < partitions; ++i) owners.try_emplace({topic, PartitionIndex{i}}, 0);
    }
  }
  for (const auto& member : input.members) {
    for (const TopicPartition& partition : assignment.at(member.id)) {
      EXPECT_TRUE(CanTake(member, partition, input)) << member.id << " has " << partition;
      ++owners[partition];
    }
  }
  for (const auto& [partition, count] : owners) EXPECT_EQ(count, 1) << partition;
}

void ExpectEven(const AssignorInput& input, const Assignment& assignment) {
  for (const auto& [rich_id, rich] : assignment) {
    for (const auto& poor : input.members) {
      if (rich.size() < assignment.at(poor.id).size() + 2) continue;
      for (const TopicPartition& partition : rich) {
        EXPECT_FALSE(CanTake(poor, partition, input))
            << rich_id << " has " << rich.size() << ", " << poor.id << " has only "
            << assignment.at(poor.id).size() << " and could take " << partition;
      }
    }
  }
}

// How many partitions have another owner than before; those that had none do not count.
int64_t MovesOf(const AssignorInput& input, const Assignment& assignment) {
  int64_t moves = 0;
  for (const auto& [partition, home] : Homes(input)) {
    moves += assignment.at(home).contains(partition) ? 0 : 1;
  }
  return moves;
}

void ExpectSticky(const AssignorInput& input) {
  const Assignment assignment = Assign(Assignor::kSticky, input);
  ASSERT_NO_FATAL_FAILURE(ExpectComplete(input, assignment));
  ExpectEven(input, assignment);
  EXPECT_EQ(Assign(Assignor::kSticky, Settled(input, assignment)), assignment);
}

// ---- Random groups.

std::string SomeLetters(SimRandom* random, double probability) {
  std::string letters;
  for (const char letter : std::string(kLetters)) {
    if (random->Chance(probability)) letters.push_back(letter);
  }
  return letters;
}

void SomeTopics(SimRandom* random, AssignorInput* input) {
  for (const char letter : SomeLetters(random, 0.7)) {
    input->topics[TopicNamed(letter)] =
        static_cast<int32_t>(random->Below(random->Chance(0.2) ? 60 : 9));
  }
}

// Owned partitions of every kind: also gone, not subscribed to, or another member's as well.
PartitionSet AnyPartitions(SimRandom* random) {
  PartitionSet partitions;
  const uint64_t count = random->Below(random->Chance(0.2) ? 40 : 6);
  for (uint64_t i = 0; i < count; ++i) {
    partitions.insert({TopicNamed(kLetters[random->Below(8)]),
                       PartitionIndex{static_cast<int32_t>(random->Below(12)) - 1}});
  }
  return partitions;
}

// A group, and what its members may subscribe to: all the same, a few kinds, or each its own.
class RandomGroup {
 public:
  explicit RandomGroup(SimRandom* random) : random_(random) {
    const uint64_t kinds = random->Chance(0.3) ? 1 : 1 + random->Below(20);
    for (uint64_t i = 0; i < kinds; ++i) kinds_.push_back(SomeLetters(random, random->Bias()));
    SomeTopics(random, &input);
    const uint64_t members = random->Below(random->Chance(0.2) ? 40 : 8);
    for (uint64_t i = 0; i < members; ++i) Join();
  }

  void Join() {
    AssignorInput::Member member;
    // Neither in order of joining nor in the order of numbers.
    member.id = absl::StrCat("m", random_->Below(1'000), "-", ++joined_);
    if (random_->Chance(0.3)) member.instance_id = absl::StrCat("i", random_->Below(1000));
    member.subscribed = Shared(AnySubscription());
    input.members.push_back(std::move(member));
  }
  void Leave() {
    if (!input.members.empty()) input.members.erase(input.members.begin() + AnyMember());
  }
  void Resubscribe() {
    if (!input.members.empty()) input.members[AnyMember()].subscribed = Shared(AnySubscription());
  }
  void ChangeTopic() {
    const TopicId topic = TopicNamed(kLetters[random_->Below(8)]);
    if (random_->Chance(0.4)) {
      input.topics.erase(topic);
    } else {
      input.topics[topic] += static_cast<int32_t>(random_->Below(10));
    }
  }
  void Muddle() {
    for (auto& member : input.members) member.owned = AnyPartitions(random_);
  }
  void Change() {
    switch (random_->Below(8)) {
      case 0:
      case 1:
      case 2:
        return Join();
      case 3:
      case 4:
        return Leave();
      case 5:
        return Resubscribe();
      case 6:
        return ChangeTopic();
      case 7:
        if (random_->Chance(0.2)) Muddle();
    }
  }

  AssignorInput input;

 private:
  absl::btree_set<TopicId> AnySubscription() {
    return TopicsNamed(kinds_[random_->Below(kinds_.size())]);
  }
  int64_t AnyMember() { return static_cast<int64_t>(random_->Below(input.members.size())); }

  SimRandom* random_;
  std::vector<std::string> kinds_;
  int joined_ = 0;
};

TEST(StickyAssignorRandomTest, AnyGroupIsCompleteEvenAndStays) {
  ForEachSeed([](SimRandom* random) {
    RandomGroup group(random);
    if (random->Chance(0.7)) group.Muddle();
    ExpectSticky(group.input);
  });
}

TEST(StickyAssignorRandomTest, GroupsStaySoThroughTheirLives) {
  ForEachSeed([](SimRandom* random) {
    RandomGroup group(random);
    for (int i = 0; i < 30 && !testing::Test::HasFailure(); ++i) {
      // Now and then several things happen before the next assignment.
      do group.Change();
      while (random->Chance(0.3));
      ExpectSticky(group.input);
      group.input = Settled(group.input, Assign(Assignor::kSticky, group.input));
    }
  });
}

TEST(AssignorRandomTest, OrderOfMembersDoesNotMatter) {
  ForEachSeed([](SimRandom* random) {
    RandomGroup group(random);
    group.Muddle();
    AssignorInput shuffled = group.input;
    std::mt19937_64 order(random->Next());
    std::shuffle(shuffled.members.begin(), shuffled.members.end(), order);
    for (const Assignor assignor : {Assignor::kSticky, Assignor::kRange}) {
      EXPECT_EQ(Assign(assignor, shuffled), Assign(assignor, group.input))
          << AssignorName(assignor);
    }
  });
}

// ---- Groups whose members all subscribe to the same: what moves is known exactly.

AssignorInput RandomEqualGroup(SimRandom* random) {
  AssignorInput input;
  SomeTopics(random, &input);
  const uint64_t members = 1 + random->Below(random->Chance(0.2) ? 60 : 10);
  for (uint64_t i = 0; i < members; ++i) {
    input.members.push_back(
        {absl::StrCat("m", random->Below(1'000), "-", i), "", Shared(TopicsNamed(kLetters)), {}});
  }
  return input;
}

int64_t PartitionsIn(const AssignorInput& input) {
  return std::accumulate(input.topics.begin(), input.topics.end(), int64_t{0},
                         [](int64_t sum, const auto& topic) { return sum + topic.second; });
}

TEST(StickyAssignorRandomTest, MemberThatLeavesMovesOnlyItsPartitions) {
  ForEachSeed([](SimRandom* random) {
    AssignorInput group = RandomEqualGroup(random);
    group = Settled(group, Assign(Assignor::kSticky, group));
    group.members.erase(group.members.begin() +
                        static_cast<int64_t>(random->Below(group.members.size())));
    const Assignment after = Assign(Assignor::kSticky, group);
    EXPECT_EQ(MovesOf(group, after), 0);
    ASSERT_NO_FATAL_FAILURE(ExpectComplete(group, after));
  });
}

TEST(StickyAssignorRandomTest, MemberThatJoinsGetsItsShareAndNothingElseMoves) {
  ForEachSeed([](SimRandom* random) {
    AssignorInput group = RandomEqualGroup(random);
    group = Settled(group, Assign(Assignor::kSticky, group));
    const std::string id = absl::StrCat("m", random->Below(1'000), "-new");
    group.members.push_back({id, "", Shared(TopicsNamed(kLetters)), {}});
    const Assignment after = Assign(Assignor::kSticky, group);
    const int64_t share = PartitionsIn(group) / static_cast<int64_t>(group.members.size());
    EXPECT_EQ(static_cast<int64_t>(after.at(id).size()), share);
    EXPECT_EQ(MovesOf(group, after), share);
  });
}

// The fewest moves that any even assignment needs: those who own most keep the shares that are one
// larger, everybody gives away what is above the share, and nobody else does.
int64_t FewestMoves(const AssignorInput& input) {
  const int64_t members = static_cast<int64_t>(input.members.size());
  std::map<std::string, int64_t> owned;
  for (const auto& [partition, home] : Homes(input)) ++owned[home];
  std::vector<int64_t> loads;
  for (const auto& [home, count] : owned) loads.push_back(count);
  std::sort(loads.rbegin(), loads.rend());
  const int64_t share = PartitionsIn(input) / members;
  const int64_t larger_shares = PartitionsIn(input) % members;
  int64_t moves = 0;
  for (size_t i = 0; i < loads.size(); ++i) {
    const int64_t limit = share + (static_cast<int64_t>(i) < larger_shares ? 1 : 0);
    moves += std::max<int64_t>(0, loads[i] - limit);
  }
  return moves;
}

TEST(StickyAssignorRandomTest, NoMoreMovesThanAnyEvenAssignmentNeeds) {
  ForEachSeed([](SimRandom* random) {
    AssignorInput group = RandomEqualGroup(random);
    for (auto& member : group.members) member.owned = AnyPartitions(random);
    const Assignment after = Assign(Assignor::kSticky, group);
    ExpectEven(group, after);
    EXPECT_EQ(MovesOf(group, after), FewestMoves(group));
  });
}

// The scale that groups must hold. Nothing is timed here.
TEST(StickyAssignorRandomTest, ThousandMembersComeAndGo) {
  SimRandom random(1);
  AssignorInput group;
  group.topics[TopicNamed('A')] = 1'000;
  for (int i = 0; i < 1'000; ++i) {
    group.members.push_back({absl::StrCat("m", i), "", Shared(TopicsNamed("A")), {}});
  }
  for (int i = 0; i < 20; ++i) {
    const Assignment assignment = Assign(Assignor::kSticky, group);
    ASSERT_NO_FATAL_FAILURE(ExpectComplete(group, assignment));
    for (const auto& [id, partitions] : assignment) EXPECT_LE(partitions.size(), 2u) << id;
    EXPECT_EQ(MovesOf(group, assignment), 0);  // one or two each: a newcomer takes from nobody
    group = Settled(group, assignment);
    auto& member = group.members[random.Below(group.members.size())];
    member = {absl::StrCat("n", i), "", Shared(TopicsNamed("A")), {}};
  }
}

// ---- Ranges.

std::vector<int32_t> IndexesOf(const PartitionSet& partitions, const TopicId& topic) {
  std::vector<int32_t> indexes;
  for (const TopicPartition& partition : partitions) {
    if (partition.topic == topic) indexes.push_back(partition.partition.value());
  }
  return indexes;
}

// Sizes of all subscribers' shares of a topic; each must be a range.
std::vector<int64_t> ShareSizes(const AssignorInput& input, const Assignment& assignment,
                                const TopicId& topic) {
  std::vector<int64_t> sizes;
  for (const auto& member : input.members) {
    if (!member.subscribed->contains(topic)) continue;
    const std::vector<int32_t> indexes = IndexesOf(assignment.at(member.id), topic);
    sizes.push_back(static_cast<int64_t>(indexes.size()));
    if (indexes.empty()) continue;
    EXPECT_EQ(indexes.back() - indexes.front() + 1, sizes.back()) << member.id << " " << topic;
  }
  return sizes;
}

TEST(RangeAssignorRandomTest, AnyGroupIsCompleteInEvenRanges) {
  ForEachSeed([](SimRandom* random) {
    RandomGroup group(random);
    group.Muddle();
    const Assignment assignment = Assign(Assignor::kRange, group.input);
    ASSERT_NO_FATAL_FAILURE(ExpectComplete(group.input, assignment));
    for (const auto& [topic, partitions] : group.input.topics) {
      const std::vector<int64_t> sizes = ShareSizes(group.input, assignment, topic);
      if (sizes.empty()) continue;
      const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
      EXPECT_LE(*most - *least, 1) << topic;
    }
  });
}

TEST(RangeAssignorRandomTest, EqualTopicsAreCutAtTheSamePlaces) {
  ForEachSeed([](SimRandom* random) {
    RandomGroup group(random);
    const TopicId one = TopicNamed('A');
    const TopicId other = TopicNamed('H');
    group.input.topics[one] = group.input.topics[other] = 1 + random->Below(20);
    for (auto& member : group.input.members) {
      absl::btree_set<TopicId> subscribed = *member.subscribed;
      subscribed.erase(other);
      if (subscribed.contains(one)) subscribed.insert(other);
      member.subscribed = Shared(std::move(subscribed));
    }
    for (const auto& [id, partitions] : Assign(Assignor::kRange, group.input)) {
      EXPECT_EQ(IndexesOf(partitions, one), IndexesOf(partitions, other)) << id;
    }
  });
}

}  // namespace
}  // namespace weir
