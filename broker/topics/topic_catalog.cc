#include "broker/topics/topic_catalog.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/key_schema.h"

namespace weir {
namespace {

constexpr size_t kLoadPage = 1'000;

// Calls `use` with every entry whose key begins with `prefix`.
template <typename Use>
absl::Status ForEach(MetadataStore& store, absl::string_view prefix, Use use) {
  std::string start;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<MetadataEntry> page,
                          store.Range(prefix, kLoadPage, start));
    for (const MetadataEntry& entry : page) WEIR_RETURN_IF_ERROR(use(entry));
    if (page.size() < kLoadPage) return absl::OkStatus();
    start = page.back().key;
    start.push_back('\0');
  }
}

absl::Status UnknownTopic(absl::string_view name) {
  return MakeError(Reason::kUnknownTopic,
                   absl::StrCat("there is no topic '",
                                absl::CEscape(name.substr(0, limits::kTopicNameLength)), "'"));
}

}  // namespace

TopicId RandomTopicId() {
  thread_local absl::BitGen random;
  TopicId id;
  for (size_t i = 0; i < id.bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t bits = absl::Uniform<uint64_t>(random);
    std::memcpy(id.bytes.data() + i, &bits, sizeof(bits));
  }
  return id;
}

absl::StatusOr<std::unique_ptr<TopicCatalog>> TopicCatalog::Load(TopicCatalogOptions options) {
  std::unique_ptr<TopicCatalog> catalog(new TopicCatalog(std::move(options)));
  WEIR_RETURN_IF_ERROR(catalog->LoadTopics());
  WEIR_RETURN_IF_ERROR(catalog->LoadDeletedTopics());
  return catalog;
}

absl::Status TopicCatalog::LoadTopics() {
  absl::MutexLock lock(&view_mu_);
  return ForEach(*options_.store, kTopicPrefix, [this](const MetadataEntry& entry) {
    view_mu_.AssertHeld();
    WEIR_ASSIGN_OR_RETURN(const internal::TopicRecord record,
                          DecodeTopicRecord(entry.key, entry.value));
    WEIR_ASSIGN_OR_RETURN(Topic topic, FromRecord(record, entry.mod_revision, options_.defaults));
    const TopicPtr loaded = std::make_shared<const Topic>(std::move(topic));
    if (TopicKey(loaded->id) != entry.key || !by_name_.emplace(loaded->name, loaded).second) {
      return absl::DataLossError(
          absl::StrCat("the metadata of '", entry.key, "' contradicts another topic's"));
    }
    by_id_.emplace(loaded->id, loaded);
    Count(*loaded, 1);
    return absl::OkStatus();
  });
}

absl::Status TopicCatalog::LoadDeletedTopics() {
  absl::MutexLock lock(&view_mu_);
  return ForEach(*options_.store, kDeletedTopicPrefix, [this](const MetadataEntry& entry) {
    view_mu_.AssertHeld();
    WEIR_ASSIGN_OR_RETURN(const internal::TopicRecord record,
                          DecodeTopicRecord(entry.key, entry.value));
    WEIR_ASSIGN_OR_RETURN(const TopicId id, DecodeTopicId(entry.key, record.id()));
    if (DeletedTopicKey(id) != entry.key || by_id_.contains(id)) {
      return absl::DataLossError(
          absl::StrCat("the metadata of '", entry.key, "' contradicts another topic's"));
    }
    deleted_.insert(id);
    return absl::OkStatus();
  });
}

void TopicCatalog::AddListener(Listener listener) {
  absl::MutexLock lock(&change_mu_);
  listeners_.push_back(std::move(listener));
}

absl::Status TopicCatalog::CheckPartitions(absl::string_view name, int32_t partitions,
                                           int32_t existing) const {
  if (partitions < 1 || partitions > limits::kPartitionsPerTopic) {
    return MakeError(Reason::kInvalidPartitions,
                     absl::StrCat("topic '", name, "' cannot have ", partitions,
                                  " partitions; allowed are 1 to ", limits::kPartitionsPerTopic));
  }
  const Totals now = totals();
  if (existing == 0 && now.topics >= static_cast<int64_t>(limits::kTopicsPerBroker)) {
    return MakeError(Reason::kTopicLimit,
                     absl::StrCat("the broker has ", now.topics, " topics, as many as it may"));
  }
  if (now.partitions - existing + partitions > limits::kPartitionsPerBroker) {
    return MakeError(Reason::kTopicLimit,
                     absl::StrCat("the broker has ", now.partitions, " partitions of at most ",
                                  limits::kPartitionsPerBroker, "; ", partitions - existing,
                                  " more do not fit"));
  }
  return absl::OkStatus();
}

