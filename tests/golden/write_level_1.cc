// write_level_1 DIRECTORY: lives the history of level_1.h on the simulated disk and writes what is
// left to DIRECTORY. It made tests/golden/level_1 and the files beside it, once; it is kept to show
// how, and as the model for the next level.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/partition/producer_identities.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/meta/data_directory_meta.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/rocksdb_kv_store.h"
#include "tests/golden/level_1_log.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

constexpr char kData[] = "/data";

// Two starts on one disk; every round happens at its time.
class Writer {
 public:
  SimFileSystem& disk() { return disk_; }
  SimClock& clock() { return clock_; }
  Level1Log& log() { return log_; }
  LogManager& manager() { return log_.manager(); }

  void Start(LeaderEpoch epoch) {
    WEIR_CHECK(
        WriteDataDirectoryMeta(
            disk_, kData, {.broker_id = std::string(level_1::kBrokerId), .leader_epoch = epoch})
            .ok());
    WEIR_CHECK(log_.Start(epoch, {.live = {level_1::kOrders, level_1::kOld}}).ok());
  }
  void Append(uint64_t round) {
    const int64_t then_ms = level_1::kStartMs + static_cast<int64_t>(round) * 1000;
    clock_.Advance(absl::Milliseconds(then_ms - clock_.NowMs()));
    WEIR_CHECK(log_.Append(level_1::BatchesOf(RoundNumber{round})).ok());
  }

 private:
  SimClock clock_;
  SimFileSystem disk_{1, &clock_};
  Level1Log log_{&disk_, &clock_, kData};
};

void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  WEIR_CHECK(file.good());
}

// The history of the metadata store: the topics are there, one is deleted, a producer's epoch is
// raised.
void WriteMetadata(MetadataStore* store, SimClock* clock) {
  std::vector<TopicId> ids = {level_1::kOld, level_1::kOrders};
  const auto catalog = *TopicCatalog::Load({.store = store,
                                            .clock = clock,
                                            .new_topic_id =
                                                [&] {
                                                  const TopicId id = ids.back();
                                                  ids.pop_back();
                                                  return id;
                                                },
                                            .broker_id = std::string(level_1::kBrokerId),
                                            .leader_epoch = LeaderEpoch{1}});
  WEIR_CHECK(catalog
                 ->Create({.name = "orders",
                           .partitions = 2,
                           .config = {{"retention.ms", "86400000"}, {"segment.bytes", "12600"}}})
                 .ok());
  WEIR_CHECK(catalog->Create({.name = "old", .partitions = 1}).ok());
  const auto producers = *ProducerIdentities::Load(store, clock, absl::Hours(1));
  WEIR_CHECK(producers->Raise(producers->New().value()).ok());
  WEIR_CHECK(producers->New()->id == level_1::kProducer);
  WEIR_CHECK(catalog->Delete("old").ok());
}

// What the KvStore holds, in the notation of FORMAT.md.
std::string Listing(const KvStore& kv) {
  constexpr size_t kLineBytes = 32;
  const std::vector<KvEntry> entries = kv.Range("", "", 1000).value();
  std::string text;
  for (const KvEntry& entry : entries) {
    absl::StrAppend(&text, entry.key, " =");
    for (size_t at = 0; at < entry.value.size(); at += kLineBytes) {
      absl::StrAppend(&text, at == 0 ? " " : "\n    ",
                      absl::BytesToHexString(entry.value.substr(at, kLineBytes)));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

void WriteLevel1(const std::filesystem::path& out) {
  Writer writer;
  SimFileSystem& disk = writer.disk();
  WEIR_CHECK(CreateDirectories(disk, kData).ok());
  const RocksDbOnSim rocksdb(&disk);
  const std::string meta = JoinPath(kData, "meta");
  auto opened = *OpenRocksDbKvStore({.path = meta, .env = rocksdb.env()});
  const KvStore* const kv = opened.get();
  auto store = *LocalMetadataStore::Open(std::move(opened), nullptr);
  WriteMetadata(store.get(), &writer.clock());

  writer.Start(LeaderEpoch{1});
  for (const uint64_t round : {2, 3, 4, 5, 6}) writer.Append(round);
  WEIR_CHECK(writer.log().Stop().ok());
  WriteFile(out / "level_1_clean.recovery-point", disk.ReadRaw(RecoveryPointPath(kData)));

  writer.Start(LeaderEpoch{2});
  writer.Append(8);
  writer.Append(9);
  WEIR_CHECK(writer.manager().RunCheckpoint().ok());
  WEIR_CHECK(writer.manager().DeleteTopic(level_1::kOld, [] {}).ok());
  writer.Append(10);
  WEIR_CHECK(writer.manager().RunCheckpoint().ok());
  WEIR_CHECK(disk.SyncAll(kData).ok());
  writer.Append(11);
  writer.Append(12);
  writer.manager().Truncate(writer.log().Log(level_1::kOrders1), Offset{5},
                            [](const absl::Status& status) { WEIR_CHECK(status.ok()); });
  writer.log().Run();
  writer.manager().DeleteRecords(
      writer.log().Log(level_1::kOrders0), Offset{1},
      [](const absl::StatusOr<Offset>& start) { WEIR_CHECK(start.ok()); });
  writer.log().Run();

  const auto left = disk.CrashImage(1, CrashMode::kDropUnsynced);
  for (const std::string& path : left->AllFiles()) {
    WriteFile(out / "level_1" / path.substr(sizeof(kData)), left->ReadRaw(path));
  }
  WriteFile(out / "level_1_metadata.txt", Listing(*kv));
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 2 || std::filesystem::exists(std::filesystem::path(argv[1]) / "level_1")) {
    std::cerr << "usage: write_level_1 DIRECTORY, where there is no level_1 yet\n";
    return 2;
  }
  weir::WriteLevel1(argv[1]);
  return 0;
}
