// The real RocksDB on the simulated disk: it opens, keeps its promises over crashes, and meets
// failing operations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kPath[] = "/db";
using Entries = std::map<std::string, std::string>;

// A database on `fs`, with small buffers so that it flushes and compacts within a short test.
class Database {
 public:
  explicit Database(SimFileSystem* fs) : files_(fs) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = files_.env();
    options.write_buffer_size = 64 * 1024;
    options.level0_file_num_compaction_trigger = 2;
    options.compression = rocksdb::kNoCompression;
    // kTolerateCorruptedTailRecords would not do: it refuses a last record whose sectors reached
    // the disk in part.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    rocksdb::DB* db = nullptr;
    status_ = rocksdb::DB::Open(options, kPath, &db);
    db_.reset(db);
  }

  const rocksdb::Status& status() const { return status_; }
  rocksdb::DB& db() { return *db_; }

  bool Put(const std::string& key, const std::string& value, bool sync = true) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    return db_->Put(options, key, value).ok();
  }
  Entries All() {
    Entries all;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      all[it->key().ToString()] = it->value().ToString();
    EXPECT_TRUE(it->status().ok()) << it->status().ToString();
    return all;
  }

 private:
  RocksDbOnSim files_;
  rocksdb::Status status_;
  std::unique_ptr<rocksdb::DB> db_;
};

TEST(RocksDbOnSimTest, ReadsBackWhatItWroteAfterReopening) {
  SimFileSystem fs;
  {
    Database first(&fs);
    ASSERT_TRUE(first.status().ok()) << first.status().ToString();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(first.Put(absl::StrCat("key", i), std::string(5000, 'v')));
  }
  Database second(&fs);
  ASSERT_TRUE(second.status().ok()) << second.status().ToString();
  const Entries all = second.All();
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(all.at("key99"), std::string(5000, 'v'));
}

TEST(RocksDbOnSimTest, ItsFilesAreOnTheSimulatedDiskOnly) {
  SimFileSystem fs;
  Database database(&fs);
  ASSERT_TRUE(database.status().ok());
  ASSERT_TRUE(database.Put("key", "value"));
  const std::vector<std::string> files = fs.AllFiles();
  EXPECT_THAT(files, ::testing::Contains(absl::StrCat(kPath, "/CURRENT")));
  for (const std::string& file : files) EXPECT_THAT(file, ::testing::StartsWith(kPath));
}

TEST(RocksDbOnSimTest, SyncedWritesSurvivePowerLossAndUnsyncedOnesDoNot) {
  SimFileSystem fs;
  Database database(&fs);
  ASSERT_TRUE(fs.SyncDirectory("/").ok());  // the database's own directory is its owner's to sync
  ASSERT_TRUE(database.Put("synced", "1"));
  ASSERT_TRUE(database.Put("unsynced", "2", /*sync=*/false));
  const auto image = fs.CrashImage(1, CrashMode::kDropUnsynced);
  Database after(image.get());
  ASSERT_TRUE(after.status().ok()) << after.status().ToString();
  EXPECT_EQ(after.All(), (Entries{{"synced", "1"}}));
}

TEST(RocksDbOnSimTest, UnsyncedWritesSurviveAKill) {
  SimFileSystem fs;
  Database database(&fs);
  ASSERT_TRUE(database.Put("unsynced", "2", /*sync=*/false));
  const auto clone = fs.Clone();
  Database after(clone.get());
  ASSERT_TRUE(after.status().ok()) << after.status().ToString();
  EXPECT_EQ(after.All(), (Entries{{"unsynced", "2"}}));
}

