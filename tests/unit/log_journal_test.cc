// The ring of journal files: when files are made, taken, kept and used again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log/journal.h"
#include "tests/support/inline_executor.h"
#include "tests/unit/log_journal_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kAppend = Journal::Purpose::kAppend;
constexpr auto kControl = Journal::Purpose::kControl;

class JournalTest : public JournalDiskTest {
 protected:
  // Writes rounds for `purpose` until there is no room; returns how many went in.
  int Fill(Journal::Purpose purpose) {
    int rounds = 0;
    while (Write(next_, absl::StrCat(next_), purpose)) {
      ++next_;
      if (++rounds > 1000) return ADD_FAILURE() << "the ring has no end", rounds;
    }
    return rounds;
  }
  std::vector<std::string> Contents() {
    std::vector<std::string> contents;
    for (const int slot : {0, 1, 2}) contents.push_back(disk_->ReadRaw(Path(slot)));
    return contents;
  }

  uint64_t next_ = 1;
};

TEST_F(JournalTest, FirstFileIsOnTheDiskWithItsHeaderWhenItIsOpen) {
  Open();
  const auto image = disk_->CrashImage(1, CrashMode::kDropUnsynced);
  const auto ring = JournalReader::List(*image, "/data");
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_THAT(*ring, SizeIs(1));
  EXPECT_EQ((*ring)[0].header.uuid, kUuid);
  EXPECT_EQ((*ring)[0].header.sequence, JournalSequence{1});
  EXPECT_EQ(journal_->live_sequence(), JournalSequence{1});
}

TEST_F(JournalTest, FlushedRoundsSurvivePowerLossAndUnflushedOnesNeedNot) {
  Open();
  WriteAll(1, 4);
  ASSERT_TRUE(*journal_->Reserve(100, kAppend));
  std::string entry(kEntryHeadBytes, '\0');
  EncodeEntryHead({.partition = kId}, entry.data());
  ASSERT_TRUE(journal_->WriteRound(RoundNumber{5}, {entry}).ok());
  journal_.reset();
  disk_ = disk_->CrashImage(1, CrashMode::kDropUnsynced);
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3", "4"));
}

TEST_F(JournalTest, RoundsBeginAndEndOnWholeBlocks) {
  Open();
  int writes = 0;
  disk_->SetObserver([&](const Operation& operation) {
    if (operation.kind != OperationKind::kWrite) return;
    ++writes;
    EXPECT_EQ(operation.position % kBlock, 0);
    EXPECT_EQ(operation.length % kBlock, 0);
  });
  for (uint64_t number = 1; number <= 4; ++number)
    ASSERT_TRUE(Write(number, std::string(number * 1500, 'x')));
  EXPECT_GE(writes, 4);
}

TEST_F(JournalTest, RoundThatDoesNotFitGoesToTheNextFile) {
  Open();
  WriteAll(1, 2);
  ASSERT_TRUE(Write(3, std::string(kBlock, 'x')));  // two blocks, one was left
  EXPECT_EQ(journal_->live_sequence(), JournalSequence{2});
  EXPECT_THAT(JournalFiles(), ElementsAre(Path(0), Path(1)));
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", std::string(kBlock, 'x')));
}

TEST_F(JournalTest, FileThatWasTakenIsLiveOnceItsHeaderIsWritten) {
  Open();
  WriteAll(1, 3);
  ASSERT_TRUE(*journal_->Reserve(100, kAppend));
  EXPECT_EQ(journal_->live_sequence(), JournalSequence{1}) << "nothing is in the second file yet";
  ASSERT_TRUE(Write(4, "4"));
  EXPECT_EQ(journal_->live_sequence(), JournalSequence{2});
}