std::string TopicCatalog::InitialPartitionStates() const {
  internal::PartitionStates states;
  internal::PartitionState& initial = *states.mutable_initial();
  initial.set_leader(options_.broker_id);
  initial.set_leader_epoch(options_.leader_epoch.value());
  initial.add_isr(options_.broker_id);
  initial.add_replicas(options_.broker_id);
  initial.set_min_isr(1);
  return Encode(states);
}

absl::StatusOr<TopicPtr> TopicCatalog::Create(const NewTopic& wanted) {
  WEIR_RETURN_IF_ERROR(CheckTopicName(wanted.name));
  return CreateChecked(wanted);
}

absl::StatusOr<TopicPtr> TopicCatalog::RequireInternal(const NewTopic& wanted) {
  WEIR_CHECK(IsInternalTopic(wanted.name));
  if (TopicPtr found = Find(wanted.name)) return found;
  return CreateChecked(wanted);
}

absl::StatusOr<TopicPtr> TopicCatalog::CreateChecked(const NewTopic& wanted) {
  auto topic = std::make_shared<Topic>();
  WEIR_ASSIGN_OR_RETURN(topic->config, ParseTopicConfig(wanted.config, options_.defaults));
  topic->name = wanted.name;
  topic->overrides = wanted.config;
  topic->partitions = wanted.partitions == 0 ? options_.default_partitions : wanted.partitions;
  topic->id = options_.new_topic_id();
  topic->created_ms = options_.clock->NowMs();

  absl::MutexLock lock(&change_mu_);
  if (Find(wanted.name) != nullptr) {
    return MakeError(Reason::kTopicExists,
                     absl::StrCat("a topic '", wanted.name, "' exists already"));
  }
  WEIR_RETURN_IF_ERROR(CheckPartitions(topic->name, topic->partitions, /*existing=*/0));
  if (wanted.validate_only) return topic;
  WEIR_ASSIGN_OR_RETURN(
      topic->revision,
      Commit({.compares = {{TopicNameKey(topic->name), Revision{0}},
                           {TopicKey(topic->id), Revision{0}}},
              .puts = {{TopicNameKey(topic->name), EncodeTopicId(topic->id)},
                       {TopicKey(topic->id), Encode(ToRecord(*topic, /*deleted=*/false))},
                       {PartitionsKey(topic->id), InitialPartitionStates()}}},
             topic->name));
  Publish(TopicChange::Kind::kCreated, topic);
  return topic;
}

absl::StatusOr<TopicPtr> TopicCatalog::AlterConfig(absl::string_view name,
                                                   const TopicConfigMap& set,
                                                   const std::vector<std::string>& remove) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(name));
  absl::MutexLock lock(&change_mu_);
  WEIR_ASSIGN_OR_RETURN(const TopicPtr old, Require(name));
  Topic changed = *old;
  for (const std::string& config_name : remove) {
    WEIR_RETURN_IF_ERROR(CheckTopicConfigName(config_name));
    if (set.contains(config_name)) {
      return MakeError(Reason::kInvalidConfig,
                       absl::StrCat(config_name, " is both set and removed"));
    }
    changed.overrides.erase(config_name);
  }
  for (const auto& [config_name, value] : set) changed.overrides[config_name] = value;
  WEIR_ASSIGN_OR_RETURN(changed.config, ParseTopicConfig(changed.overrides, options_.defaults));
  if (changed.overrides == old->overrides) return old;
  return Replace(old, std::move(changed));
}

absl::StatusOr<TopicPtr> TopicCatalog::AddPartitions(absl::string_view name, int32_t total) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(name));
  absl::MutexLock lock(&change_mu_);
  WEIR_ASSIGN_OR_RETURN(const TopicPtr old, Require(name));
  if (total < old->partitions) {
    return MakeError(Reason::kInvalidPartitions,
                     absl::StrCat("topic '", name, "' has ", old->partitions,
                                  " partitions and cannot go down to ", total, "; allowed are ",
                                  old->partitions, " to ", limits::kPartitionsPerTopic));
  }
  if (total == old->partitions) return old;
  WEIR_RETURN_IF_ERROR(CheckPartitions(name, total, old->partitions));
  Topic changed = *old;
  changed.partitions = total;  // their state is the one that all partitions of the topic began with
  return Replace(old, std::move(changed));
}

