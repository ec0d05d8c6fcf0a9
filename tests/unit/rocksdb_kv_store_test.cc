#include "storage/meta/rocksdb_kv_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/meta/manifest_mark.h"
#include "tests/unit/meta_temp_dir.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RocksDbKvStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    auto opened = OpenRocksDbKvStore({.path = path_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void Put(const std::string& key, const std::string& value) {
    const KvChange change{key, value};
    ASSERT_TRUE(store_->Write(absl::MakeConstSpan(&change, 1), WriteSync::kSync).ok());
  }
  std::vector<KvEntry> Range(absl::string_view start, absl::string_view end, size_t limit = 1000) {
    auto entries = store_->Range(start, end, limit);
    EXPECT_TRUE(entries.ok()) << entries.status();
    return entries.ok() ? *std::move(entries) : std::vector<KvEntry>();
  }
  bool Has(const std::string& key) { return store_->Get(key).ok(); }

  // The newest log file: RocksDB begins one at every open.
  std::string LogFile() {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  static void Overwrite(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  // The file whose name begins with `part`, in the directory that a crash left.
  std::string FileLike(absl::string_view part) {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (absl::StartsWith(entry.path().filename().string(), part)) return entry.path().string();
    }
    ADD_FAILURE() << "no file like " << part;
    return "";
  }
  bool IsRefused() {
    const absl::Status status = OpenRocksDbKvStore({.path = path_}).status();
    return absl::IsDataLoss(status);
  }
  // What a power cut leaves: the files as they are now, without the tidying of a close, with the
  // log as `edit` makes it.
  template <typename Edit>
  void CrashAndEditLog(Edit edit) {
    const std::string copy = dir_ / "crashed";
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
    const std::string log =
        absl::StrCat(copy, "/", std::filesystem::path(LogFile()).filename().string());
    std::string content = Read(log);
    edit(content);
    Overwrite(log, content);
    store_.reset();
    path_ = copy;
  }

  TempDir dir_;
  std::string path_ = dir_ / "meta";
  std::unique_ptr<KvStore> store_;
};

TEST_F(RocksDbKvStoreTest, ReturnsWhatWasPutAlsoAfterReopen) {
  Put("a", "1");
  Put("a", "2");
  Put("empty", "");
  EXPECT_EQ(*store_->Get("a"), "2");
  Reopen();
  EXPECT_EQ(*store_->Get("a"), "2");
  EXPECT_EQ(*store_->Get("empty"), "");
  EXPECT_TRUE(absl::IsNotFound(store_->Get("b").status()));
}

TEST_F(RocksDbKvStoreTest, AppliesABatchInOrder) {
  Put("gone", "x");
  const KvChange batch[] = {
      {"a", "1"}, {"gone", std::nullopt}, {"a", "2"}, {"b", "3"}, {"b", std::nullopt}};
  ASSERT_TRUE(store_->Write(batch, WriteSync::kSync).ok());
  EXPECT_THAT(Range("", ""), ElementsAre(KvEntry{"a", "2"}));
}

TEST_F(RocksDbKvStoreTest, RangeIsOrderedByBytesAndBounded) {
  for (const std::string key : {"b", "a", "c", "\xff", "ab"}) Put(key, key);
  EXPECT_THAT(Range("a", "c"),
              ElementsAre(KvEntry{"a", "a"}, KvEntry{"ab", "ab"}, KvEntry{"b", "b"}));
  EXPECT_THAT(Range("aa", "", 2), ElementsAre(KvEntry{"ab", "ab"}, KvEntry{"b", "b"}));
  EXPECT_THAT(Range("d", ""), ElementsAre(KvEntry{"\xff", "\xff"}));
  EXPECT_THAT(Range("c", "a"), IsEmpty());
  EXPECT_THAT(Range("", "", 0), IsEmpty());
}

TEST_F(RocksDbKvStoreTest, SecondOpenIsRefusedWithADirectoryAndAdvice) {
  const auto second = OpenRocksDbKvStore({.path = path_});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(path_), HasSubstr("Another process has it open")));
}

TEST_F(RocksDbKvStoreTest, MissingDatabaseIsRefusedWhenItMustExist) {
  const auto opened = OpenRocksDbKvStore({.path = dir_ / "other", .must_exist = true});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("restore it from a copy"));
  store_.reset();
  EXPECT_TRUE(OpenRocksDbKvStore({.path = path_, .must_exist = true}).ok());
}

TEST_F(RocksDbKvStoreTest, TruncatedLastWriteIsForgottenAndTheRestIsThere) {
  Put("a", "1");
  Put("b", std::string(5000, 'b'));
  CrashAndEditLog([](std::string& log) { log.resize(log.size() - 600); });
  Reopen();
  EXPECT_TRUE(Has("a"));
  EXPECT_FALSE(Has("b"));
}

TEST_F(RocksDbKvStoreTest, HoleInTheLastWriteIsATornTail) {
  Put("a", "1");
  Put("b", std::string(5000, 'b'));
  CrashAndEditLog([](std::string& log) { log.replace(log.size() - 2048, 512, 512, '\0'); });
  Reopen();
  EXPECT_TRUE(Has("a"));
  EXPECT_FALSE(Has("b"));
  Put("c", "3");
  Reopen();
  EXPECT_THAT(Range("", ""), ElementsAre(KvEntry{"a", "1"}, KvEntry{"c", "3"}));
}