TEST_F(JournalTest, FilesAreUsedAgainInPlace) {
  Open();
  for (int turn = 0; turn < 10; ++turn) {
    WriteAll(next_, next_ + 5);
    next_ += 6;
    journal_->FreeBelow(journal_->live_sequence());
  }
  EXPECT_THAT(JournalFiles(), SizeIs(3)) << "two at work, and one that was free meanwhile";
  EXPECT_EQ(journal_->live_sequence(), JournalSequence{20});
  EXPECT_EQ(journal_->disk_bytes(), 3 * kFileBytes);
  EXPECT_EQ(journal_->full_files(), 0);
  EXPECT_THAT(Texts(From(20, 57)), ElementsAre("58", "59", "60"));
}

TEST_F(JournalTest, AppendsLeaveTheLastFileToControlRounds) {
  Open();
  EXPECT_EQ(Fill(kAppend), 3 * 3) << "three of four files";
  EXPECT_EQ(journal_->full_files(), 2);
  EXPECT_EQ(Fill(kControl), 3) << "the fourth";
  EXPECT_THAT(JournalFiles(), SizeIs(4));
  EXPECT_EQ(Fill(kAppend), 0);
  EXPECT_THAT(Texts(From(1)), SizeIs(12));
}

TEST_F(JournalTest, AppendsGoOnOnceACheckpointHasFreedAFile) {
  Open();
  Fill(kAppend);
  journal_->FreeBelow(JournalSequence{2});
  EXPECT_EQ(Fill(kAppend), 3) << "the freed one; one stays for control rounds";
  EXPECT_EQ(Fill(kControl), 3);
  EXPECT_THAT(Texts(From(2, 3)),
              ElementsAre("4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"));
}

TEST_F(JournalTest, RingStaysAsItIsWhenThereIsNoSpaceToGrow) {
  Open();
  disk_->SetCapacity(2 * kFileBytes + kBlock);
  EXPECT_EQ(Fill(kAppend), 2 * 3);
  EXPECT_THAT(JournalFiles(), ElementsAre(Path(0), Path(1))) << "nothing half-made is left";
  const int64_t operations = disk_->operations();
  EXPECT_FALSE(*journal_->Reserve(100, kAppend));
  EXPECT_EQ(disk_->operations(), operations) << "it is not tried again at every round";
  journal_->FreeBelow(JournalSequence{2});
  disk_->SetCapacity(100 * kFileBytes);
  EXPECT_EQ(Fill(kAppend), 2 * 3) << "the freed file, and growth is tried again";
}

// A ring of one file has none that a checkpoint could free.
TEST_F(JournalTest, RingGrowsOnceThereIsSpaceAgainAlsoWhenNoFileIsFreed) {
  Open();
  disk_->SetCapacity(kFileBytes + 2 * kBlock);
  EXPECT_EQ(Fill(kAppend), 3);
  EXPECT_FALSE(*journal_->Reserve(100, kAppend));
  disk_->SetCapacity(100 * kFileBytes);
  journal_->NoteSpace();
  EXPECT_EQ(Fill(kAppend), 2 * 3);
}

TEST_F(JournalTest, FileThatCannotBeFlushedIsAnErrorWhateverTheReason) {
  Open();
  WriteAll(1, 3);
  disk_->FailNext(OperationKind::kSync, "0000000001.journal", Fault::kNoSpace, Repeat::kOnce);
  const auto room = journal_->Reserve(100, kAppend);
  EXPECT_TRUE(absl::IsDataLoss(room.status())) << room.status();
}

TEST_F(JournalTest, FilesAreMadeAheadOfNeed) {
  InlineExecutor background;
  JournalOptions options = Options();
  options.background = &background;
  Open(options);
  WriteAll(1, 2);  // beyond a quarter of the file
  EXPECT_THAT(JournalFiles(), SizeIs(1));
  background.RunAll();
  EXPECT_THAT(JournalFiles(), SizeIs(2));
  const int64_t created = disk_->operations();
  WriteAll(3, 4);  // into the file that is ready
  EXPECT_EQ(disk_->operations(), created + 2 * 2) << "a write and a flush each, nothing else";
  background.RunAll();
}

