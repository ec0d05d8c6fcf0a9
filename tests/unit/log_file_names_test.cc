// The names in a data directory: what is written is read back, and nothing that is only nearly a
// name passes for one.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "storage/log/file_names.h"

namespace weir {
namespace {

constexpr TopicPartition kId{TopicId{{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
                                      0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}},
                             PartitionIndex{12}};

TEST(LogFileNamesTest, LayoutIsTheOneThatFormatMdDraws) {
  EXPECT_EQ(RecoveryPointPath("d"), "d/recovery-point");
  EXPECT_EQ(ReservePath("d"), "d/reserve");
  EXPECT_EQ(JournalPath("d", 7), "d/journal/0000000007.journal");
  EXPECT_EQ(PartitionDirectory("d", kId), "d/logs/00112233-4455-6677-8899-aabbccddeeff/12");
  EXPECT_EQ(SegmentName(Offset{1042}), "00000000000000001042.log");
  EXPECT_EQ(IndexName(Offset{1042}), "00000000000000001042.index");
}

TEST(LogFileNamesTest, EveryOffsetComesBackFromItsName) {
  for (const int64_t offset :
       {int64_t{0}, int64_t{9}, int64_t{10}, int64_t{4'294'967'296}, INT64_MAX - 1, INT64_MAX}) {
    EXPECT_EQ(ParseSegmentName(SegmentName(Offset{offset})), Offset{offset});
    EXPECT_EQ(ParseIndexName(IndexName(Offset{offset})), Offset{offset});
  }
}

TEST(LogFileNamesTest, NamesOfSegmentsSortAsTheirOffsetsDo) {
  EXPECT_LT(SegmentName(Offset{9}), SegmentName(Offset{10}));
  EXPECT_LT(SegmentName(Offset{INT64_MAX - 1}), SegmentName(Offset{INT64_MAX}));
}

TEST(LogFileNamesTest, NearlyASegmentIsNone) {
  for (const char* name :
       {"", ".log", "0.log", "0000000000000000000.log", "000000000000000000000.log",
        "00000000000000000042.lo", "00000000000000000042.logs", "00000000000000000042.LOG",
        "00000000000000000042", "00000000000000000042.index", " 0000000000000000042.log",
        "00000000000000000042 .log", "+0000000000000000042.log", "-0000000000000000042.log",
        "0000000000000000004x.log", "0x000000000000000042.log", "99999999999999999999.log",
        "00000000000000000042.log.damaged", "00000000000000000042.log.tmp"}) {
    EXPECT_FALSE(ParseSegmentName(name)) << name;
  }
}

TEST(LogFileNamesTest, NearlyAnIndexIsNone) {
  for (const char* name : {"", ".index", "42.index", "00000000000000000042.log",
                           "00000000000000000042.index.tmp", "000000000000000000042.index"}) {
    EXPECT_FALSE(ParseIndexName(name)) << name;
  }
}

TEST(LogFileNamesTest, JournalFilesAreNumberedInTenDigits) {
  for (const int slot : {0, 7, 63, 999'999}) {
    const std::string path = JournalPath("d", slot);
    EXPECT_EQ(ParseJournalName(path.substr(path.rfind('/') + 1)), slot) << path;
  }
  for (const char* name :
       {"", ".journal", "7.journal", "000000007.journal", "00000000007.journal",
        "0000000007.journa", "0000000007.journal.tmp", "0000000007.log", "-000000007.journal",
        "0001000000.journal", "9999999999.journal", "000000000x.journal"}) {
    EXPECT_FALSE(ParseJournalName(name)) << name;
  }
}

TEST(LogFileNamesTest, PartitionsAreCanonicalNumbers) {
  for (const int32_t partition : {0, 1, 10, 99'999, INT32_MAX}) {
    const std::string path = PartitionDirectory("d", {kId.topic, PartitionIndex{partition}});
    EXPECT_EQ(ParsePartitionName(path.substr(path.rfind('/') + 1)), PartitionIndex{partition});
  }
  for (const char* name :
       {"", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "2147483648", "..", "1a"}) {
    EXPECT_FALSE(ParsePartitionName(name)) << name;
  }
}

TEST(LogFileNamesTest, DamagedFileIsNoSegmentAnyMore) {
  EXPECT_EQ(DamagedName(SegmentName(Offset{0})), "00000000000000000000.log.damaged");
  EXPECT_FALSE(ParseSegmentName(DamagedName(SegmentName(Offset{0}))));
}

}  // namespace
}  // namespace weir
