// Damage: every bit flipped, files cut, blocks zeroed, swapped and stale (as they were before the
// last writes) in everything that storage/log writes. The start may refuse, a partition may be
// reported as damaged, a read may fail; but what is read is right, and nothing is missing in
// silence.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/record/record_reader.h"
#include "tests/fault/log_workload.h"

namespace weir {
namespace {

class LogDamageTest : public ::testing::Test {
 protected:
  // A small directory with several segments, indexes and rounds; orderly stopped, or killed with
  // rounds only in the journal.
  void Build(bool killed, int batches = 24) {
    world_ = std::make_unique<LogWorld>(
        std::make_unique<SimFileSystem>(), Ledger{},
        LogWorldOptions{.journal_file_bytes = 32 * 1024, .segment_bytes = 1500});
    world_->CreateTopic(LogWorld::Topic(1));
    ASSERT_TRUE(world_->Open().ok());
    for (int i = 0; i < batches; ++i) {
      world_->Send({LogWorld::Topic(1), PartitionIndex{i % 2}}, 2);
      world_->Pump();
      if (i == batches / 2 - 1) {
        ASSERT_TRUE(world_->log().RunCheckpoint().ok());
      }
      if (i % 4 == 3) earlier_.push_back(world_->disk().Clone());
    }
    if (killed) {
      disk_ = world_->disk().Clone();
    } else {
      ASSERT_TRUE(world_->Close().ok());
      disk_ = world_->disk().Clone();
    }
  }
  std::vector<std::string> Files(absl::string_view part) {
    std::vector<std::string> files;
    for (const std::string& file : disk_->AllFiles()) {
      if (absl::StrContains(file, part)) files.push_back(file);
    }
    EXPECT_FALSE(files.empty()) << part;
    return files;
  }

