// The golden files beside the log's: weir.meta, and what the metadata store holds, down to the
// bytes of every value. What was written once is read for ever, and the same values still give the
// same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "broker/partition/producer_identities.h"
#include "broker/topics/producer_ids.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/bytes.h"
#include "storage/base/error.h"
#include "storage/meta/data_directory_meta.h"
#include "storage/meta/key_schema.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/rocksdb_kv_store.h"
#include "tests/golden/golden_files.h"
#include "tests/golden/level_1.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"
#include "tests/unit/meta_fake_kv_store.h"

namespace weir {
namespace {

using level_1::kOld;
using level_1::kOrders;
using level_1::kStartMs;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(GoldenDataDirectoryMetaTest, IsReadAsItWasWritten) {
  SimFileSystem disk;
  disk.WriteRaw("/weir.meta", GoldenFile("level_1/weir.meta"));
  const auto meta = ReadDataDirectoryMeta(disk, "");
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_TRUE(meta->has_value());
  EXPECT_EQ((*meta)->broker_id, level_1::kBrokerId);
  EXPECT_EQ((*meta)->leader_epoch, LeaderEpoch{2});
}

TEST(GoldenDataDirectoryMetaTest, IsWrittenAsItWas) {
  SimFileSystem disk;
  ASSERT_TRUE(
      WriteDataDirectoryMeta(
          disk, "", {.broker_id = std::string(level_1::kBrokerId), .leader_epoch = LeaderEpoch{2}})
          .ok());
  EXPECT_EQ(disk.ReadRaw("/weir.meta"), GoldenFile("level_1/weir.meta"));
}

// Both ways: the golden listing of keys and values, and the RocksDB files that hold them.
class GoldenMetadataTest : public ::testing::Test {
 protected:
  GoldenMetadataTest() {
    const auto pairs = ParseHexPairs(GoldenFile("level_1_metadata.txt"));
    EXPECT_TRUE(pairs.has_value());
    listed_ = {pairs->begin(), pairs->end()};
    EXPECT_EQ(listed_.size(), pairs->size());
    const auto disk = std::make_shared<FakeKvDisk>();
    {
      absl::MutexLock lock(&disk->mu);
      disk->entries = listed_;
    }
    auto store = LocalMetadataStore::Open(std::make_unique<FakeKvStore>(disk), nullptr);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  // The value under `key`, whose revision must be as expected.
  std::string Value(const std::string& key, int64_t revision) {
    const auto entry = store_->Get(key);
    EXPECT_TRUE(entry.ok()) << entry.status();
    if (!entry.ok()) return "";
    EXPECT_EQ(entry->mod_revision, Revision{revision}) << key;
    return entry->value;
  }

  std::map<std::string, std::string> listed_;
  std::unique_ptr<LocalMetadataStore> store_;
};

TEST_F(GoldenMetadataTest, RocksDbStillReadsItsFiles) {
  SimFileSystem disk;
  PlaceGoldenFiles("level_1/meta", &disk, "/data/meta");
  const RocksDbOnSim rocksdb(&disk);
  const auto kv =
      OpenRocksDbKvStore({.path = "/data/meta", .env = rocksdb.env(), .must_exist = true});
  ASSERT_TRUE(kv.ok()) << kv.status();
  const auto entries = (*kv)->Range("", "", 1000);
  ASSERT_TRUE(entries.ok()) << entries.status();
  std::map<std::string, std::string> read;
  for (const KvEntry& entry : *entries) read[entry.key] = entry.value;
  EXPECT_EQ(read, listed_);
}

TEST_F(GoldenMetadataTest, NoKeyIsLeftOut) {
  EXPECT_EQ(store_->revision(), Revision{5});
  std::vector<std::string> keys;
  const auto entries = store_->Range("", 1000);
  ASSERT_TRUE(entries.ok());
  for (const MetadataEntry& entry : *entries) keys.push_back(entry.key);
  EXPECT_THAT(
      keys, UnorderedElementsAre(TopicNameKey("orders"), TopicKey(kOrders), PartitionsKey(kOrders),
                                 DeletedTopicKey(kOld), std::string(kProducerIdsKey),
                                 "producer-epoch/0000000000000000000"));
}

TEST_F(GoldenMetadataTest, TopicNameHoldsTheTopicsId) {
  const std::string value = Value(TopicNameKey("orders"), 1);
  EXPECT_EQ(DecodeTopicId("", value).value(), kOrders);
  EXPECT_EQ(EncodeTopicId(kOrders), value);
}

TEST_F(GoldenMetadataTest, TopicsAreReadAndWrittenAsTheyWere) {
  const std::string live = Value(TopicKey(kOrders), 1);
  const auto orders = DecodeTopicRecord("", live);
  ASSERT_TRUE(orders.ok()) << orders.status();
  EXPECT_EQ(orders->id(), EncodeTopicId(kOrders));
  EXPECT_EQ(orders->name(), "orders");
  EXPECT_EQ(orders->partitions(), 2);
  EXPECT_THAT(orders->config(), UnorderedElementsAre(Pair("retention.ms", "86400000"),
                                                     Pair("segment.bytes", "12600")));
  EXPECT_EQ(orders->created_ms(), kStartMs);
  EXPECT_FALSE(orders->deleted());
  EXPECT_EQ(Encode(*orders), live);

  const std::string deleted = Value(DeletedTopicKey(kOld), 5);
  internal::TopicRecord old;
  old.set_id(EncodeTopicId(kOld));
  old.set_name("old");
  old.set_partitions(1);
  old.set_created_ms(kStartMs);
  old.set_deleted(true);
  EXPECT_EQ(DecodeTopicRecord("", deleted).value().SerializeAsString(), old.SerializeAsString());
  EXPECT_EQ(Encode(old), deleted);
}

TEST_F(GoldenMetadataTest, PartitionStatesAreReadAndWrittenAsTheyWere) {
  const std::string value = Value(PartitionsKey(kOrders), 1);
  const auto states = DecodePartitionStates("", value);
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_EQ(states->initial().leader(), level_1::kBrokerId);
  EXPECT_EQ(states->initial().leader_epoch(), 1);
  EXPECT_THAT(states->initial().isr(), ElementsAre(level_1::kBrokerId));
  EXPECT_THAT(states->initial().replicas(), ElementsAre(level_1::kBrokerId));
  EXPECT_EQ(states->initial().min_isr(), 1);
  EXPECT_EQ(states->changed_size(), 0);
  EXPECT_EQ(Encode(*states), value);
}

TEST_F(GoldenMetadataTest, ProducerIdsAreReadAndWrittenAsTheyWere) {
  const std::string value = Value(std::string(kProducerIdsKey), 3);
  const auto ids = DecodeProducerIds("", value);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(ids->next(), 1000);
  EXPECT_EQ(Encode(*ids), value);
}

TEST_F(GoldenMetadataTest, RaisedEpochIsText) {
  EXPECT_EQ(Value("producer-epoch/0000000000000000000", 4), "1 1767225600000");
}

TEST_F(GoldenMetadataTest, BrokerKnowsItsTopics) {
  SimClock clock;
  const auto catalog = TopicCatalog::Load({.store = store_.get(), .clock = &clock});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const TopicPtr orders = (*catalog)->Find("orders");
  ASSERT_NE(orders, nullptr);
  EXPECT_EQ(orders->id, kOrders);
  EXPECT_EQ(orders->partitions, 2);
  EXPECT_EQ(orders->config.segment_bytes, 12'600);
  EXPECT_THAT((*catalog)->LiveIds(), ElementsAre(kOrders));
  EXPECT_THAT((*catalog)->DeletedIds(), ElementsAre(kOld));
}

TEST_F(GoldenMetadataTest, BrokerKnowsItsProducers) {
  SimClock clock;
  const auto producers = ProducerIdentities::Load(store_.get(), &clock, absl::Hours(1));
  ASSERT_TRUE(producers.ok()) << producers.status();
  const auto fenced = (*producers)->Raise({.id = ProducerId{0}, .epoch = ProducerEpoch{0}});
  EXPECT_EQ(ReasonOf(fenced.status()), Reason::kProducerFenced) << fenced.status();
  EXPECT_EQ((*producers)->Raise({.id = ProducerId{0}, .epoch = ProducerEpoch{1}}).value(),
            (ProducerIdentity{.id = ProducerId{0}, .epoch = ProducerEpoch{2}}));
  EXPECT_EQ((*producers)->New().value(),
            (ProducerIdentity{.id = ProducerId{1000}, .epoch = ProducerEpoch{0}}));
}

}  // namespace
}  // namespace weir
