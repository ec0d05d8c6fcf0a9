// write_fuzz_corpus CORPUS: writes the inputs of fuzz_journal and fuzz_recovery that are made from
// real data directories into CORPUS/journal and CORPUS/recovery: ordinary runs on the simulated
// disk, and what damage and power loss leave of them. To be run again when a format changes; inputs
// that were found by the fuzz tests lie beside these and are kept.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "storage/log/recovery_point.h"
#include "storage/record/record_batch_builder.h"
#include "tests/fault/fuzz_directory.h"
#include "tests/fault/fuzz_disk.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

constexpr char kData[] = "/data";
constexpr size_t kMostBytes = 4096;  // of an input, as fuzz_driver.cc has it
const TopicPartition kFirst{LogWorld::Topic(1), PartitionIndex{0}};
const TopicPartition kSecond{LogWorld::Topic(1), PartitionIndex{1}};
const TopicPartition kOther{LogWorld::Topic(2), PartitionIndex{0}};

std::unique_ptr<LogWorld> Start(LogWorldOptions options = {}) {
  options.value_bytes = 10;
  auto world = std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{}, options);
  world->CreateTopic(LogWorld::Topic(1));
  world->CreateTopic(LogWorld::Topic(2));
  WEIR_CHECK(world->Open().ok());
  return world;
}

void Send(LogWorld* world, const TopicPartition& id, int batches, int records = 1) {
  for (int i = 0; i < batches; ++i) {
    world->Send(id, records);
    world->Pump();
  }
}

// A batch without a producer, of one record with a value of so many zeros.
void SendZeros(LogWorld* world, const TopicPartition& id, size_t bytes, Compression compression) {
  RecordBatchBuilder builder;
  builder.Append(1'000'000, "key", std::string(bytes, '\0'));
  const SharedBytes batch = SharedBytes::FromString(builder.Finish({.compression = compression}));
  AppendRequest request;
  request.batches.push_back({.log = *world->GetLog(id),
                             .header = *ValidateBatch(batch, limits::kMaxMessageBytesDefault),
                             .bytes = batch});
  request.done = [](absl::StatusOr<std::vector<AppendResult>> result) { WEIR_CHECK(result.ok()); };
  world->log().Append(std::move(request));
  world->Pump();
}

void Checkpoint(LogWorld* world) { WEIR_CHECK(world->log().RunCheckpoint().ok()); }

using Disk = std::unique_ptr<SimFileSystem>;

Disk Killed(LogWorld* world) { return world->disk().Clone(); }

Disk Closed(LogWorld* world) {
  WEIR_CHECK(world->Close().ok());
  return world->disk().Clone();
}

Disk SeveralPartitions() {
  auto world = Start();
  Send(world.get(), kFirst, 2);
  Send(world.get(), kSecond, 1, 3);
  Checkpoint(world.get());
  world->SendTogether({kFirst, kOther}, 2);
  world->Pump();
  Send(world.get(), kSecond, 2);
  return Killed(world.get());
}

Disk Rolled(bool closed) {
  auto world = Start({.segment_bytes = 250});
  Send(world.get(), kFirst, 5);
  Checkpoint(world.get());
  Send(world.get(), kFirst, 2);
  return closed ? Closed(world.get()) : Killed(world.get());
}

Disk LogStartMoved(int64_t before, bool closed) {
  auto world = Start({.segment_bytes = 250});
  Send(world.get(), kFirst, 6);
  Checkpoint(world.get());
  world->DeleteRecords(kFirst, Offset{before});
  world->Pump();
  Send(world.get(), kFirst, 2);
  return closed ? Closed(world.get()) : Killed(world.get());
}

// A segment could not be written, and what waited for it was cut off.
Disk Truncated() {
  auto world = Start();
  Send(world.get(), kFirst, 3);
  Checkpoint(world.get());
  world->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  world->Send(kFirst, 2);
  world->log().RunCommitter();
  const auto log = *world->GetLog(kFirst);
  bool cut = false;
  world->log().Truncate(log, log->high_watermark(), [&](absl::Status status) {
    WEIR_CHECK(status.ok());
    cut = true;
  });
  world->log().RunCommitter();
  WEIR_CHECK(cut);
  world->disk().ClearFaults();
  SendZeros(world.get(), kFirst, 10, Compression::kNone);
  return Killed(world.get());
}

