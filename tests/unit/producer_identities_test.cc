// Producer identities over a store in memory: an identity is given once, also across starts, and a
// raised epoch is forgotten only when it has expired.
#include "broker/partition/producer_identities.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/local_metadata_store.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/meta_fake_kv_store.h"

namespace weir {
namespace {

constexpr absl::Duration kExpiration = absl::Hours(1);

class ProducerIdentitiesTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(Restart()); }

  void Restart() {
    identities_.reset();
    auto store = LocalMetadataStore::Open(std::make_unique<FakeKvStore>(disk_), nullptr);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto identities = ProducerIdentities::Load(store_.get(), &clock_, kExpiration);
    ASSERT_TRUE(identities.ok()) << identities.status();
    identities_ = *std::move(identities);
  }
  // A new id, and the same one with the next epoch.
  ProducerIdentity NewRaised() { return identities_->Raise(identities_->New().value()).value(); }
  size_t StoredEpochs() { return store_->Range("producer-epoch/", 10'000)->size(); }

  SimClock clock_;
  std::shared_ptr<FakeKvDisk> disk_ = std::make_shared<FakeKvDisk>();
  std::unique_ptr<LocalMetadataStore> store_;
  std::unique_ptr<ProducerIdentities> identities_;
};

TEST_F(ProducerIdentitiesTest, RaisedEpochIsKnownAfterARestart) {
  const ProducerIdentity raised = NewRaised();
  EXPECT_EQ(raised.epoch, ProducerEpoch{1});
  Restart();
  EXPECT_EQ(ReasonOf(identities_->Raise({.id = raised.id, .epoch = ProducerEpoch{0}}).status()),
            Reason::kProducerFenced);
  EXPECT_EQ(identities_->Raise(raised).value(),
            (ProducerIdentity{.id = raised.id, .epoch = ProducerEpoch{2}}));
}

TEST_F(ProducerIdentitiesTest, NoIdIsGivenTwiceAcrossRestarts) {
  const ProducerIdentity before = identities_->New().value();
  Restart();
  EXPECT_GT(identities_->New()->id, before.id);
}

TEST_F(ProducerIdentitiesTest, WhatWasNeverGivenCannotBeRaised) {
  const ProducerIdentity given = identities_->New().value();
  for (const ProducerIdentity& identity :
       {ProducerIdentity{.id = ProducerId{-1}, .epoch = ProducerEpoch{0}},
        ProducerIdentity{.id = given.id + limits::kProducerIdBlock, .epoch = ProducerEpoch{0}},
        ProducerIdentity{.id = given.id, .epoch = ProducerEpoch{1}},
        ProducerIdentity{.id = given.id, .epoch = ProducerEpoch{-1}}}) {
    EXPECT_EQ(ReasonOf(identities_->Raise(identity).status()), Reason::kInvalidRequest)
        << identity.id << " " << identity.epoch;
  }
}

// What was raised and forgotten once must not be raised from the beginning again: somebody may own
// that epoch, and use it still.
TEST_F(ProducerIdentitiesTest, ForgottenEpochIsNotGivenTwice) {
  const ProducerIdentity never_raised = identities_->New().value();
  const ProducerIdentity raised = NewRaised();
  clock_.Advance(kExpiration + absl::Milliseconds(1));
  for (int start = 0; start < 2; ++start) {
    ASSERT_NO_FATAL_FAILURE(Restart());
    for (const ProducerIdentity& identity :
         {raised, ProducerIdentity{.id = raised.id, .epoch = ProducerEpoch{0}}, never_raised}) {
      EXPECT_EQ(ReasonOf(identities_->Raise(identity).status()), Reason::kProducerFenced)
          << identity.id << " " << identity.epoch;
    }
    EXPECT_EQ(NewRaised().epoch, ProducerEpoch{1});
  }
}

// More than one transaction of the metadata store may change: such a start was once refused.
TEST_F(ProducerIdentitiesTest, AnyNumberOfExpiredEpochsIsForgottenAtTheNextStart) {
  const size_t expired = 3 * limits::kMetadataTxnOperations + 1;
  for (size_t i = 0; i < expired; ++i) NewRaised();
  clock_.Advance(kExpiration + absl::Milliseconds(1));
  std::vector<ProducerIdentity> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(NewRaised());
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(StoredEpochs(), kept.size());
  for (const ProducerIdentity& identity : kept)
    EXPECT_EQ(identities_->Raise(identity)->epoch, ProducerEpoch{2});
}

}  // namespace
}  // namespace weir