  // Opens the damaged disk and reads everything. `may_lose`: so many records at the end may be gone
  // in silence (a damaged last round cannot be told from one that power loss tore).
  void Check(std::unique_ptr<SimFileSystem> damaged, const std::string& name, int64_t may_lose) {
    ++states_;
    auto after = LogWorld::Restart(std::move(damaged), *world_);
    const absl::Status opened = after->Open();
    if (!opened.ok()) {
      ++refused_;
      ASSERT_TRUE(absl::IsDataLoss(opened)) << name << ": " << opened;
      return;
    }
    for (const auto& [id, partition] : world_->ledger().partitions) {
      const auto log = after->GetLog(id);
      ASSERT_TRUE(log.ok()) << name << ": " << log.status();
      const bool reported = !(*log)->Describe().damage.empty();
      ASSERT_TRUE(reported || (*log)->high_watermark().value() + may_lose >= partition.durable)
          << name << ": ends at " << (*log)->high_watermark().value() << " and says nothing";
      for (int64_t offset = 0; offset < (*log)->high_watermark().value(); offset += 2) {
        const auto read = (*log)->Read(Offset{offset}, 1, ReadMode::kMayBlock, nullptr);
        if (!read.ok()) continue;  // it says so
        // The reader checks the CRC; what passes must be the record that was sent.
        if (BatchCrc(read->batches.view()) != DecodeBatchHeader(read->batches.data.get()).crc)
          continue;
        RecordReader reader(read->batches.view());
        RecordView record;
        while (reader.Next(&record)) {
          ASSERT_EQ(record.value, LogWorld::Value(id, record.offset.value(), 40))
              << name << ": wrong data at " << offset;
        }
      }
    }
  }
  // A file that is cut may lose nothing: how long it should be is known.
  void ForEachDamage(const std::string& file, int64_t may_lose) {
    const std::string content = disk_->ReadRaw(file);
    const auto check = [&](const std::string& what,
                           const std::function<void(SimFileSystem&)>& damage, bool cut = false) {
      if (HasFatalFailure()) return;
      auto disk = disk_->Clone();
      damage(*disk);
      Check(std::move(disk), absl::StrCat(file, ": ", what), cut ? 0 : may_lose);
    };
    const int64_t used = static_cast<int64_t>(content.find_last_not_of('\0') + 1);
    for (int64_t bit = 0; bit < used * 8; ++bit) {
      // Of long padding one bit of many.
      const size_t around = static_cast<size_t>(bit / 8 / kPaddingBytes * kPaddingBytes);
      const bool padding =
          content.find_first_not_of('\0', around) >= around + static_cast<size_t>(kPaddingBytes);
      if (padding && bit % 61 != 0) continue;
      check(absl::StrCat("bit ", bit, " flipped"),
            [&](SimFileSystem& disk) { disk.FlipBit(file, bit); });
    }
    for (int64_t size = 0; size < used; size += 1 + used / 200) {
      check(
          absl::StrCat("cut at ", size),
          [&](SimFileSystem& disk) { disk.WriteRaw(file, content.substr(0, size)); }, /*cut=*/true);
    }
    for (int64_t at = 0; at < used; at += 512) {
      check(absl::StrCat("zeros at ", at), [&](SimFileSystem& disk) {
        std::string zeroed = content;
        zeroed.replace(at, std::min<size_t>(512, content.size() - at),
                       std::min<size_t>(512, content.size() - at), '\0');
        disk.WriteRaw(file, zeroed);
      });
    }
    for (const int64_t block : {kSector, kPage}) {
      for (int64_t at = 0; at + 2 * block <= used; at += block) {
        const std::string first = content.substr(at, block);
        const std::string second = content.substr(at + block, block);
        if (first == second) continue;
        ++swapped_;
        check(absl::StrCat("blocks of ", block, " swapped at ", at), [&](SimFileSystem& disk) {
          disk.WriteRaw(file,
                        content.substr(0, at) + second + first + content.substr(at + 2 * block));
        });
      }
    }
    for (size_t image = 0; image < earlier_.size(); ++image) {
      const std::vector<std::string> files = earlier_[image]->AllFiles();
      if (!std::binary_search(files.begin(), files.end(), file)) continue;
      std::string old = earlier_[image]->ReadRaw(file);
      old.resize(content.size());
      for (int64_t at = 0; at < used; at += kSector) {
        if (old.substr(at, kSector) == content.substr(at, kSector)) continue;
        ++stale_;
        check(absl::StrCat("as in image ", image, " at ", at), [&](SimFileSystem& disk) {
          disk.WriteRaw(file, content.substr(0, at) + old.substr(at, kSector) +
                                  content.substr(std::min<size_t>(at + kSector, content.size())));
        });
      }
    }
  }
  void TearDown() override {
    std::cout << "damage: " << states_ << " states, " << swapped_ << " with swapped and " << stale_
              << " with stale blocks; the start refused " << refused_ << " of them\n";
    EXPECT_GT(states_, 100);
  }

  std::unique_ptr<LogWorld> world_;
  static constexpr int64_t kPaddingBytes = 64;
  static constexpr int64_t kSector = 512;
  static constexpr int64_t kPage = 4096;

  std::unique_ptr<SimFileSystem> disk_;
  std::vector<std::unique_ptr<SimFileSystem>> earlier_;  // the same at some moments before
  int64_t states_ = 0;
  int64_t swapped_ = 0;
  int64_t stale_ = 0;
  int64_t refused_ = 0;
};

TEST_F(LogDamageTest, SegmentsNeverServeWrongData) {
  Build(/*killed=*/false, /*batches=*/40);
  for (const std::string& file : Files(".log")) ForEachDamage(file, 0);
  EXPECT_GT(swapped_, 2);
  EXPECT_GT(stale_, 10);
}

TEST_F(LogDamageTest, IndexesAreNeverTrusted) {
  Build(/*killed=*/false);
  for (const std::string& file : Files(".index")) ForEachDamage(file, 0);
}

TEST_F(LogDamageTest, RecoveryPointIsRightOrRefused) {
  Build(/*killed=*/false);
  for (const std::string& file : Files("recovery-point")) ForEachDamage(file, 0);
  EXPECT_GT(stale_, 0);
}

TEST_F(LogDamageTest, JournalLosesAtMostWhatCannotBeToldFromATornLastRound) {
  constexpr int64_t kLastRound = 2;  // records
  Build(/*killed=*/true);
  for (const std::string& file : Files(".journal")) ForEachDamage(file, kLastRound);
  EXPECT_GT(swapped_, 10);
  EXPECT_GT(stale_, 10);
}

}  // namespace
}  // namespace weir