// Batches large enough for entries in the index.
Disk Indexed(bool closed) {
  auto world = Start({.segment_bytes = 20'000});
  for (int i = 0; i < 5; ++i) SendZeros(world.get(), kFirst, 5'000, Compression::kNone);
  SendZeros(world.get(), kFirst, 5'000, Compression::kZstd);
  Checkpoint(world.get());
  SendZeros(world.get(), kFirst, 100, Compression::kLz4);
  return closed ? Closed(world.get()) : Killed(world.get());
}

// Two files of the journal are needed; a third one is left from before.
Disk TwoJournals() {
  auto world = Start({.journal_file_bytes = 20 * 1024});
  Send(world.get(), kFirst, 5);
  Checkpoint(world.get());
  Send(world.get(), kFirst, 6);
  return Killed(world.get());
}

Disk RestartedTwice() {
  auto world = Start();
  Send(world.get(), kFirst, 1);
  Send(world.get(), kOther, 1);
  for (int i = 0; i < 2; ++i) {
    world = LogWorld::Restart(world->disk().Clone(), *world);
    WEIR_CHECK(world->Open().ok());
    Send(world.get(), kFirst, 1);
  }
  return Killed(world.get());
}

Disk ManyCheckpoints() {
  auto world = Start();
  for (int i = 0; i < 4; ++i) {
    Send(world.get(), i % 2 == 0 ? kFirst : kOther, 1);
    Checkpoint(world.get());
  }
  return Killed(world.get());
}

// Topic 3 is among the deleted ones of fuzz_recovery.
Disk TopicDeletedHalf() {
  auto world = Start();
  world->CreateTopic(LogWorld::Topic(3));
  Send(world.get(), {LogWorld::Topic(3), PartitionIndex{0}}, 2);
  Send(world.get(), kFirst, 1);
  Checkpoint(world.get());
  Send(world.get(), {LogWorld::Topic(3), PartitionIndex{1}}, 1);
  return Killed(world.get());
}

Disk Stalled() {
  auto world = Start();
  Send(world.get(), kFirst, 1);
  world->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  world->Send(kFirst, 2);
  world->Send(kOther, 1);
  world->log().RunCommitter();
  Checkpoint(world.get());
  return Killed(world.get());
}

Disk PowerLost(uint64_t seed) {
  auto world = Start({.segment_bytes = 250});
  Send(world.get(), kFirst, 3);
  Checkpoint(world.get());
  Send(world.get(), kFirst, 2);
  world->DeleteRecords(kFirst, Offset{2});
  world->Pump();
  Send(world.get(), kSecond, 2);
  return world->disk().CrashImage(seed, CrashMode::kRandom);
}

// ---- Writing.

void WriteInput(const std::string& folder, const std::string& name, const std::string& input) {
  WEIR_CHECK(input.size() <= kMostBytes);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/" + name, std::ios::binary) << input;
}

void WriteRecovery(const std::string& corpus, const std::string& name, const SimFileSystem& disk,
                   bool seal = true) {
  WriteInput(corpus + "/recovery", name, ToFuzzDirectory(disk, kData, seal));
}

// The two newest files of the ring, with the recovery point's position; the input has a byte for
// each of its numbers.
void WriteJournal(const std::string& corpus, const std::string& name, SimFileSystem& disk) {
  const auto point = *RecoveryPoint::Load(disk, RecoveryPointPath(kData));
  auto ring = *JournalReader::List(disk, kData);
  WEIR_CHECK(!ring.empty());
  std::string input{static_cast<char>(point.position().through.value()),
                    static_cast<char>(point.position().oldest_live.value())};
  for (size_t i = ring.size() > 2 ? ring.size() - 2 : 0; i < ring.size(); ++i) {
    input += ToFuzzFile(disk.ReadRaw(ring[i].path));
  }
  WriteInput(corpus + "/journal", name, input);
}

std::string PathWith(const SimFileSystem& disk, absl::string_view part) {
  for (const std::string& path : disk.AllFiles()) {
    if (absl::StrContains(path, part)) return path;
  }
  WEIR_CHECK(false);
}

// Sets CRCs right again when the test does, so that the damage is in what they cover.
void WriteDamaged(const std::string& corpus, const std::string& name, const Disk& whole,
                  absl::string_view file, const std::function<void(std::string*)>& damage) {
  const Disk disk = whole->Clone();
  const std::string path = PathWith(*disk, file);
  std::string content = disk->ReadRaw(path);
  damage(&content);
  disk->WriteRaw(path, content);
  WriteRecovery(corpus, name, *disk);
  WriteRecovery(corpus, name + "_unsealed", *disk, /*seal=*/false);
}

void WriteAll(const std::string& corpus) {
  std::vector<std::pair<std::string, Disk>> runs;
  runs.emplace_back("several_partitions", SeveralPartitions());
  runs.emplace_back("rolled", Rolled(/*closed=*/false));
  runs.emplace_back("rolled_closed", Rolled(/*closed=*/true));
  runs.emplace_back("log_start", LogStartMoved(3, /*closed=*/false));
  runs.emplace_back("log_start_closed", LogStartMoved(3, /*closed=*/true));
  runs.emplace_back("all_deleted", LogStartMoved(6, /*closed=*/false));
  runs.emplace_back("truncated", Truncated());
  runs.emplace_back("indexed", Indexed(/*closed=*/false));
  runs.emplace_back("indexed_closed", Indexed(/*closed=*/true));
  runs.emplace_back("two_journals", TwoJournals());
  runs.emplace_back("restarted_twice", RestartedTwice());
  runs.emplace_back("many_checkpoints", ManyCheckpoints());
  runs.emplace_back("topic_deleted_half", TopicDeletedHalf());
  runs.emplace_back("stalled", Stalled());
  for (uint64_t seed = 1; seed <= 3; ++seed)
    runs.emplace_back(absl::StrCat("power_lost_", seed), PowerLost(seed));
  for (const auto& [name, disk] : runs) {
    WriteRecovery(corpus, name, *disk);
    WriteJournal(corpus, name, *disk);
  }

  const Disk rolled = Rolled(/*closed=*/false);
  const Disk indexed = Indexed(/*closed=*/true);
  const auto cut = [](size_t to) { return [to](std::string* content) { content->resize(to); }; };
  const auto flip = [](size_t at) {
    return [at](std::string* content) { (*content)[at] = static_cast<char>((*content)[at] ^ 1); };
  };
  const auto cut_half = [](std::string* content) { content->resize(content->size() / 2); };
  WriteDamaged(corpus, "segment_cut", rolled, SegmentName(Offset{6}), cut_half);
  WriteDamaged(corpus, "segment_empty", rolled, SegmentName(Offset{0}), cut(0));
  WriteDamaged(corpus, "segment_offset_flipped", rolled, SegmentName(Offset{3}), flip(7));
  WriteDamaged(corpus, "recovery_point_cut", rolled, "recovery-point", cut_half);
  WriteDamaged(corpus, "recovery_point_flipped", rolled, "recovery-point", flip(100));
  WriteDamaged(corpus, "journal_header_flipped", rolled, ".journal", flip(30));
  WriteDamaged(corpus, "journal_round_number_flipped", rolled, ".journal", flip(3 * 4096 + 8));
  WriteDamaged(corpus, "journal_entry_flipped", rolled, ".journal", flip(4096 + 16 + 21));
  WriteDamaged(corpus, "index_position_flipped", indexed, ".index", flip(9 + 4));
  WriteDamaged(corpus, "index_offset_flipped", indexed, ".index", flip(9));
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS, usually tests/fault/corpus\n", argv[0]);
    return 2;
  }
  weir::WriteAll(argv[1]);
  return 0;
}
