// What a crash left in the journal: a torn last round is ignored, everything else that does not
// verify is corruption, and says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log/journal_reader.h"
#include "tests/unit/log_journal_fixture.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JournalReaderTest : public JournalDiskTest {
 protected:
  void ExpectCorrupt(const RecoveryPoint::Position& from, absl::string_view file) {
    std::vector<std::string> texts;
    const absl::Status read = Read(from, &texts);
    EXPECT_TRUE(absl::IsDataLoss(read)) << read;
    EXPECT_THAT(std::string(read.message()),
                AllOf(HasSubstr(std::string(file)), HasSubstr("stay as they are")));
  }
};

TEST_F(JournalReaderTest, RoundsComeInOrderAcrossFiles) {
  Open();
  WriteAll(1, 8);
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3", "4", "5", "6", "7", "8"));
}

TEST_F(JournalReaderTest, RoundsThatTheRecoveryPointContainsAreNotHandedOut) {
  Open();
  WriteAll(1, 8);
  EXPECT_THAT(Texts(From(2, 5)), ElementsAre("6", "7", "8"));
  EXPECT_THAT(Texts(From(3, 8)), IsEmpty());
}

TEST_F(JournalReaderTest, LeftoversOfAnEarlierUseAreNoRounds) {
  Open();
  WriteAll(1, 6);
  journal_->FreeBelow(JournalSequence{2});
  WriteAll(7, 7);  // into the first file, where rounds 2 and 3 still lie behind it
  EXPECT_THAT(Texts(From(2, 3)), ElementsAre("4", "5", "6", "7"));
  EXPECT_THAT(Texts(From(3, 6)), ElementsAre("7"));
}

TEST_F(JournalReaderTest, TornLastRoundIsIgnoredWhereverItIsTorn) {
  Open();
  WriteAll(1, 4);
  ASSERT_TRUE(Write(5, std::string(6000, 'x')));
  const std::string whole = disk_->ReadRaw(Path(1));
  ASSERT_THAT(Texts(From(1)), SizeIs(5));
  for (int64_t at = 2 * kBlock; at < 2 * kBlock + 6000; at += 512) {
    disk_->WriteRaw(Path(1), whole);
    Damage(Path(1), at, std::string(512, '\0'));
    EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3", "4")) << at;
  }
}

TEST_F(JournalReaderTest, TornRoundOverOlderOnesIsIgnored) {
  Open();
  WriteAll(1, 6);
  const std::string older = disk_->ReadRaw(Path(0));
  journal_->FreeBelow(JournalSequence{2});
  ASSERT_TRUE(Write(7, std::string(6000, 'x')));
  Damage(Path(0), 2 * kBlock, absl::string_view(older).substr(2 * kBlock, kBlock));
  EXPECT_THAT(Texts(From(2, 3)), ElementsAre("4", "5", "6"));
}

TEST_F(JournalReaderTest, FirstRoundOfAFileMayBeTornWithItsHeader) {
  Open();
  WriteAll(1, 4);
  Damage(Path(1), 0, std::string(2 * kBlock, '\0'));  // neither got to the disk
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3"));
}

TEST_F(JournalReaderTest, FirstRoundOfAFileMayBeTornBesideItsHeader) {
  Open();
  WriteAll(1, 4);
  Damage(Path(1), kBlock, std::string(kBlock, '\0'));
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3"));
}

TEST_F(JournalReaderTest, HeaderMayBeLostBesideItsTornFirstRound) {
  Open();
  WriteAll(1, 4);
  Damage(Path(1), 0, std::string(512, '\0'));
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3"))
      << "the round is whole, but nothing says that it was ever flushed";
}

TEST_F(JournalReaderTest, BadRoundBeforeAValidOneIsCorruption) {
  Open();
  WriteAll(1, 6);
  for (const int64_t block : {1, 2}) {
    const std::string whole = disk_->ReadRaw(Path(1));
    Damage(Path(1), block * kBlock + 20, "damage");
    ExpectCorrupt(From(1), Path(1));
    disk_->WriteRaw(Path(1), whole);
  }
}

TEST_F(JournalReaderTest, BadLastRoundOfAFileBeforeAnotherFileIsCorruption) {
  Open();
  WriteAll(1, 4);
  Damage(Path(0), 3 * kBlock + 20, "damage");
  ExpectCorrupt(From(1), Path(0));
}

TEST_F(JournalReaderTest, AllRoundsOfAFileBadBeforeAnotherFileIsCorruption) {
  Open();
  WriteAll(1, 7);
  Damage(Path(1), kBlock, std::string(3 * kBlock, '\0'));
  ExpectCorrupt(From(1), Path(1));
}

// Rounds are counted from the first start on, so after a while their numbers are large; so is the
// number of the first one that is needed.
TEST_F(JournalReaderTest, BadFirstRoundIsCorruptionHoweverManyRoundsWereBefore) {
  for (const uint64_t before : {uint64_t{0}, uint64_t{1'000'000}, uint64_t{1} << 40}) {
    disk_ = std::make_unique<SimFileSystem>();
    Open();
    WriteAll(before + 1, before + 3);
    Damage(Path(0), kBlock + 20, "damage");
    ExpectCorrupt(From(1, before), Path(0));
    journal_.reset();
  }
}