// Writes with flushes and compactions; the power fails before each operation in turn, twice with
// different luck.
TEST(RocksDbOnSimTest, AcknowledgedWritesSurvivePowerLossAtEveryOperation) {
  SimFileSystem fs;
  Entries acknowledged;
  int images = 0;
  {
    Database database(&fs);
    ASSERT_TRUE(fs.SyncDirectory("/").ok());
    fs.SetObserver([&, main = std::this_thread::get_id()](const Operation& operation) {
      if (std::this_thread::get_id() != main)
        return;  // only this thread knows what is acknowledged
      for (const CrashMode mode : {CrashMode::kDropUnsynced, CrashMode::kRandom}) {
        const auto image = fs.CrashImage(operation.number, mode);
        Database after(image.get());
        ASSERT_TRUE(after.status().ok())
            << after.status().ToString() << "\nbefore " << operation.ToString();
        const Entries all = after.All();
        for (const auto& [key, value] : acknowledged) {
          const auto found = all.find(key);
          ASSERT_TRUE(found != all.end() && found->second >= value)
              << key << " before " << operation.ToString();
        }
        ++images;
      }
    });
    for (int i = 0; i < 60; ++i) {
      const std::string key = absl::StrCat("key", i % 7),
                        value = absl::StrCat(1000 + i, std::string(3000, 'v'));
      ASSERT_TRUE(database.Put(key, value));
      acknowledged[key] = value;
      if (i % 20 == 19) {
        ASSERT_TRUE(database.db().Flush(rocksdb::FlushOptions()).ok());
      }
    }
    ASSERT_TRUE(database.db().CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr).ok());
    fs.SetObserver(nullptr);
  }
  EXPECT_GT(images, 200);
}

TEST(RocksDbOnSimTest, AWriteWhoseSyncFailsIsNotAcknowledged) {
  SimFileSystem fs;
  Database database(&fs);
  ASSERT_TRUE(fs.SyncDirectory("/").ok());
  ASSERT_TRUE(database.Put("a", "1"));
  fs.FailNext(OperationKind::kSync, ".log", Fault::kIo, Repeat::kOnce);
  EXPECT_FALSE(database.Put("b", "2"));
  const auto image = fs.CrashImage(1, CrashMode::kDropUnsynced);
  Database after(image.get());
  ASSERT_TRUE(after.status().ok()) << after.status().ToString();
  EXPECT_EQ(after.All(), (Entries{{"a", "1"}}));
}

TEST(RocksDbOnSimTest, AFullDiskIsAnErrorAndNoCorruption) {
  SimFileSystem fs;
  Entries acknowledged;
  {
    Database database(&fs);
    ASSERT_TRUE(fs.SyncDirectory("/").ok());
    fs.SetCapacity(100 * 1024);
    bool full = false;
    for (int i = 0; i < 100 && !full; ++i) {
      const std::string key = absl::StrCat("key", i), value(3000, 'v');
      full = !database.Put(key, value);
      if (!full) acknowledged[key] = value;
    }
    EXPECT_TRUE(full);
  }
  fs.SetCapacity(int64_t{1} << 30);
  Database after(&fs);
  ASSERT_TRUE(after.status().ok()) << after.status().ToString();
  const Entries all = after.All();
  for (const auto& [key, value] : acknowledged) EXPECT_EQ(all.count(key), 1u) << key;
}

TEST(RocksDbOnSimTest, ASecondDatabaseInTheSameDirectoryIsRefused) {
  SimFileSystem fs;
  Database first(&fs);
  Database second(&fs);
  EXPECT_FALSE(second.status().ok());
}

TEST(RocksDbOnSimTest, OpeningOnACrashedDiskFails) {
  SimFileSystem fs;
  fs.CrashAt(3);
  Database database(&fs);
  EXPECT_FALSE(database.status().ok());
  EXPECT_TRUE(fs.crashed());
}

class FilesOnSimTest : public ::testing::Test {
 protected:
  std::string Content(const std::string& path) {
    std::string content;
    const rocksdb::Status status = rocksdb::ReadFileToString(env_, path, &content);
    return status.ok() ? content : status.ToString();
  }

  SimFileSystem fs_;
  RocksDbOnSim files_{&fs_};
  rocksdb::Env* const env_ = files_.env();
};

