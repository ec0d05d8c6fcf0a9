#include "broker/topics/topic_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/topics/producer_ids.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/key_schema.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/rocksdb_kv_store.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/meta_fake_kv_store.h"
#include "tests/unit/meta_temp_dir.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// A catalog over a store in memory; Restart loads a new one from what is stored.
class TopicCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }

  void Restart() {
    catalog_.reset();
    auto store = LocalMetadataStore::Open(std::make_unique<FakeKvStore>(disk_), nullptr);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto catalog = Load();
    ASSERT_TRUE(catalog.ok()) << catalog.status();
    catalog_ = *std::move(catalog);
    catalog_->AddListener([this](const TopicChange& change) {
      changes_.emplace_back(change.kind,
                            absl::StrCat(change.topic->name, "/", change.topic->partitions));
    });
  }
  absl::StatusOr<std::unique_ptr<TopicCatalog>> Load(TopicConfig defaults = {}) {
    return TopicCatalog::Load({.store = store_.get(),
                               .clock = &clock_,
                               .new_topic_id = [this] { return NewId(); },
                               .broker_id = "broker-1",
                               .leader_epoch = LeaderEpoch{7},
                               .default_partitions = 3,
                               .defaults = defaults});
  }
  TopicId NewId() {
    TopicId id;
    const int number = ++ids_;
    id.bytes[15] = static_cast<uint8_t>(number);
    id.bytes[14] = static_cast<uint8_t>(number >> 8);
    return id;
  }
  TopicPtr Create(const std::string& name, int32_t partitions = 1, TopicConfigMap config = {}) {
    auto topic =
        catalog_->Create({.name = name, .partitions = partitions, .config = std::move(config)});
    EXPECT_TRUE(topic.ok()) << topic.status();
    return topic.ok() ? *topic : nullptr;
  }
  Reason CreateError(const NewTopic& wanted) {
    const absl::Status status = catalog_->Create(wanted).status();
    return ReasonOf(status).value_or(Reason::kInternal);
  }
  std::vector<std::string> Names(absl::string_view prefix = "", absl::string_view after = "",
                                 size_t limit = 100) {
    std::vector<std::string> names;
    for (const TopicPtr& topic : catalog_->List(prefix, after, limit)) names.push_back(topic->name);
    return names;
  }

  using Kind = TopicChange::Kind;
  SimClock clock_;
  std::atomic<int> ids_{0};  // ids are asked for on any thread
  std::shared_ptr<FakeKvDisk> disk_ = std::make_shared<FakeKvDisk>();
  std::unique_ptr<LocalMetadataStore> store_;
  std::unique_ptr<TopicCatalog> catalog_;
  std::vector<std::pair<Kind, std::string>> changes_;
};

TEST_F(TopicCatalogTest, CreatedTopicIsFoundByNameAndId) {
  const TopicPtr topic = Create("orders", 12, {{"retention.ms", "5"}});
  EXPECT_EQ(topic->name, "orders");
  EXPECT_EQ(topic->partitions, 12);
  EXPECT_EQ(topic->config.retention_ms, 5);
  EXPECT_EQ(topic->created_ms, clock_.NowMs());
  EXPECT_EQ(catalog_->Find("orders"), topic);
  EXPECT_EQ(catalog_->Find(topic->id), topic);
  EXPECT_EQ(catalog_->Find("order"), nullptr);
  EXPECT_TRUE(topic->Has(PartitionIndex{11}));
  EXPECT_FALSE(topic->Has(PartitionIndex{12}));
  EXPECT_FALSE(topic->Has(PartitionIndex{-1}));
}

TEST_F(TopicCatalogTest, TheBrokersOwnTopicsAreHiddenAndOnlyItsOwn) {
  Create("a");
  const NewTopic wanted = {.name = "__own", .partitions = 16, .config = {{"retention.ms", "-1"}}};
  const TopicPtr own = *catalog_->RequireInternal(wanted);
  EXPECT_EQ(own->partitions, 16);
  Restart();
  const TopicPtr again = *catalog_->RequireInternal({.name = "__own", .partitions = 8});
  EXPECT_EQ(again->id, own->id) << "made once";
  EXPECT_EQ(again->partitions, 16) << "and never changed";
  EXPECT_EQ(again->config.retention_ms, -1);
  EXPECT_THAT(Names(), ElementsAre("a"));
  EXPECT_EQ(catalog_->List("", "", 100, /*internal=*/true).size(), 2u);
  EXPECT_EQ(catalog_->totals().topics, 1);
  EXPECT_EQ(catalog_->totals().partitions, 1);
  const auto refused = Optional(Reason::kInvalidTopicName);
  EXPECT_THAT(ReasonOf(catalog_->Delete("__own").status()), refused);
  EXPECT_THAT(ReasonOf(catalog_->AddPartitions("__own", 17).status()), refused);
  EXPECT_THAT(ReasonOf(catalog_->AlterConfig("__own", {{"retention.ms", "5"}}, {}).status()),
              refused);
}

