#include "tests/unit/log_recovery_fixture.h"

namespace weir {
namespace {

// With entries for kId and a partition that has no file, the latter's first, as one atomic append.
class AtomicRecoveryTest : public RecoveryTest {
 protected:
  AtomicRecoveryTest() {
    world_->Checkpoint();
    disk_ = world_->disk().Clone();
  }
  void AddAtomic(EntryHead head, absl::string_view payload) {
    EntryHead other{.kind = EntryKind::kAppend, .with_next = true, .partition = kOther};
    AddRound(disk_.get(), Entry(other, Batch(Offset{0})) + Entry(head, payload));
  }
  // With no room for another file, and then with room, on what that left.
  void StartWithoutRoom() {
    const DiskSpace space = *disk_->Space("/");
    disk_->SetCapacity(space.total_bytes - space.free_bytes);
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_FALSE(after_->report().read_only.ok());
  }
  void StartWithRoom() {
    auto disk = after_->disk().Clone();
    disk->SetCapacity(int64_t{1} << 40);
    after_ = LogWorld::Restart(std::move(disk), *world_);
    const absl::Status started = after_->Open();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_TRUE(after_->report().read_only.ok()) << after_->report().read_only;
  }
  int64_t End(const TopicPartition& id) { return (*after_->GetLog(id))->high_watermark().value(); }
  int64_t LogStart() { return (*after_->GetLog(kId))->log_start().value(); }

  const TopicPartition kOther{LogWorld::Topic(1), PartitionIndex{1}};
};

TEST_F(AtomicRecoveryTest, IsRedoneInAllPartitions) {
  AddAtomic(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}));
  const absl::Status started = Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(End(kId), 11);
  EXPECT_EQ(End(kOther), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomForOnePartitionNoneShowsIt) {
  AddAtomic(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}));
  // What comes behind it in one of its partitions is not shown either, nor what belongs to that.
  const EntryHead third{.kind = EntryKind::kAppend,
                        .with_next = true,
                        .partition = {LogWorld::Topic(2), PartitionIndex{0}}};
  const auto size = static_cast<int64_t>(Batch(Offset{10}).size());
  AddRound(disk_.get(),
           Entry(third, Batch(Offset{0})) +
               Entry(Head(EntryKind::kAppend, 0, end_.value() + size), Batch(Offset{11})));
  StartWithoutRoom();
  EXPECT_EQ(End(kId), 10);
  EXPECT_EQ(End(kOther), 0);
  EXPECT_EQ(End(third.partition), 0);
  EXPECT_EQ(after_->report().rounds_not_redone, 2);
  StartWithRoom();
  EXPECT_EQ(End(kId), 12);
  EXPECT_EQ(End(kOther), 1);
  EXPECT_EQ(End(third.partition), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomForTheAppendItsLogStartDoesNotMove) {
  AddAtomic(Head(EntryKind::kLogStart, 10, 0), OffsetBytes(10));
  StartWithoutRoom();
  EXPECT_EQ(LogStart(), 0);
  EXPECT_EQ(End(kId), 10);
  EXPECT_EQ(after_->CheckContent(kId), "");
  StartWithRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ(End(kOther), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomTheLogStartMovesAllTheSameWhenTheRecordsAreGone) {
  AddAtomic(Head(EntryKind::kLogStart, 10, 0), OffsetBytes(10));
  ASSERT_TRUE(disk_->Remove(JoinPath(PartitionDirectory(kData, kId), SegmentName(Offset{0}))).ok());
  StartWithoutRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ((*after_->GetLog(kId))->Describe().damage, "");
  EXPECT_EQ(End(kOther), 0);
  StartWithRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ(End(kOther), 1);
}

}  // namespace
}  // namespace weir
