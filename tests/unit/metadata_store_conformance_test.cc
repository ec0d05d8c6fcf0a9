// What every MetadataStore must do, whatever it is made of. A new implementation adds one
// INSTANTIATE line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/metadata_store.h"
#include "storage/meta/rocksdb_kv_store.h"
#include "tests/unit/meta_temp_dir.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// One store that keeps its data over Reopen.
class Backend {
 public:
  virtual ~Backend() = default;
  // At most one at a time.
  virtual std::unique_ptr<MetadataStore> Open() = 0;
};

class LocalBackend : public Backend {
 public:
  std::unique_ptr<MetadataStore> Open() override {
    auto kv = OpenRocksDbKvStore({.path = dir_ / "meta"});
    EXPECT_TRUE(kv.ok()) << kv.status();
    auto store = LocalMetadataStore::Open(*std::move(kv), [](const absl::Status&) {});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

 private:
  TempDir dir_;
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};

class MetadataStoreConformance : public ::testing::TestWithParam<Implementation> {
 protected:
  void Reopen() {
    store_.reset();
    store_ = backend_->Open();
  }
  MetadataTxnResult Txn(const MetadataTxn& txn) {
    auto result = store_->Txn(txn);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : MetadataTxnResult{};
  }
  Revision Put(const std::string& key, const std::string& value) {
    return Txn({.puts = {{key, value}}}).revision;
  }
  std::vector<std::string> Keys(absl::string_view prefix, size_t limit = 100,
                                absl::string_view start = {}) {
    std::vector<std::string> keys;
    auto entries = store_->Range(prefix, limit, start);
    EXPECT_TRUE(entries.ok()) << entries.status();
    for (const MetadataEntry& entry : *entries) keys.push_back(entry.key);
    return keys;
  }