TEST_F(TopicCatalogTest, CreateUsesTheDefaultNumberOfPartitions) {
  EXPECT_EQ(Create("a", 0)->partitions, 3);
}

TEST_F(TopicCatalogTest, RefusesWhatCannotBeCreatedAndChangesNothing) {
  Create("taken");
  const int writes = disk_->WriteCount();
  EXPECT_EQ(CreateError({.name = "../x"}), Reason::kInvalidTopicName);
  EXPECT_EQ(CreateError({.name = "__groups"}), Reason::kInvalidTopicName);
  EXPECT_EQ(CreateError({.name = "taken"}), Reason::kTopicExists);
  EXPECT_EQ(CreateError({.name = "a", .partitions = -1}), Reason::kInvalidPartitions);
  EXPECT_EQ(CreateError({.name = "a", .partitions = limits::kPartitionsPerTopic + 1}),
            Reason::kInvalidPartitions);
  EXPECT_EQ(CreateError({.name = "a", .config = {{"nope", "1"}}}), Reason::kInvalidConfig);
  EXPECT_EQ(disk_->WriteCount(), writes);
  EXPECT_THAT(Names(), ElementsAre("taken"));
}

TEST_F(TopicCatalogTest, ValidateOnlyChecksEverythingAndMakesNothing) {
  const int writes = disk_->WriteCount();
  EXPECT_TRUE(catalog_->Create({.name = "a", .validate_only = true}).ok());
  EXPECT_EQ(CreateError({.name = "a", .partitions = -1, .validate_only = true}),
            Reason::kInvalidPartitions);
  EXPECT_EQ(catalog_->Find("a"), nullptr);
  EXPECT_EQ(disk_->WriteCount(), writes);
}