absl::StatusOr<TopicPtr> TopicCatalog::Replace(const TopicPtr& old, Topic changed) {
  WEIR_ASSIGN_OR_RETURN(
      changed.revision,
      Commit({.compares = {{TopicKey(old->id), old->revision}},
              .puts = {{TopicKey(old->id), Encode(ToRecord(changed, /*deleted=*/false))}}},
             old->name));
  TopicPtr topic = std::make_shared<const Topic>(std::move(changed));
  Publish(TopicChange::Kind::kChanged, topic);
  return topic;
}

absl::StatusOr<TopicPtr> TopicCatalog::Delete(absl::string_view name) {
  WEIR_RETURN_IF_ERROR(CheckMayChange(name));
  absl::MutexLock lock(&change_mu_);
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, Require(name));
  WEIR_RETURN_IF_ERROR(
      Commit(
          {.compares = {{TopicKey(topic->id), topic->revision}},
           .puts = {{DeletedTopicKey(topic->id), Encode(ToRecord(*topic, /*deleted=*/true))}},
           .deletes = {TopicNameKey(topic->name), TopicKey(topic->id), PartitionsKey(topic->id)}},
          topic->name)
          .status());
  Publish(TopicChange::Kind::kDeleted, topic);
  return topic;
}

absl::Status TopicCatalog::FinishDeletion(TopicId id) {
  absl::MutexLock lock(&change_mu_);
  {
    absl::ReaderMutexLock view(&view_mu_);
    if (!deleted_.contains(id)) return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(Commit({.deletes = {DeletedTopicKey(id)}}, id.ToString()).status());
  absl::MutexLock view(&view_mu_);
  deleted_.erase(id);
  return absl::OkStatus();
}

absl::StatusOr<Revision> TopicCatalog::Commit(const MetadataTxn& txn, absl::string_view topic) {
  WEIR_ASSIGN_OR_RETURN(const MetadataTxnResult result, options_.store->Txn(txn));
  if (!result.succeeded) {
    return MakeError(Reason::kInternal, absl::StrCat("the metadata of topic '", topic,
                                                     "' was changed by somebody else"));
  }
  return result.revision;
}

void TopicCatalog::Publish(TopicChange::Kind kind, const TopicPtr& topic) {
  {
    absl::MutexLock view(&view_mu_);
    if (const auto old = by_id_.find(topic->id); old != by_id_.end()) {
      Count(*old->second, -1);
      by_id_.erase(old);
    }
    if (kind == TopicChange::Kind::kDeleted) {
      by_name_.erase(topic->name);
      deleted_.insert(topic->id);
    } else {
      by_name_[topic->name] = topic;
      by_id_[topic->id] = topic;
      Count(*topic, 1);
    }
  }
  for (const Listener& listener : listeners_) listener({kind, topic});
}

void TopicCatalog::Count(const Topic& topic, int sign) {
  if (IsInternalTopic(topic.name)) return;
  totals_.topics += sign;
  totals_.partitions += sign * topic.partitions;
}

TopicPtr TopicCatalog::Find(absl::string_view name) const {
  absl::ReaderMutexLock lock(&view_mu_);
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

TopicPtr TopicCatalog::Find(TopicId id) const {
  absl::ReaderMutexLock lock(&view_mu_);
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

absl::StatusOr<TopicPtr> TopicCatalog::Require(absl::string_view name) const {
  TopicPtr topic = Find(name);
  if (topic == nullptr) return UnknownTopic(name);
  return topic;
}

std::vector<TopicPtr> TopicCatalog::List(absl::string_view prefix, absl::string_view after,
                                         size_t limit, bool internal) const {
  std::vector<TopicPtr> found;
  absl::ReaderMutexLock lock(&view_mu_);
  auto it = after < prefix ? by_name_.lower_bound(prefix) : by_name_.upper_bound(after);
  for (; it != by_name_.end() && found.size() < limit && absl::StartsWith(it->first, prefix);
       ++it) {
    if (internal || !IsInternalTopic(it->first)) found.push_back(it->second);
  }
  return found;
}

std::vector<TopicId> TopicCatalog::LiveIds() const {
  std::vector<TopicId> ids;
  absl::ReaderMutexLock lock(&view_mu_);
  for (const auto& [id, topic] : by_id_) ids.push_back(id);
  return ids;
}

std::vector<TopicId> TopicCatalog::DeletedIds() const {
  absl::ReaderMutexLock lock(&view_mu_);
  return {deleted_.begin(), deleted_.end()};
}

TopicCatalog::Totals TopicCatalog::totals() const {
  absl::ReaderMutexLock lock(&view_mu_);
  return totals_;
}

}  // namespace weir
