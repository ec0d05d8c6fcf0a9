// Consumer groups at the size that they must hold: what a change costs must not grow with members
// times partitions. Prints times, and asserts none.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <deque>

#include "absl/strings/str_cat.h"
#include "broker/group/group_records.h"
#include "storage/base/clock.h"
#include "storage/base/limits.h"
#include "tests/support/group_world.h"

namespace weir {
namespace {

constexpr int kMembers = 1'000;
constexpr int kPartitions = 1'000;

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

// A group whose members do at once what they are asked to.
class LargeGroup {
 public:
  LargeGroup() {
    world_.topics().Set("orders", kPartitions);
    world_.on_notice = [this](const Notice& notice) {
      if (!notice.revoked.empty()) confirmations_.push_back(notice);
    };
  }

  GroupWorld& world() { return world_; }
  const Group& group() { return *world_.machine().groups().Find("large"); }

  void Join() {
    const std::string id = absl::StrCat("00000000-0000-0000-0000-", 100'000'000'000 + joined_++);
    members_.push_back({"large", id, SessionId{static_cast<uint64_t>(joined_)}});
    const JoinRequest request{.group = "large",
                              .member_id = id,
                              .session = members_.back().session,
                              .subscription = {.topics = {"orders"}, .prefix = ""},
                              .client_id = "scale",
                              .host = "10.0.0.1",
                              .start = GroupStart::kEarliest};
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Join(
          now, request, [](absl::StatusOr<Joined> joined) { ASSERT_TRUE(joined.ok()); });
    });
  }
  void Leave() {
    const MemberStream stream = members_.front();
    members_.pop_front();
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Leave(now, stream, [](const absl::Status&) {});
    });
  }
  // Time passes, in steps in which members confirm.
  void Advance(absl::Duration by) {
    constexpr absl::Duration kStep = absl::Milliseconds(10);
    for (absl::Duration passed; passed < by; passed += kStep) {
      world_.Advance(kStep);
      for (; !confirmations_.empty(); confirmations_.pop_front()) Confirm(confirmations_.front());
    }
  }
  // Every partition has a member, none more than one that is expected, and nobody is asked for any.
  bool IsSettled() {
    size_t held = 0;
    for (const auto& [id, member] : group().members()) {
      if (member->IsRevoking() || member->held.size() > 1) return false;
      held += member->held.size();
    }
    return held == kPartitions;
  }

 private:
  void Confirm(const Notice& notice) {
    const MemberStream stream{notice.group, notice.member_id, notice.session};
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().ConfirmRevoked(now, stream, notice.epoch,
                                                          [](const absl::Status&) {});
    });
  }

  GroupWorld world_;
  std::deque<MemberStream> members_;
  std::deque<Notice> confirmations_;
  int64_t joined_ = 0;
};