TEST_F(JournalTest, LiveFilesAreNotOverwrittenByAStart) {
  Open();
  Fill(kAppend);
  ASSERT_EQ(journal_->full_files(), 2);
  const auto before = Contents();
  // A start that was killed before it saved a recovery point, then another one.
  for (const uint64_t first_sequence : {5, 7}) {
    JournalOptions options = Options();
    options.max_files = 3;
    options.first_sequence = JournalSequence{first_sequence};
    Open(options);
    EXPECT_TRUE(Contents() == before) << "all three hold rounds that are still needed";
    EXPECT_THAT(Texts(From(1)), SizeIs(9));
  }
  EXPECT_THAT(JournalFiles(), SizeIs(5)) << "more than the ring may have";
  journal_->FreeBelow(JournalSequence{7});
  EXPECT_THAT(JournalFiles(), SizeIs(3)) << "what is too many has gone";
}

TEST_F(JournalTest, StartTakesFilesBelowTheLiveOnes) {
  Open();
  Fill(kAppend);
  JournalOptions options = Options();
  options.first_sequence = JournalSequence{5};
  options.live_from = JournalSequence{3};
  Open(options);
  EXPECT_THAT(JournalFiles(), SizeIs(4)) << "no new one is needed";
  EXPECT_THAT(Texts(From(3, 6)), ElementsAre("7", "8", "9"));
  EXPECT_THAT(Texts(From(5, 9)), IsEmpty()) << "what the file held before is no round any more";
}

TEST_F(JournalTest, FilesOfAnotherJournalAreFree) {
  Open();
  Fill(kAppend);
  JournalOptions options = Options();
  options.uuid = JournalUuid{7};
  Open(options);
  EXPECT_THAT(JournalFiles(), SizeIs(4));
  EXPECT_EQ(journal_->full_files(), 0);
}

TEST_F(JournalTest, FileOfAnotherSizeIsKeptWhileItIsLiveAndThenReplaced) {
  Open();
  WriteAll(1, 4);
  JournalOptions options = Options();
  options.file_bytes = 2 * kFileBytes;
  options.first_sequence = JournalSequence{4};
  Open(options);
  EXPECT_THAT(Texts(From(1)), SizeIs(4));
  journal_->FreeBelow(JournalSequence{4});
  EXPECT_THAT(JournalFiles(), ElementsAre(Path(2)));
  EXPECT_EQ(disk_->ReadRaw(Path(2)).size(), static_cast<size_t>(2 * kFileBytes));
}

TEST_F(JournalTest, HalfMadeFileIsThrownAway) {
  Open();
  disk_->WriteRaw(Path(1) + ".tmp", std::string(kBlock, '\0'));  // power was lost while it was made
  JournalOptions options = Options();
  options.first_sequence = JournalSequence{3};
  Open(options);
  EXPECT_EQ(JournalFiles(), (std::vector<std::string>{Path(0), Path(1)}));
  EXPECT_EQ(disk_->ReadRaw(Path(1)).size(), static_cast<size_t>(kFileBytes));
}

TEST_F(JournalTest, ForeignFilesInItsDirectoryAreLeftAlone) {
  ASSERT_TRUE(CreateDirectories(*disk_, "/data/journal").ok());
  disk_->WriteRaw("/data/journal/README", "mine");
  disk_->WriteRaw("/data/journal/0000000000.journal.bak", "mine");
  Open();
  Fill(kAppend);
  EXPECT_EQ(disk_->ReadRaw("/data/journal/README"), "mine");
  EXPECT_EQ(disk_->ReadRaw("/data/journal/0000000000.journal.bak"), "mine");
}

TEST_F(JournalTest, NoSpaceForTheFirstFileIsSaid) {
  ASSERT_TRUE(CreateDirectories(*disk_, "/data/journal").ok());
  disk_->SetCapacity(kBlock);
  const auto journal = Journal::Open(Options());
  EXPECT_TRUE(absl::IsResourceExhausted(journal.status())) << journal.status();
}

}  // namespace
}  // namespace weir