TEST_F(JournalReaderTest, MissingOldestFileIsCorruption) {
  Open();
  WriteAll(1, 7);
  ASSERT_TRUE(disk_->Remove(Path(0)).ok());
  ExpectCorrupt(From(1), "sequence 1");
}

TEST_F(JournalReaderTest, OldestFileWithoutAHeaderIsCorruption) {
  Open();
  WriteAll(1, 2);
  Damage(Path(0), 3, "damage");
  ExpectCorrupt(From(1), "sequence 1");
}

TEST_F(JournalReaderTest, MissingFileInTheMiddleIsCorruption) {
  Open();
  WriteAll(1, 7);
  ASSERT_TRUE(disk_->Remove(Path(1)).ok());
  ExpectCorrupt(From(1), "rounds between 3 and 7 are missing");
}

TEST_F(JournalReaderTest, FileInTheMiddleWithoutAHeaderIsCorruption) {
  Open();
  WriteAll(1, 7);
  Damage(Path(1), 3, "damage");
  ExpectCorrupt(From(1), "rounds between 3 and 7 are missing");
}

TEST_F(JournalReaderTest, LastFileWithoutAHeaderIsCorruptionWhenMoreThanOneRoundIsInIt) {
  Open();
  WriteAll(1, 5);
  Damage(Path(1), 3, "damage");
  ExpectCorrupt(From(1), Path(1));
}

TEST_F(JournalReaderTest, FilesOfAnotherJournalDoNotCount) {
  Open();
  WriteAll(1, 2);
  RecoveryPoint::Position other = From(1);
  other.journal[0] ^= 1;
  ExpectCorrupt(other, "sequence 1");
}

TEST_F(JournalReaderTest, FileBegunByAStartThatDidNotFinishIsPassedOver) {
  Open();
  WriteAll(1, 4);
  for (const uint64_t first_sequence : {4, 6}) {
    JournalOptions options = Options();
    options.first_sequence = JournalSequence{first_sequence};
    Open(options);
  }
  EXPECT_THAT(Texts(From(1)), ElementsAre("1", "2", "3", "4"));
}

TEST_F(JournalReaderTest, RoundsOfALaterStartAreNotTakenForTheRest) {
  Open();
  WriteAll(1, 4);
  JournalOptions options = Options();
  options.first_sequence = JournalSequence{4};
  Open(options);
  WriteAll(6, 6);  // a start leaves out the number that a torn round may have had
  ExpectCorrupt(From(1), "between 4 and 6");
  EXPECT_THAT(Texts(From(4, 5)), ElementsAre("6"));
}

TEST_F(JournalReaderTest, MissingRoundsBetweenFilesAreCorruption) {
  Open();
  WriteAll(1, 3);
  WriteAll(5, 5);  // into the second file
  ExpectCorrupt(From(1), "between 3 and 5");
}

TEST_F(JournalReaderTest, MissingRoundsBehindTheRecoveryPointAreCorruption) {
  Open();
  WriteAll(7, 8);
  EXPECT_THAT(Texts(From(1, 6)), ElementsAre("7", "8"));
  ExpectCorrupt(From(1, 5), "between 5 and 7");
}

TEST_F(JournalReaderTest, MissingRoundsThatTheRecoveryPointCountsAreCorruption) {
  Open();
  WriteAll(1, 5);
  ExpectCorrupt(From(1, 6), "from 6 to 6");
}

TEST_F(JournalReaderTest, EmptyRingIsCorruption) { ExpectCorrupt(From(1), "sequence 1"); }

TEST_F(JournalReaderTest, ErrorOfTheVisitEndsTheWalk) {
  Open();
  WriteAll(1, 3);
  int visits = 0;
  const absl::Status read = JournalReader::Read(*disk_, "/data", From(1), [&](const JournalRound&) {
    ++visits;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(read)) << read;
  EXPECT_EQ(visits, 1);
}

TEST_F(JournalReaderTest, UnreadableFileIsAnErrorAndNotAnEnd) {
  Open();
  WriteAll(1, 4);
  for (int64_t read = 1; read < 10; ++read) {
    auto disk = disk_->Clone();
    disk->FailRead(read, Fault::kIo, Repeat::kOnce);
    std::vector<std::string> texts;
    const absl::Status status =
        JournalReader::Read(*disk, "/data", From(1), [&](const JournalRound& round) {
          texts.emplace_back(round.entries[0].payload);
          return absl::OkStatus();
        });
    EXPECT_TRUE(!status.ok() || texts.size() == 4) << "read " << read;
  }
}

TEST_F(JournalReaderTest, ReadingChangesNothing) {
  Open();
  WriteAll(1, 7);
  Damage(Path(1), kBlock + 20, "damage");
  const int64_t operations = disk_->operations();
  ExpectCorrupt(From(1), Path(1));
  EXPECT_EQ(disk_->operations(), operations);
}

}  // namespace
}  // namespace weir
