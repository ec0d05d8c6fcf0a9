#include "broker/partition/producer_identities.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/key_schema.h"

namespace weir {
namespace {

// producer-epoch/<id, 19 digits>: "<epoch> <when it was given, ms>".
constexpr absl::string_view kEpochPrefix = "producer-epoch/";
// The highest id whose epoch was forgotten, in digits.
constexpr absl::string_view kForgottenKey = "producer-epochs-forgotten";
// What expired of it goes in one change, together with kForgottenKey.
constexpr size_t kPage = limits::kMetadataTxnOperations - 1;

std::string EpochKey(ProducerId id) { return absl::StrFormat("%s%019d", kEpochPrefix, id.value()); }

struct RaisedEpoch {
  ProducerIdentity identity;
  int64_t given_ms = 0;
};

absl::StatusOr<RaisedEpoch> DecodeRaised(const MetadataEntry& entry) {
  const std::pair<absl::string_view, absl::string_view> value = absl::StrSplit(entry.value, ' ');
  int64_t id = 0;
  int32_t epoch = 0;
  int64_t given_ms = 0;
  if (!absl::SimpleAtoi(absl::string_view(entry.key).substr(kEpochPrefix.size()), &id) ||
      !absl::SimpleAtoi(value.first, &epoch) || !absl::SimpleAtoi(value.second, &given_ms)) {
    return absl::DataLossError(
        absl::StrCat("the metadata store's value of ", entry.key, " cannot be read"));
  }
  return RaisedEpoch{
      .identity = {.id = ProducerId{id}, .epoch = ProducerEpoch{static_cast<int16_t>(epoch)}},
      .given_ms = given_ms};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProducerIdentities>> ProducerIdentities::Load(
    MetadataStore* store, const Clock* clock, absl::Duration expiration) {
  std::unique_ptr<ProducerIdentities> identities(new ProducerIdentities(store, clock));
  absl::MutexLock lock(&identities->mu_);
  WEIR_RETURN_IF_ERROR(identities->LoadEpochs(expiration));
  return identities;
}

absl::Status ProducerIdentities::LoadEpochs(absl::Duration expiration) {
  const int64_t expired_before = clock_->NowMs() - absl::ToInt64Milliseconds(expiration);
  const absl::StatusOr<MetadataEntry> forgotten = store_->Get(kForgottenKey);
  if (!forgotten.ok() && !absl::IsNotFound(forgotten.status())) return forgotten.status();
  int64_t through = -1;
  if (forgotten.ok() && !absl::SimpleAtoi(forgotten->value, &through)) {
    return absl::DataLossError(
        absl::StrCat("the metadata store's value of ", kForgottenKey, " cannot be read"));
  }
  forgotten_through_ = ProducerId{through};
  std::string start;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<MetadataEntry> page,
                          store_->Range(kEpochPrefix, kPage, start));
    if (page.empty()) return absl::OkStatus();
    MetadataTxn forget;
    for (const MetadataEntry& entry : page) {
      WEIR_ASSIGN_OR_RETURN(const RaisedEpoch raised, DecodeRaised(entry));
      if (raised.given_ms < expired_before) {
        forget.deletes.push_back(entry.key);
        forgotten_through_ = std::max(forgotten_through_, raised.identity.id);
      } else {
        raised_[raised.identity.id] = raised.identity.epoch;
      }
    }
    if (!forget.deletes.empty()) {
      forget.puts.push_back(
          {.key = std::string(kForgottenKey), .value = absl::StrCat(forgotten_through_.value())});
      WEIR_RETURN_IF_ERROR(store_->Txn(forget).status());
    }
    start = absl::StrCat(page.back().key, absl::string_view("\0", 1));
  }
}

absl::StatusOr<ProducerIdentity> ProducerIdentities::New() {
  absl::MutexLock lock(&mu_);
  return NewLocked();
}

absl::StatusOr<ProducerIdentity> ProducerIdentities::NewLocked() {
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const ProducerId id, ids_.Next());
    if (!raised_.contains(id)) return ProducerIdentity{.id = id, .epoch = ProducerEpoch{0}};
  }
}

absl::StatusOr<bool> ProducerIdentities::MayHaveBeenGiven(ProducerId id) {
  const absl::StatusOr<MetadataEntry> stored = store_->Get(kProducerIdsKey);
  if (absl::IsNotFound(stored.status())) return false;
  if (!stored.ok()) return stored.status();
  WEIR_ASSIGN_OR_RETURN(const internal::ProducerIds ids,
                        DecodeProducerIds(kProducerIdsKey, stored->value));
  return id.value() >= 0 && id.value() < ids.next();
}

absl::StatusOr<ProducerIdentity> ProducerIdentities::Raise(ProducerIdentity from) {
  absl::MutexLock lock(&mu_);
  const auto raised = raised_.find(from.id);
  const ProducerEpoch current = raised == raised_.end() ? ProducerEpoch{0} : raised->second;
  // Its epoch may have been raised, and been forgotten since: then this identity may be given
  // already.
  if (raised == raised_.end() && from.id >= ProducerId{0} && from.id <= forgotten_through_) {
    return MakeError(Reason::kProducerFenced,
                     absl::StrCat("the epochs of producer id ", from.id.value(),
                                  " are not known any more; a new id is the way on"));
  }
  WEIR_ASSIGN_OR_RETURN(const bool given, MayHaveBeenGiven(from.id));
  if (!given || from.epoch > current || from.epoch < ProducerEpoch{0}) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("producer id ", from.id.value(), " with epoch ",
                                  from.epoch.value(), " was never given to anyone"));
  }
  if (from.epoch < current) {
    return MakeError(Reason::kProducerFenced,
                     absl::StrCat("producer id ", from.id.value(), " is at epoch ", current.value(),
                                  ", not ", from.epoch.value(), " any more"));
  }
  const bool last_epoch = from.epoch.value() == std::numeric_limits<int16_t>::max();
  if (last_epoch || raised_.size() >= limits::kRaisedProducerEpochs) return NewLocked();
  const ProducerEpoch next{static_cast<int16_t>(from.epoch.value() + 1)};
  MetadataTxn txn;
  txn.puts.push_back(
      {.key = EpochKey(from.id), .value = absl::StrCat(next.value(), " ", clock_->NowMs())});
  WEIR_RETURN_IF_ERROR(store_->Txn(txn).status());
  raised_[from.id] = next;
  return ProducerIdentity{.id = from.id, .epoch = next};
}

}  // namespace weir
