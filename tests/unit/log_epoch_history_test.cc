// Which leader epoch wrote which offsets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/base/limits.h"
#include "storage/log/epoch_history.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Entry = EpochHistory::Entry;

Entry At(int32_t epoch, int64_t start) { return {LeaderEpoch{epoch}, Offset{start}}; }

EpochHistory History(std::initializer_list<Entry> entries) {
  EpochHistory history;
  for (const Entry& entry : entries) history.Note(entry.epoch, entry.start);
  return history;
}

std::string Encoded(const EpochHistory& history) {
  std::string bytes;
  history.EncodeTo(&bytes);
  return bytes;
}

bool Decodes(absl::string_view bytes, EpochHistory* history) {
  ByteReader in(bytes);
  return history->DecodeFrom(&in) && in.rest().empty();
}

TEST(EpochHistoryTest, EmptyOneKnowsNoEpoch) {
  EXPECT_EQ(EpochHistory().latest(), LeaderEpoch{-1});
  EXPECT_EQ(EpochHistory().EpochAt(Offset{0}), LeaderEpoch{-1});
}

TEST(EpochHistoryTest, EpochBeginsWithItsFirstAppend) {
  const EpochHistory history = History({At(2, 10), At(2, 15), At(5, 20), At(5, 21)});
  EXPECT_THAT(history.entries(), ElementsAre(At(2, 10), At(5, 20)));
  EXPECT_EQ(history.latest(), LeaderEpoch{5});
  EXPECT_EQ(history.EpochAt(Offset{9}), LeaderEpoch{-1});
  EXPECT_EQ(history.EpochAt(Offset{10}), LeaderEpoch{2});
  EXPECT_EQ(history.EpochAt(Offset{19}), LeaderEpoch{2});
  EXPECT_EQ(history.EpochAt(Offset{20}), LeaderEpoch{5});
  EXPECT_EQ(history.EpochAt(Offset{1000}), LeaderEpoch{5});
}

TEST(EpochHistoryTest, EpochWithoutARecordLeavesNoTrace) {
  // Epoch 3 began at 20, was cut back to 20 (nothing of it is left) and epoch 4 went on there.
  EpochHistory history = History({At(1, 0), At(3, 20)});
  history.Note(LeaderEpoch{4}, Offset{20});
  EXPECT_THAT(history.entries(), ElementsAre(At(1, 0), At(4, 20)));
}

TEST(EpochHistoryTest, TruncationForgetsWhatBeganAtOrAboveTheEnd) {
  EpochHistory history = History({At(1, 0), At(2, 10), At(3, 20)});
  history.TruncateTo(Offset{21});
  EXPECT_THAT(history.entries(), ElementsAre(At(1, 0), At(2, 10), At(3, 20)));
  history.TruncateTo(Offset{20});
  EXPECT_THAT(history.entries(), ElementsAre(At(1, 0), At(2, 10)));
  history.TruncateTo(Offset{0});
  EXPECT_THAT(history.entries(), IsEmpty());
}

TEST(EpochHistoryTest, LogStartForgetsEpochsThatEndedBelowIt) {
  EpochHistory history = History({At(1, 0), At(2, 10), At(3, 20)});
  history.DropBelow(Offset{9});
  EXPECT_THAT(history.entries(), ElementsAre(At(1, 0), At(2, 10), At(3, 20)));
  history.DropBelow(Offset{10});
  EXPECT_THAT(history.entries(), ElementsAre(At(2, 10), At(3, 20)));
  history.DropBelow(Offset{1000});
  EXPECT_THAT(history.entries(), ElementsAre(At(3, 20))) << "the latest stays";
}

TEST(EpochHistoryTest, OldestGoFirstWhenThereAreTooMany) {
  EpochHistory history;
  const int32_t count = static_cast<int32_t>(limits::kEpochsPerPartition) + 3;
  for (int32_t i = 0; i < count; ++i) history.Note(LeaderEpoch{i}, Offset{i * 10});
  EXPECT_EQ(history.entries().size(), limits::kEpochsPerPartition);
  EXPECT_EQ(history.entries().front(), At(3, 30));
  EXPECT_EQ(history.latest(), LeaderEpoch{count - 1});
  EXPECT_EQ(history.EpochAt(Offset{0}), LeaderEpoch{-1}) << "coarser, never wrong";
}

TEST(EpochHistoryTest, ComesBackFromItsBytes) {
  for (const EpochHistory& history : {EpochHistory(), History({At(0, 0)}),
                                      History({At(1, 5), At(7, 6), At(INT32_MAX, INT64_MAX)})}) {
    EpochHistory back = History({At(9, 9)});
    ASSERT_TRUE(Decodes(Encoded(history), &back));
    EXPECT_EQ(back, history);
  }
}

TEST(EpochHistoryTest, FullHistoryComesBackFromItsBytes) {
  EpochHistory history;
  for (size_t i = 0; i < limits::kEpochsPerPartition; ++i)
    history.Note(LeaderEpoch{static_cast<int32_t>(i)}, Offset{static_cast<int64_t>(i)});
  EpochHistory back;
  ASSERT_TRUE(Decodes(Encoded(history), &back));
  EXPECT_EQ(back, history);
}

TEST(EpochHistoryTest, CutBytesAreRefused) {
  const std::string bytes = Encoded(History({At(1, 5), At(2, 6)}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EpochHistory back;
    EXPECT_FALSE(Decodes(absl::string_view(bytes).substr(0, size), &back)) << size;
  }
}

TEST(EpochHistoryTest, EntriesThatDoNotAscendAreRefused) {
  const auto refused = [](Entry first, Entry second) {
    std::string bytes;
    AppendLittle<uint32_t>(&bytes, 2);
    for (const Entry& entry : {first, second}) {
      AppendLittle(&bytes, entry.epoch.value());
      AppendLittle(&bytes, entry.start.value());
    }
    EpochHistory back;
    return !Decodes(bytes, &back);
  };
  EXPECT_FALSE(refused(At(1, 10), At(2, 20)));
  EXPECT_TRUE(refused(At(1, 10), At(1, 20)));
  EXPECT_TRUE(refused(At(2, 10), At(1, 20)));
  EXPECT_TRUE(refused(At(1, 10), At(2, 10)));
  EXPECT_TRUE(refused(At(1, 10), At(2, 9)));
}

TEST(EpochHistoryTest, LyingCountIsRefusedBeforeItCostsMemory) {
  for (const uint32_t count : {3u, static_cast<uint32_t>(limits::kEpochsPerPartition) + 1, ~0u}) {
    std::string bytes = Encoded(History({At(1, 5), At(2, 6)}));
    StoreLittle(bytes.data(), count);
    EpochHistory back;
    EXPECT_FALSE(Decodes(bytes, &back)) << count;
  }
}

}  // namespace
}  // namespace weir
