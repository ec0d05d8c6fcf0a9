// A killed broker's directory, and starts on what was made of it.
#ifndef WEIR_TESTS_UNIT_LOG_RECOVERY_FIXTURE_H_
#define WEIR_TESTS_UNIT_LOG_RECOVERY_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "storage/base/bytes.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "storage/log/recovery.h"
#include "storage/log/sparse_index.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/log_world.h"

namespace weir {

inline constexpr char kData[] = "/data";
inline const TopicPartition kId{LogWorld::Topic(1), PartitionIndex{0}};

inline std::string Batch(Offset offset, LeaderEpoch epoch = LeaderEpoch{1}) {
  RecordBatchBuilder builder;
  builder.Append(1'000'000, "key", "value");
  return builder.Finish({.base_offset = offset, .leader_epoch = epoch});
}

inline std::string Entry(EntryHead head, absl::string_view payload) {
  head.size = static_cast<uint32_t>(payload.size());
  std::string entry(kEntryHeadBytes, '\0');
  EncodeEntryHead(head, entry.data());
  entry.append(payload.data(), payload.size());
  return entry;
}

inline std::string OffsetBytes(int64_t offset) {
  std::string bytes;
  AppendLittle(&bytes, offset);
  return bytes;
}

// Writes one more round behind those of the journal, as if it had been flushed.
inline void AddRound(SimFileSystem* disk, const std::string& entry) {
  const auto ring = *JournalReader::List(*disk, kData);
  const JournalReader::RingFile& file = ring.back();
  std::string content = disk->ReadRaw(file.path);
  size_t at = limits::kJournalBlock;
  RoundNumber last{0};
  while (const auto round = DecodeRound(file.header, absl::string_view(content).substr(at))) {
    last = round->number;
    at += static_cast<size_t>(RoundUpToBlock(round->size));
  }
  const auto head = EncodeRoundHead(file.header, last + 1, {entry});
  content.replace(at, head.size(), head.data(), head.size());
  content.replace(at + head.size(), entry.size(), entry);
  disk->WriteRaw(file.path, content);
}

// A killed broker's directory: partition kId has ten records in its first segment, in ten batches.
class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{},
                                          LogWorldOptions{.segment_bytes = 1'000'000})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
    for (int i = 0; i < 10; ++i) {
      world_->Send(kId, 1);
      world_->Pump();
    }
    disk_ = world_->disk().Clone();
    const std::string segment =
        disk_->ReadRaw(JoinPath(PartitionDirectory(kData, kId), SegmentName(Offset{0})));
    end_ = FilePosition{static_cast<int64_t>(segment.size())};
  }
  absl::Status Start() {
    after_ = LogWorld::Restart(std::move(disk_), *world_);
    return after_->Open();
  }
  // With one more entry in the journal.
  absl::Status StartWith(const EntryHead& head, absl::string_view payload) {
    AddRound(disk_.get(), Entry(head, payload));
    return Start();
  }
  EntryHead Head(EntryKind kind, int64_t base, int64_t position) const {
    return {.kind = kind,
            .partition = kId,
            .segment_base = Offset{base},
            .position = FilePosition{position}};
  }
  void ExpectRefused(const EntryHead& head, absl::string_view payload) {
    auto before = disk_->Clone();
    const absl::Status started = StartWith(head, payload);
    EXPECT_TRUE(absl::IsDataLoss(started)) << started;
    EXPECT_THAT(std::string(started.message()), ::testing::HasSubstr("makes no sense"));
    disk_ = std::move(before);
  }

  std::unique_ptr<LogWorld> world_;
  std::unique_ptr<SimFileSystem> disk_;
  std::unique_ptr<LogWorld> after_;
  FilePosition end_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_LOG_RECOVERY_FIXTURE_H_