  std::unique_ptr<Backend> backend_ = GetParam().make();
  std::unique_ptr<MetadataStore> store_ = backend_->Open();
};

TEST_P(MetadataStoreConformance, EntryCarriesTheRevisionOfItsLastChange) {
  const Revision first = Put("a", "1");
  const Revision second = Put("b", "2");
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(*store_->Get("a"), (MetadataEntry{"a", "1", first}));
  const Revision third = Put("a", "");
  EXPECT_EQ(*store_->Get("a"), (MetadataEntry{"a", "", third}));
  EXPECT_EQ(store_->revision(), third);
  EXPECT_TRUE(absl::IsNotFound(store_->Get("c").status()));
}

TEST_P(MetadataStoreConformance, AllChangesOfATransactionShareOneRevision) {
  Put("old", "x");
  const Revision revision = Txn({.puts = {{"a", "1"}, {"b", "2"}}, .deletes = {"old"}}).revision;
  EXPECT_EQ(store_->Get("a")->mod_revision, revision);
  EXPECT_EQ(store_->Get("b")->mod_revision, revision);
  EXPECT_TRUE(absl::IsNotFound(store_->Get("old").status()));
}

TEST_P(MetadataStoreConformance, NothingChangesWhenOneCompareFails) {
  const Revision a = Put("a", "1");
  const MetadataTxnResult result =
      Txn({.compares = {{"a", a}, {"b", a}}, .puts = {{"a", "2"}, {"b", "2"}}, .deletes = {"a2"}});
  EXPECT_FALSE(result.succeeded);
  EXPECT_EQ(result.revision, a);
  EXPECT_EQ(store_->Get("a")->value, "1");
  EXPECT_TRUE(absl::IsNotFound(store_->Get("b").status()));
}

TEST_P(MetadataStoreConformance, CompareWithZeroMeansTheKeyMustNotExist) {
  const MetadataTxn create{.compares = {{"a", Revision{0}}}, .puts = {{"a", "1"}}};
  EXPECT_TRUE(Txn(create).succeeded);
  EXPECT_FALSE(Txn(create).succeeded);
  Txn({.deletes = {"a"}});
  EXPECT_TRUE(Txn(create).succeeded);
}

TEST_P(MetadataStoreConformance, CompareSeesDeleteAndRecreation) {
  const Revision first = Put("a", "1");
  Txn({.deletes = {"a"}});
  Put("a", "1");
  EXPECT_FALSE(Txn({.compares = {{"a", first}}, .puts = {{"a", "2"}}}).succeeded);
}

TEST_P(MetadataStoreConformance, TransactionThatChangesNothingTakesNoRevision) {
  const Revision before = Put("a", "1");
  const MetadataTxnResult result = Txn({.compares = {{"a", before}}, .deletes = {"no such key"}});
  EXPECT_TRUE(result.succeeded);
  EXPECT_EQ(result.revision, before);
  EXPECT_EQ(Put("a", "2"), before + 1);
}

TEST_P(MetadataStoreConformance, RangePagesThroughOnePrefixInOrder) {
  for (const std::string key : {"t/b", "t/a", "t/c", "t", "u/a", "t0", "t/\xff"}) Put(key, key);
  EXPECT_THAT(Keys("t/"), ElementsAre("t/a", "t/b", "t/c", "t/\xff"));
  EXPECT_THAT(Keys("t/", 2), ElementsAre("t/a", "t/b"));
  EXPECT_THAT(Keys("t/", 2, absl::string_view("t/b\0", 4)), ElementsAre("t/c", "t/\xff"));
  EXPECT_THAT(Keys("t/", 100, "a"), SizeIs(4));
  EXPECT_THAT(Keys("t/", 100, "z"), IsEmpty());
  EXPECT_THAT(Keys("none"), IsEmpty());
  EXPECT_THAT(Keys(""), SizeIs(7));
}

TEST_P(MetadataStoreConformance, KeysAndValuesAreBytes) {
  const std::string bytes("\0\xff\n", 3);
  Put(bytes, bytes);
  Reopen();
  EXPECT_EQ(store_->Get(bytes)->value, bytes);
  EXPECT_THAT(Keys("\xff"), IsEmpty());
}

TEST_P(MetadataStoreConformance, EverythingSurvivesReopen) {
  Put("gone", "x");
  Txn({.deletes = {"gone"}});
  const Revision a = Put("a", "1");
  Reopen();
  EXPECT_EQ(store_->revision(), a);
  EXPECT_EQ(*store_->Get("a"), (MetadataEntry{"a", "1", a}));
  EXPECT_TRUE(absl::IsNotFound(store_->Get("gone").status()));
  EXPECT_EQ(Put("b", "2"), a + 1);
}

TEST_P(MetadataStoreConformance, RefusesWhatIsTooLargeOrContradictsItself) {
  const auto refused = [&](const MetadataTxn& txn) {
    return absl::IsInvalidArgument(store_->Txn(txn).status());
  };
  EXPECT_TRUE(refused({.puts = {{"a", "1"}, {"a", "2"}}}));
  EXPECT_TRUE(refused({.puts = {{"a", "1"}}, .deletes = {"a"}}));
  EXPECT_TRUE(refused({.puts = {{"", "1"}}}));
  EXPECT_TRUE(refused({.puts = {{std::string(limits::kMetadataKeyBytes + 1, 'k'), "1"}}}));
  EXPECT_TRUE(refused({.puts = {{"a", std::string(limits::kMetadataTxnBytes, 'v')}}}));
  MetadataTxn many;
  for (size_t i = 0; i <= limits::kMetadataTxnOperations; ++i)
    many.puts.push_back({absl::StrCat(i), ""});
  EXPECT_TRUE(refused(many));
  EXPECT_EQ(store_->revision(), Revision{0});
  many.puts.pop_back();
  EXPECT_TRUE(Txn(many).succeeded);
}

TEST_P(MetadataStoreConformance, WatchSeesLaterChangesOfItsPrefixInOrder) {
  Put("t/before", "x");
  std::vector<std::vector<MetadataEvent>> seen;
  const auto watch = store_->Watch("t/", [&](absl::Span<const MetadataEvent> events) {
    seen.emplace_back(events.begin(), events.end());
  });
  const Revision first =
      Txn({.puts = {{"t/a", "1"}, {"u/a", "2"}, {"t/b", "3"}}, .deletes = {"t/before"}}).revision;
  Put("u/b", "4");
  Txn({.compares = {{"t/a", Revision{0}}}, .puts = {{"t/a", "5"}}});
  const Revision last = Put("t/a", "6");
  EXPECT_THAT(seen, ElementsAre(ElementsAre(MetadataEvent{"t/a", "1", first},
                                            MetadataEvent{"t/b", "3", first},
                                            MetadataEvent{"t/before", std::nullopt, first}),
                                ElementsAre(MetadataEvent{"t/a", "6", last})));
}

TEST_P(MetadataStoreConformance, WatchEndsWithItsHandle) {
  int calls = 0;
  auto watch = store_->Watch("", [&](absl::Span<const MetadataEvent>) { ++calls; });
  auto other = store_->Watch("a", [&](absl::Span<const MetadataEvent>) { ++calls; });
  Put("a", "1");
  watch.reset();
  Put("a", "2");
  EXPECT_EQ(calls, 3);
}

TEST_P(MetadataStoreConformance, ConcurrentIncrementsByCompareLoseNone) {
  Put("n", "0");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < 25;) {
        const MetadataEntry entry = *store_->Get("n");
        const std::string next = absl::StrCat(std::stoi(entry.value) + 1);
        if (Txn({.compares = {{"n", entry.mod_revision}}, .puts = {{"n", next}}}).succeeded) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->Get("n")->value, "100");
  EXPECT_EQ(store_->revision(), Revision{101});
}

INSTANTIATE_TEST_SUITE_P(Stores, MetadataStoreConformance,
                         ::testing::Values(Implementation{
                             "Local", [] { return std::make_unique<LocalBackend>(); }}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace weir