TEST_F(RocksDbKvStoreTest, HoleInALastWriteThatSpansBlocksIsATornTail) {
  Put("a", "1");
  Put("b", std::string(100'000, 'b'));
  CrashAndEditLog([](std::string& log) { log.replace(40'000, 512, 512, '\0'); });
  Reopen();
  EXPECT_THAT(Range("", ""), ElementsAre(KvEntry{"a", "1"}));
}

TEST_F(RocksDbKvStoreTest, DamageInFrontOfALaterWriteStopsTheOpen) {
  Put("a", std::string(100, 'a'));
  Put("b", "2");
  Put("c", "3");
  CrashAndEditLog([](std::string& log) { log[60] ^= 1; });
  const std::string before = Read(LogFile());
  const auto opened = OpenRocksDbKvStore({.path = path_});
  ASSERT_TRUE(absl::IsDataLoss(opened.status())) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()),
              AllOf(HasSubstr(path_), HasSubstr("restore this directory")));
  EXPECT_EQ(Read(LogFile()), before);
}

TEST_F(RocksDbKvStoreTest, EveryFlippedBitInFrontOfALaterWriteStopsTheOpen) {
  Put("a", "aaaa");
  Put("b", "bbbb");
  Put("c", "cccc");
  CrashAndEditLog([](std::string&) {});
  const std::string log_file = LogFile();
  const std::string log = Read(log_file);
  const size_t last_record = log.size() / 3 * 2;  // three equal records
  for (size_t bit = 0; bit < last_record * 8; ++bit) {
    std::string damaged = log;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    Overwrite(log_file, damaged);
    ASSERT_TRUE(absl::IsDataLoss(OpenRocksDbKvStore({.path = path_}).status())) << "bit " << bit;
  }
}

TEST_F(RocksDbKvStoreTest, ZeroedSectorInFrontOfALaterWriteStopsTheOpen) {
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("key", i), "value");
  CrashAndEditLog([](std::string& log) { log.replace(512, 512, 512, '\0'); });
  EXPECT_TRUE(absl::IsDataLoss(OpenRocksDbKvStore({.path = path_}).status()));
}

TEST_F(RocksDbKvStoreTest, EveryFlippedBitOfTheManifestStopsTheOpen) {
  Put("a", "1");
  Reopen();  // the manifest says of the file that the log became, which RocksDB could do without
  Put("b", "2");
  CrashAndEditLog([](std::string&) {});
  const std::string path = FileLike("MANIFEST-");
  const std::string manifest = Read(path);
  for (size_t bit = 0; bit < manifest.size() * 8; ++bit) {
    std::string damaged = manifest;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    Overwrite(path, damaged);
    ASSERT_TRUE(IsRefused()) << "bit " << bit;
  }
  Overwrite(path, manifest);
  Reopen();
  EXPECT_TRUE(Has("a"));
  EXPECT_TRUE(Has("b"));
}

TEST_F(RocksDbKvStoreTest, EveryTruncationOfTheManifestStopsTheOpen) {
  Put("a", "1");
  Reopen();  // the manifest says of the file that the log became, which RocksDB could do without
  Put("b", "2");
  CrashAndEditLog([](std::string&) {});
  const std::string path = FileLike("MANIFEST-");
  const std::string manifest = Read(path);
  for (size_t size = 0; size < manifest.size(); ++size) {
    Overwrite(path, manifest.substr(0, size));
    ASSERT_TRUE(IsRefused()) << "cut to " << size;
  }
}

TEST_F(RocksDbKvStoreTest, MissingCurrentBesideALogStopsTheOpenAndBeginsNoEmptyDatabase) {
  Put("a", "1");
  CrashAndEditLog([](std::string&) {});
  std::filesystem::remove(FileLike("CURRENT"));
  EXPECT_TRUE(IsRefused());
  EXPECT_FALSE(std::filesystem::exists(path_ + "/CURRENT"));
}

TEST_F(RocksDbKvStoreTest, ADatabaseOfBeforeThereWereMarksOpensAndGetsOne) {
  Put("a", "1");
  CrashAndEditLog([](std::string&) {});
  std::filesystem::remove(FileLike(kManifestMarkName));
  // Its manifest has a torn end.
  const std::string path = FileLike("MANIFEST-");
  Overwrite(path, Read(path) + std::string(300, '\0'));
  Reopen();
  EXPECT_TRUE(Has("a"));
  EXPECT_TRUE(DecodeManifestMark(Read(FileLike(kManifestMarkName))).has_value());
}

TEST_F(RocksDbKvStoreTest, AMarkThatAnOlderVersionDidNotKeepUpIsPassedOver) {
  Put("a", "1");
  const std::string mark = Read(FileLike(kManifestMarkName));
  Reopen();  // begins a new manifest
  Put("b", "2");
  CrashAndEditLog([](std::string&) {});
  Overwrite(FileLike(kManifestMarkName), mark);
  Reopen();
  EXPECT_TRUE(Has("a"));
  EXPECT_TRUE(Has("b"));
}

TEST_F(RocksDbKvStoreTest, StaysSmallOverManyOpens) {
  for (int i = 0; i < 20; ++i) {
    Put("k", absl::StrCat(i));
    Reopen();
  }
  const auto files = [this] {
    return std::distance(std::filesystem::directory_iterator(path_),
                         std::filesystem::directory_iterator());
  };
  // Compaction runs beside; it may need another open to catch up.
  for (int i = 0; i < 1'000 && files() >= 20; ++i) Reopen();
  EXPECT_LT(files(), 20);
}

}  // namespace
}  // namespace weir
