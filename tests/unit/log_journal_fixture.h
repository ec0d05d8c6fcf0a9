// What the tests of the journal share: a ring of small files on the simulated disk, rounds that
// carry a short text, and what a reader makes of them.
#ifndef WEIR_TESTS_UNIT_LOG_JOURNAL_FIXTURE_H_
#define WEIR_TESTS_UNIT_LOG_JOURNAL_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"
#include "storage/log/journal.h"
#include "storage/log/journal_reader.h"
#include "tests/support/sim_file_system.h"

namespace weir {

class JournalDiskTest : public ::testing::Test {
 protected:
  static constexpr int64_t kBlock = limits::kJournalBlock;
  static constexpr int64_t kFileBytes = 4 * kBlock;  // a header and three rounds of one block
  static constexpr JournalUuid kUuid{1, 2, 3};
  static constexpr TopicPartition kId{TopicId{{9}}, PartitionIndex{4}};

  JournalOptions Options() {
    return {.file_system = disk_.get(),
            .data_directory = "/data",
            .file_bytes = kFileBytes,
            .max_files = 4,
            .uuid = kUuid,
            .first_sequence = JournalSequence{1},
            .live_from = JournalSequence{1}};
  }
  void Open() { Open(Options()); }
  void Open(JournalOptions options) {
    journal_.reset();
    auto journal = Journal::Open(std::move(options));
    ASSERT_TRUE(journal.ok()) << journal.status();
    journal_ = *std::move(journal);
  }

  // Durably writes a round with one entry that carries `text`; false when there is no room for it.
  bool Write(uint64_t number, absl::string_view text,
             Journal::Purpose purpose = Journal::Purpose::kAppend) {
    std::string entry(kEntryHeadBytes, '\0');
    EncodeEntryHead(
        {.kind = EntryKind::kAppend, .partition = kId, .size = static_cast<uint32_t>(text.size())},
        entry.data());
    entry.append(text.data(), text.size());
    const auto room =
        journal_->Reserve(static_cast<int64_t>(kRoundHeadBytes + entry.size()), purpose);
    EXPECT_TRUE(room.ok()) << room.status();
    if (!room.ok() || !*room) return false;
    EXPECT_TRUE(journal_->WriteRound(RoundNumber{number}, {entry}).ok());
    EXPECT_TRUE(journal_->Flush().ok());
    return true;
  }
  // Rounds first..last, each carrying its number.
  void WriteAll(uint64_t first, uint64_t last) {
    for (uint64_t number = first; number <= last; ++number)
      ASSERT_TRUE(Write(number, absl::StrCat(number)));
  }

  static RecoveryPoint::Position From(uint64_t oldest_live, uint64_t through = 0) {
    return {.journal = kUuid,
            .through = RoundNumber{through},
            .oldest_live = JournalSequence{oldest_live}};
  }
  // The texts of the rounds that a recovery from `from` is given.
  absl::Status Read(const RecoveryPoint::Position& from, std::vector<std::string>* texts) {
    return JournalReader::Read(*disk_, "/data", from, [texts](const JournalRound& round) {
      EXPECT_EQ(round.entries.size(), 1u);
      EXPECT_EQ(round.entries[0].head.partition, kId);
      texts->emplace_back(round.entries[0].payload);
      return absl::OkStatus();
    });
  }
  std::vector<std::string> Texts(const RecoveryPoint::Position& from) {
    std::vector<std::string> texts;
    const absl::Status read = Read(from, &texts);
    EXPECT_TRUE(read.ok()) << read;
    return texts;
  }

  static std::string Path(int slot) { return JournalPath("/data", slot); }
  std::vector<std::string> JournalFiles() const {
    std::vector<std::string> files;
    for (const std::string& file : disk_->AllFiles()) {
      if (absl::StartsWith(file, "/data/journal/")) files.push_back(file);
    }
    return files;
  }
  // Overwrites bytes of a file.
  void Damage(const std::string& path, int64_t position, absl::string_view bytes) {
    std::string content = disk_->ReadRaw(path);
    content.replace(static_cast<size_t>(position), bytes.size(), bytes.data(), bytes.size());
    disk_->WriteRaw(path, content);
  }

  std::unique_ptr<SimFileSystem> disk_ = std::make_unique<SimFileSystem>();
  std::unique_ptr<Journal> journal_;  // its files must not outlive the disk
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_LOG_JOURNAL_FIXTURE_H_