TEST_F(FilesOnSimTest, NewFilesBeginEmptyAndReopenedOnesGoOn) {
  std::unique_ptr<rocksdb::WritableFile> file;
  fs_.WriteRaw("/a", "old content");
  ASSERT_TRUE(env_->NewWritableFile("/a", &file, rocksdb::EnvOptions()).ok());
  ASSERT_TRUE(file->Append("one ").ok());
  ASSERT_TRUE(file->Append("two ").ok());
  EXPECT_EQ(file->GetFileSize(), 8u);
  ASSERT_TRUE(env_->ReopenWritableFile("/a", &file, rocksdb::EnvOptions()).ok());
  ASSERT_TRUE(file->Append("three").ok());
  EXPECT_EQ(Content("/a"), "one two three");
  ASSERT_TRUE(file->Truncate(3).ok());
  ASSERT_TRUE(file->Append("!").ok());
  EXPECT_EQ(Content("/a"), "one!");
}

TEST_F(FilesOnSimTest, SequentialReadsSkipAndRandomReadsDoNotMoveThem) {
  fs_.WriteRaw("/a", "0123456789");
  std::unique_ptr<rocksdb::SequentialFile> sequential;
  std::unique_ptr<rocksdb::RandomAccessFile> random;
  ASSERT_TRUE(env_->NewSequentialFile("/a", &sequential, rocksdb::EnvOptions()).ok());
  ASSERT_TRUE(env_->NewRandomAccessFile("/a", &random, rocksdb::EnvOptions()).ok());
  char scratch[20];
  rocksdb::Slice result;
  ASSERT_TRUE(sequential->Read(2, &result, scratch).ok());
  EXPECT_EQ(result.ToString(), "01");
  ASSERT_TRUE(random->Read(4, 3, &result, scratch).ok());
  EXPECT_EQ(result.ToString(), "456");
  ASSERT_TRUE(sequential->Skip(5).ok());
  ASSERT_TRUE(sequential->Read(20, &result, scratch).ok());
  EXPECT_EQ(result.ToString(), "789");
}

TEST_F(FilesOnSimTest, NamesAreTheFileSystems) {
  std::vector<std::string> children;
  uint64_t size = 0;
  bool is_directory = false;
  ASSERT_TRUE(env_->CreateDir("/d").ok());
  EXPECT_FALSE(env_->CreateDir("/d").ok());
  EXPECT_TRUE(env_->CreateDirIfMissing("/d").ok());
  EXPECT_TRUE(env_->IsDirectory("/d", &is_directory).ok());
  EXPECT_TRUE(is_directory);
  fs_.WriteRaw("/d/a", "12345");
  ASSERT_TRUE(env_->RenameFile("/d/a", "/d/b").ok());
  ASSERT_TRUE(env_->LinkFile("/d/b", "/d/c").ok());
  ASSERT_TRUE(env_->GetChildren("/d", &children).ok());
  EXPECT_THAT(children, ElementsAre("b", "c"));
  ASSERT_TRUE(env_->GetFileSize("/d/c", &size).ok());
  EXPECT_EQ(size, 5u);
  EXPECT_TRUE(env_->FileExists("/d/b").ok());
  EXPECT_TRUE(env_->FileExists("/d/a").IsNotFound());
  EXPECT_TRUE(env_->GetChildren("/no", &children).IsNotFound());
  ASSERT_TRUE(env_->DeleteFile("/d/b").ok());
  ASSERT_TRUE(env_->DeleteFile("/d/c").ok());
  ASSERT_TRUE(env_->DeleteDir("/d").ok());
  EXPECT_THAT(fs_.AllFiles(), IsEmpty());
}

TEST_F(FilesOnSimTest, SyncOfADirectoryBringsItsNames) {
  std::unique_ptr<rocksdb::WritableFile> file;
  std::unique_ptr<rocksdb::Directory> directory;
  ASSERT_TRUE(env_->NewWritableFile("/a", &file, rocksdb::EnvOptions()).ok());
  EXPECT_THAT(fs_.CrashImage(1, CrashMode::kDropUnsynced)->AllFiles(), IsEmpty());
  ASSERT_TRUE(env_->NewDirectory("/", &directory).ok());
  ASSERT_TRUE(directory->Fsync().ok());
  EXPECT_THAT(fs_.CrashImage(1, CrashMode::kDropUnsynced)->AllFiles(), ElementsAre("/a"));
  EXPECT_FALSE(env_->NewDirectory("/no", &directory).ok());
}

}  // namespace
}  // namespace weir
