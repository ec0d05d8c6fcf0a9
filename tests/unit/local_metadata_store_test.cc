#include "storage/meta/local_metadata_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/base/error.h"
#include "storage/meta/key_schema.h"
#include "tests/unit/meta_fake_kv_store.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LocalMetadataStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<LocalMetadataStore>> Open() {
    return LocalMetadataStore::Open(
        std::make_unique<FakeKvStore>(disk_),
        [this](const absl::Status& cause) { failures_.push_back(cause); });
  }
  void Store(const std::string& key, const std::string& value) {
    const KvChange change{key, value};
    ASSERT_TRUE(FakeKvStore(disk_).Write(absl::MakeConstSpan(&change, 1), WriteSync::kSync).ok());
  }

  std::shared_ptr<FakeKvDisk> disk_ = std::make_shared<FakeKvDisk>();
  std::vector<absl::Status> failures_;
};

TEST_F(LocalMetadataStoreTest, FailedWriteIsUncertainAndClosesTheStore) {
  auto store = *Open();
  disk_->Fail(absl::InternalError("disk on fire"), /*lands=*/false);
  EXPECT_EQ(ReasonOf(store->Txn({.puts = {{"a", "1"}}}).status()), Reason::kCommitUncertain);
  disk_->Repair();
  const absl::Status later = store->Txn({.puts = {{"b", "1"}}}).status();
  EXPECT_EQ(ReasonOf(later), Reason::kLogDirFenced);
  EXPECT_THAT(std::string(later.message()), HasSubstr("disk on fire"));
  EXPECT_THAT(failures_, ElementsAre(absl::InternalError("disk on fire")));
}

TEST_F(LocalMetadataStoreTest, UncertainWriteThatLandedCountsAfterTheNextStart) {
  {
    auto store = *Open();
    ASSERT_TRUE(store->Txn({.puts = {{"a", "1"}}}).ok());
    disk_->Fail(absl::InternalError("power"), /*lands=*/true);
    EXPECT_FALSE(store->Txn({.puts = {{"a", "2"}}}).ok());
    EXPECT_EQ(store->revision(), Revision{1});
  }
  disk_->Repair();
  auto store = *Open();
  EXPECT_EQ(*store->Get("a"), (MetadataEntry{"a", "2", Revision{2}}));
  EXPECT_EQ(store->Txn({.puts = {{"b", "1"}}})->revision, Revision{3});
}

TEST_F(LocalMetadataStoreTest, RefusedChangesAreNotWrittenAndFailNothing) {
  auto store = *Open();
  ASSERT_TRUE(store->Txn({.puts = {{"a", "1"}}}).ok());
  const int writes = disk_->WriteCount();
  store->RefuseChanges(MakeError(Reason::kDiskLow, "read-only"));
  EXPECT_EQ(ReasonOf(store->Txn({.puts = {{"a", "2"}}}).status()), Reason::kDiskLow);
  EXPECT_EQ(disk_->WriteCount(), writes);
  EXPECT_EQ(store->Get("a")->value, "1");
  EXPECT_TRUE(failures_.empty());
}

TEST_F(LocalMetadataStoreTest, WatchersDoNotHearOfAFailedWrite) {
  auto store = *Open();
  int calls = 0;
  const auto watch = store->Watch("", [&](absl::Span<const MetadataEvent>) { ++calls; });
  disk_->Fail(absl::InternalError("x"), /*lands=*/true);
  EXPECT_FALSE(store->Txn({.puts = {{"a", "1"}}}).ok());
  EXPECT_EQ(calls, 0);
}

TEST_F(LocalMetadataStoreTest, EntriesWithoutARevisionAreDamage) {
  Store("ka", std::string(9, '\1'));
  EXPECT_TRUE(absl::IsDataLoss(Open().status()));
}

TEST_F(LocalMetadataStoreTest, MalformedRevisionIsDamage) {
  Store("r", "123");
  EXPECT_TRUE(absl::IsDataLoss(Open().status()));
}

TEST_F(LocalMetadataStoreTest, ValueTooShortForARevisionIsDamageAndNoTransactionBuildsOnIt) {
  auto store = *Open();
  Store("ka", "short");
  EXPECT_TRUE(absl::IsDataLoss(store->Get("a").status()));
  EXPECT_TRUE(absl::IsDataLoss(store->Range("", 10).status()));
  EXPECT_TRUE(absl::IsDataLoss(
      store->Txn({.compares = {{"a", Revision{0}}}, .puts = {{"b", ""}}}).status()));
  EXPECT_TRUE(failures_.empty());
}

TEST(KeySchemaTest, KeysAreWhatOlderBrokersWrote) {
  TopicId id;
  id.bytes = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(TopicNameKey("orders"), "topic/name/orders");
  EXPECT_EQ(TopicKey(id), "topic/id/01234567-89ab-cdef-0102-030405060708");
  EXPECT_EQ(DeletedTopicKey(id), "topic/deleted/01234567-89ab-cdef-0102-030405060708");
  EXPECT_EQ(PartitionsKey(id), "partitions/01234567-89ab-cdef-0102-030405060708");
  EXPECT_EQ(kProducerIdsKey, "producer-ids");
}

TEST(KeySchemaTest, RecordsAreWhatOlderBrokersWrote) {
  internal::TopicRecord topic;
  topic.set_id(std::string(16, 'i'));
  topic.set_name("t");
  topic.set_partitions(3);
  (*topic.mutable_config())["a"] = "b";
  topic.set_created_ms(5);
  topic.set_deleted(true);
  EXPECT_EQ(Encode(topic), std::string("\x0a\x10") + std::string(16, 'i') + "\x12\x01t" +
                               "\x18\x03" +
                               "\x22\x06\x0a\x01"
                               "a"
                               "\x12\x01"
                               "b" +
                               "\x28\x05" + "\x30\x01");
  internal::ProducerIds ids;
  ids.set_next(300);
  EXPECT_EQ(Encode(ids), "\x08\xac\x02");
  internal::PartitionStates states;
  states.mutable_initial()->set_leader("L");
  states.mutable_initial()->set_leader_epoch(7);
  states.mutable_initial()->add_isr("I");
  states.mutable_initial()->add_replicas("R");
  states.mutable_initial()->set_min_isr(1);
  EXPECT_EQ(Encode(states), "\x0a\x0d\x0a\x01L\x10\x07\x1a\x01I\x22\x01R\x28\x01");
}

TEST(KeySchemaTest, DamagedValuesAreRefusedWithTheirKey) {
  EXPECT_THAT(std::string(DecodeTopicId("topic/name/x", "short").status().message()),
              HasSubstr("topic/name/x"));
  EXPECT_TRUE(absl::IsDataLoss(DecodeTopicRecord("k", "\xff\xff").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeTopicRecord("k", "").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodePartitionStates("k", "\x0a").status()));
  EXPECT_TRUE(absl::IsDataLoss(
      DecodeProducerIds("k", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").status()));
}

}  // namespace
}  // namespace weir