TEST_F(TopicCatalogTest, TenThousandPartitionsAreOneSmallWrite) {
  const int writes = disk_->WriteCount();
  const TopicPtr topic = Create("big", 10'000);
  EXPECT_EQ(disk_->WriteCount(), writes + 1);
  const auto stored = store_->Get(PartitionsKey(topic->id));
  ASSERT_TRUE(stored.ok());
  EXPECT_LT(stored->value.size(), 100u);
  const internal::PartitionStates states =
      *DecodePartitionStates(PartitionsKey(topic->id), stored->value);
  EXPECT_EQ(states.initial().leader(), "broker-1");
  EXPECT_EQ(states.initial().leader_epoch(), 7);
  EXPECT_THAT(states.initial().isr(), ElementsAre("broker-1"));
  EXPECT_THAT(states.initial().replicas(), ElementsAre("broker-1"));
  EXPECT_EQ(states.initial().min_isr(), 1);
}

TEST_F(TopicCatalogTest, BrokerHoldsOnlySoManyPartitions) {
  Create("a", limits::kPartitionsPerTopic);
  Create("b", limits::kPartitionsPerTopic - 1);
  static_assert(limits::kPartitionsPerBroker == 2 * limits::kPartitionsPerTopic);
  EXPECT_EQ(CreateError({.name = "c", .partitions = 2}), Reason::kTopicLimit);
  EXPECT_TRUE(catalog_->AddPartitions("b", limits::kPartitionsPerTopic).ok());
  EXPECT_EQ(CreateError({.name = "c", .partitions = 1}), Reason::kTopicLimit);
  ASSERT_TRUE(catalog_->Delete("a").ok());
  Create("c", 2);
}

TEST_F(TopicCatalogTest, AlterSetsAndRemovesAllOrNothing) {
  Create("a", 1, {{"retention.ms", "5"}, {"segment.ms", "6"}});
  const TopicPtr altered =
      *catalog_->AlterConfig("a", {{"durability", "written"}}, {"retention.ms", "retention.bytes"});
  EXPECT_THAT(altered->overrides,
              ElementsAre(Pair("durability", "written"), Pair("segment.ms", "6")));
  EXPECT_EQ(altered->config.retention_ms, TopicConfig{}.retention_ms);
  EXPECT_EQ(altered->config.durability, Durability::kWritten);

  const auto reason = [&](const TopicConfigMap& set, const std::vector<std::string>& remove) {
    return ReasonOf(catalog_->AlterConfig("a", set, remove).status());
  };
  EXPECT_EQ(reason({{"segment.ms", "7"}, {"segment.bytes", "x"}}, {}), Reason::kInvalidConfig);
  EXPECT_EQ(reason({{"segment.ms", "7"}}, {"nope"}), Reason::kInvalidConfig);
  EXPECT_EQ(reason({{"segment.ms", "7"}}, {"segment.ms"}), Reason::kInvalidConfig);
  EXPECT_EQ(catalog_->Find("a"), altered);
  EXPECT_EQ(ReasonOf(catalog_->AlterConfig("b", {}, {}).status()), Reason::kUnknownTopic);
}

TEST_F(TopicCatalogTest, AlterToWhatIsThereWritesNothing) {
  const TopicPtr topic = Create("a", 1, {{"retention.ms", "5"}});
  const int writes = disk_->WriteCount();
  EXPECT_EQ(*catalog_->AlterConfig("a", {{"retention.ms", "5"}}, {"segment.ms"}), topic);
  EXPECT_EQ(disk_->WriteCount(), writes);
}

TEST_F(TopicCatalogTest, PartitionsGoUpAndNeverDown) {
  Create("a", 3);
  EXPECT_EQ((*catalog_->AddPartitions("a", 5))->partitions, 5);
  EXPECT_EQ((*catalog_->AddPartitions("a", 5))->partitions, 5);
  const absl::Status down = catalog_->AddPartitions("a", 4).status();
  EXPECT_EQ(ReasonOf(down), Reason::kInvalidPartitions);
  EXPECT_THAT(std::string(down.message()),
              AllOf(HasSubstr("has 5 partitions"), HasSubstr("5 to 100000")));
  EXPECT_EQ(ReasonOf(catalog_->AddPartitions("a", 100'001).status()), Reason::kInvalidPartitions);
  EXPECT_EQ(ReasonOf(catalog_->AddPartitions("b", 4).status()), Reason::kUnknownTopic);
  EXPECT_EQ(catalog_->totals().partitions, 5);
}

TEST_F(TopicCatalogTest, DeletedTopicIsGoneAndRememberedUntilFinished) {
  const TopicPtr topic = Create("a", 2);
  EXPECT_EQ(*catalog_->Delete("a"), topic);
  EXPECT_EQ(catalog_->Find("a"), nullptr);
  EXPECT_EQ(catalog_->Find(topic->id), nullptr);
  EXPECT_EQ(ReasonOf(catalog_->Delete("a").status()), Reason::kUnknownTopic);
  EXPECT_THAT(catalog_->DeletedIds(), ElementsAre(topic->id));
  EXPECT_TRUE(catalog_->FinishDeletion(topic->id).ok());
  EXPECT_TRUE(catalog_->FinishDeletion(topic->id).ok());
  EXPECT_THAT(catalog_->DeletedIds(), IsEmpty());
  EXPECT_THAT(*store_->Range("", 100), IsEmpty());
}

TEST_F(TopicCatalogTest, NameOfADeletedTopicIsFreeForADifferentTopic) {
  const TopicPtr first = Create("a");
  ASSERT_TRUE(catalog_->Delete("a").ok());
  const TopicPtr second = Create("a");
  EXPECT_NE(first->id, second->id);
  EXPECT_THAT(catalog_->LiveIds(), ElementsAre(second->id));
  EXPECT_THAT(catalog_->DeletedIds(), ElementsAre(first->id));
}

TEST_F(TopicCatalogTest, EverythingIsThereAfterARestart) {
  const TopicPtr a = Create("a", 2, {{"retention.ms", "5"}});
  Create("b");
  Create("c");
  ASSERT_TRUE(catalog_->AlterConfig("a", {{"segment.ms", "9"}}, {}).ok());
  ASSERT_TRUE(catalog_->AddPartitions("a", 4).ok());
  const TopicPtr b = *catalog_->Delete("b");
  ASSERT_TRUE(catalog_->FinishDeletion((*catalog_->Delete("c"))->id).ok());
  Restart();
  const TopicPtr loaded = catalog_->Find("a");
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(loaded->id, a->id);
  EXPECT_EQ(loaded->partitions, 4);
  EXPECT_EQ(loaded->created_ms, a->created_ms);
  EXPECT_THAT(loaded->overrides, ElementsAre(Pair("retention.ms", "5"), Pair("segment.ms", "9")));
  EXPECT_EQ(loaded->config.segment_ms, 9);
  EXPECT_THAT(Names(), ElementsAre("a"));
  EXPECT_THAT(catalog_->DeletedIds(), ElementsAre(b->id));
  EXPECT_EQ(catalog_->totals().topics, 1);
  EXPECT_EQ(catalog_->totals().partitions, 4);
  // And it can be changed on.
  EXPECT_TRUE(catalog_->AlterConfig("a", {}, {"segment.ms"}).ok());
  EXPECT_TRUE(catalog_->FinishDeletion(b->id).ok());
}

TEST_F(TopicCatalogTest, TopicsFollowTheBrokersDefaults) {
  Create("a");
  Create("b", 1, {{"segment.bytes", "4096"}});
  const auto reloaded = *Load({.segment_bytes = 2048});
  EXPECT_EQ(reloaded->Find("a")->config.segment_bytes, 2048);
  EXPECT_EQ(reloaded->Find("b")->config.segment_bytes, 4096);
}

TEST_F(TopicCatalogTest, ListPagesByNameWithinAPrefix) {
  for (const std::string name : {"b", "ab", "a", "ac", "b.a", "c"}) Create(name);
  EXPECT_THAT(Names(), ElementsAre("a", "ab", "ac", "b", "b.a", "c"));
  EXPECT_THAT(Names("", "", 2), ElementsAre("a", "ab"));
  EXPECT_THAT(Names("", "ab", 2), ElementsAre("ac", "b"));
  EXPECT_THAT(Names("b"), ElementsAre("b", "b.a"));
  EXPECT_THAT(Names("b", "b"), ElementsAre("b.a"));
  EXPECT_THAT(Names("b", "a"), ElementsAre("b", "b.a"));
  EXPECT_THAT(Names("b", "c"), IsEmpty());
  EXPECT_THAT(Names("x"), IsEmpty());
}

TEST_F(TopicCatalogTest, ListenersHearOfEveryChangeInOrder) {
  Create("a", 1);
  ASSERT_TRUE(catalog_->AddPartitions("a", 2).ok());
  ASSERT_TRUE(catalog_->AlterConfig("a", {{"durability", "written"}}, {}).ok());
  ASSERT_TRUE(catalog_->AlterConfig("a", {}, {}).ok());
  EXPECT_FALSE(catalog_->AddPartitions("a", 1).ok());
  ASSERT_TRUE(catalog_->Delete("a").ok());
  EXPECT_THAT(changes_, ElementsAre(Pair(Kind::kCreated, "a/1"), Pair(Kind::kChanged, "a/2"),
                                    Pair(Kind::kChanged, "a/2"), Pair(Kind::kDeleted, "a/2")));
}

TEST_F(TopicCatalogTest, ListenerSeesTheChangeInTheCatalog) {
  bool found = false;
  catalog_->AddListener([&](const TopicChange& change) {
    found = catalog_->Find(change.topic->name) == change.topic;
  });
  Create("a");
  EXPECT_TRUE(found);
}

TEST_F(TopicCatalogTest, FailedWriteIsUncertainAndShowsOnlyAfterARestart) {
  Create("a");
  disk_->Fail(absl::InternalError("disk on fire"), /*lands=*/true);
  EXPECT_EQ(CreateError({.name = "b"}), Reason::kCommitUncertain);
  EXPECT_EQ(ReasonOf(catalog_->Delete("a").status()), Reason::kLogDirFenced);
  EXPECT_THAT(Names(), ElementsAre("a"));
  EXPECT_THAT(changes_, SizeIs(1));
  disk_->Repair();
  Restart();
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
}

TEST_F(TopicCatalogTest, DamagedRecordStopsTheLoad) {
  const TopicPtr topic = Create("a");
  ASSERT_TRUE(store_->Txn({.puts = {{TopicKey(topic->id), "\xff"}}}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Load().status()));
}

TEST_F(TopicCatalogTest, TwoTopicsOfOneNameStopTheLoad) {
  Create("a");
  internal::TopicRecord record = ToRecord({.id = NewId(), .name = "a", .partitions = 1}, false);
  ASSERT_TRUE(
      store_->Txn({.puts = {{TopicKey(*DecodeTopicId("", record.id())), Encode(record)}}}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Load().status()));
}

TEST_F(TopicCatalogTest, RecordUnderAnotherTopicsKeyStopsTheLoad) {
  const TopicPtr topic = Create("a");
  ASSERT_TRUE(
      store_->Txn({.puts = {{DeletedTopicKey(NewId()), Encode(ToRecord(*topic, true))}}}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Load().status()));
}

TEST_F(TopicCatalogTest, ConfigurationOfAnotherVersionStopsTheLoadWithTheTopicsName) {
  Topic topic{
      .id = NewId(), .name = "new", .partitions = 1, .overrides = {{"cleanup.policy", "compact"}}};
  ASSERT_TRUE(store_->Txn({.puts = {{TopicKey(topic.id), Encode(ToRecord(topic, false))}}}).ok());
  const absl::Status status = Load().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("'new'"), HasSubstr("compact")));
}

TEST_F(TopicCatalogTest, LookUpsGoOnWhileTopicsChange) {
  Create("stays", 5);
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const TopicPtr topic = catalog_->Find("stays");
        if (topic == nullptr || topic->partitions < 5 || catalog_->Find(topic->id) == nullptr)
          ++wrong;
        const TopicPtr comes_and_goes = catalog_->Find("comes");
        if (comes_and_goes != nullptr && comes_and_goes->name != "comes") ++wrong;
        if (catalog_->totals().partitions < 5) ++wrong;
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    Create("comes");
    ASSERT_TRUE(catalog_->AddPartitions("stays", 6 + i).ok());
    ASSERT_TRUE(catalog_->Delete("comes").ok());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(TopicCatalogTest, ConcurrentCreatesOfOneNameMakeOneTopic) {
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      if (catalog_->Create({.name = "a"}).ok()) ++made;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
}

TEST_F(TopicCatalogTest, ProducerIdsNeverRepeatAcrossRestarts) {
  absl::flat_hash_set<int64_t> given;
  for (int start = 0; start < 3; ++start) {
    ProducerIds ids(store_.get());
    for (int i = 0; i < 2'500; ++i) {
      const auto id = ids.Next();
      ASSERT_TRUE(id.ok());
      EXPECT_GE(id->value(), 0);
      EXPECT_TRUE(given.insert(id->value()).second);
    }
    Restart();
  }
}

TEST_F(TopicCatalogTest, ProducerIdsAreWrittenOncePerBlock) {
  ProducerIds ids(store_.get());
  const int writes = disk_->WriteCount();
  for (int i = 0; i < limits::kProducerIdBlock; ++i) ASSERT_TRUE(ids.Next().ok());
  EXPECT_EQ(disk_->WriteCount(), writes + 1);
}

TEST_F(TopicCatalogTest, ProducerIdsOfAnUncertainBlockAreNotGiven) {
  {
    ProducerIds ids(store_.get());
    EXPECT_EQ(ids.Next()->value(), 0);
  }
  disk_->Fail(absl::InternalError("x"), /*lands=*/true);
  EXPECT_EQ(ReasonOf(ProducerIds(store_.get()).Next().status()), Reason::kCommitUncertain);
  disk_->Repair();
  Restart();
  EXPECT_EQ(ProducerIds(store_.get()).Next()->value(), 2 * limits::kProducerIdBlock);
}

TEST(RandomTopicIdTest, IdsDiffer) {
  absl::flat_hash_set<TopicId> ids;
  for (int i = 0; i < 1'000; ++i) ids.insert(RandomTopicId());
  EXPECT_THAT(ids, SizeIs(1'000));
}

// On the real RocksDB, with a process that dies at any time: nothing is closed in order, the
// directory is copied as it is.
TEST(TopicCatalogOnDiskTest, TwoThousandTopicsSurviveAKillBetweenDeletionAndItsEnd) {
  TempDir dir;
  SimClock clock;
  const auto load = [&](const std::string& path, std::unique_ptr<LocalMetadataStore>* store) {
    *store = *LocalMetadataStore::Open(*OpenRocksDbKvStore({.path = path}), nullptr);
    return *TopicCatalog::Load({.store = store->get(), .clock = &clock, .broker_id = "b"});
  };
  std::unique_ptr<LocalMetadataStore> store;
  const auto catalog = load(dir / "meta", &store);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(catalog->Create({.name = absl::StrCat("topic-", i), .partitions = 5}).ok());
  }
  ASSERT_TRUE(catalog->AddPartitions("topic-7", 10'000).ok());
  const TopicId marked = (*catalog->Delete("topic-1"))->id;
  ASSERT_TRUE(catalog->FinishDeletion((*catalog->Delete("topic-2"))->id).ok());
  std::filesystem::copy(dir / "meta", dir / "killed");

  std::unique_ptr<LocalMetadataStore> store_after;
  const auto after = load(dir / "killed", &store_after);
  EXPECT_EQ(store_after->revision(), store->revision());
  EXPECT_EQ(after->totals().topics, 1'998);
  EXPECT_EQ(after->totals().partitions, 1'997 * 5 + 10'000);
  EXPECT_THAT(after->DeletedIds(), ElementsAre(marked));
  EXPECT_EQ(after->Find("topic-1999")->id, catalog->Find("topic-1999")->id);
  EXPECT_TRUE(after->FinishDeletion(marked).ok());
}

}  // namespace
}  // namespace weir