TEST(GroupScaleTest, AThousandMembersOverAThousandPartitionsComeAndGo) {
  LargeGroup large;
  const Clock& clock = Clock::Real();
  absl::Duration since = clock.Monotonic();
  for (int i = 0; i < kMembers; ++i) large.Join();
  large.Advance(absl::Seconds(5));
  ASSERT_EQ(large.group().members().size(), static_cast<size_t>(kMembers));
  EXPECT_TRUE(large.IsSettled());
  std::printf("%d members join at once: %.0f ms, %lld records\n", kMembers,
              Milliseconds(clock.Monotonic() - since),
              static_cast<long long>(large.world().record_count()));

  // Twenty changes a second; what each costs in records is what it moves.
  constexpr int kChanges = 200;
  const int64_t records = large.world().record_count();
  const int64_t bytes = large.world().record_bytes();
  since = clock.Monotonic();
  for (int i = 0; i < kChanges; ++i) {
    if (i % 2 == 0) {
      large.Leave();
    } else {
      large.Join();
    }
    large.Advance(absl::Milliseconds(50));
  }
  const absl::Duration spent = clock.Monotonic() - since;
  large.Advance(absl::Seconds(5));
  EXPECT_TRUE(large.IsSettled());
  const int64_t records_each = (large.world().record_count() - records) / kChanges;
  const int64_t bytes_each = (large.world().record_bytes() - bytes) / kChanges;
  std::printf("a member joins or leaves: %.2f ms, %lld records, %lld bytes\n",
              Milliseconds(spent) / kChanges, static_cast<long long>(records_each),
              static_cast<long long>(bytes_each));
  EXPECT_LE(records_each, 6);
  EXPECT_LE(bytes_each, 2'000);

  since = clock.Monotonic();
  EXPECT_EQ(large.world().Restart(), "");
  std::printf("a restart, from the log alone: %.0f ms\n", Milliseconds(clock.Monotonic() - since));
}

TEST(GroupScaleTest, CommitsAreCheap) {
  GroupWorld world;
  const TopicId topic = world.topics().Set("orders", kPartitions);
  for (int32_t i = 0; i < kPartitions; ++i)
    world.topics().SetBounds({topic, PartitionIndex{i}}, {Offset{0}, Offset{1'000'000}});
  constexpr int kCommits = 20'000;
  constexpr int kOffsetsEach = 5;
  int64_t taken = 0;
  const absl::Duration since = Clock::Real().Monotonic();
  for (int i = 0; i < kCommits; ++i) {
    CommitRequest request{.group = "large", .start = GroupStart::kEarliest};
    for (int p = 0; p < kOffsetsEach; ++p) {
      const PartitionIndex partition{(i * kOffsetsEach + p) % kPartitions};
      request.offsets.push_back({.partition = {topic, partition}, .offset = Offset{i}});
    }
    world.Run([&](const MachineTime& now) {
      return world.machine().offsets().Commit(
          now, std::move(request), [&](absl::StatusOr<std::vector<absl::Status>> outcomes) {
            for (const absl::Status& outcome : *outcomes) taken += outcome.ok() ? 1 : 0;
          });
    });
    if (i % 1'000 == 999) world.WriteStore();
  }
  const absl::Duration spent = Clock::Real().Monotonic() - since;
  EXPECT_EQ(taken, kCommits * kOffsetsEach);
  std::printf("100,000 offsets committed, %d at a time: %.0f ms, the store in memory included\n",
              kOffsetsEach, Milliseconds(spent));
}

TEST(GroupScaleTest, AMillionCommittedOffsetsAreSmallAndQuicklyLoaded) {
  constexpr int kTopics = 10'000;
  constexpr int kPartitionsEach = 100;
  GroupTable table(PartitionIndex{0});
  FakeStateStore store;
  std::vector<StateChange> changes;
  ASSERT_TRUE(table.Replay(GroupRecordOf({.id = "large"}), &changes).ok());
  for (int t = 0; t < kTopics; ++t) {
    OffsetsUpdated offsets{.group = "large"};
    for (int i = 0; i < 16; ++i)
      offsets.topic.bytes[i] = static_cast<uint8_t>((t + 1) * (i + 7) >> (i % 3));
    offsets.topic.bytes[0] = static_cast<uint8_t>(t);
    offsets.topic.bytes[1] = static_cast<uint8_t>(t >> 8);
    for (int p = 0; p < kPartitionsEach; ++p) {
      offsets.partitions.push_back(
          {PartitionIndex{p},
           {.offset = Offset{t * 1'000'000LL + p}, .commit_ms = 1'700'000'000'000}});
    }
    ASSERT_TRUE(table.Replay(OffsetsRecordOf(GroupRecordKind::kOffsets, offsets), &changes).ok());
    ASSERT_TRUE(store.Write(changes).ok());
    changes.clear();
  }
  GroupTable loaded(PartitionIndex{0});
  const size_t before = mallinfo2().uordblks;
  const absl::Duration since = Clock::Real().Monotonic();
  ASSERT_TRUE(loaded.Load(store).ok());
  const absl::Duration spent = Clock::Real().Monotonic() - since;
  const auto bytes = static_cast<int64_t>(mallinfo2().uordblks - before);
  EXPECT_EQ(loaded.offsets(), static_cast<size_t>(kTopics * kPartitionsEach));
  std::printf("a million committed offsets: %.0f ms to load from a store in memory, %lld MiB\n",
              Milliseconds(spent), static_cast<long long>(bytes / limits::kMiB));
  EXPECT_LT(bytes, 64 * limits::kMiB);
}

}  // namespace
}  // namespace weir
