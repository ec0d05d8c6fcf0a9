// TopicCatalog: every topic of the broker, in memory for whoever serves a request, changed only
// through the metadata store. It decides names, numbers and configuration; it opens no log and
// removes no file. Any thread. Changes wait for the disk, one at a time under change_mu_; look-ups
// only take view_mu_, which is never held over I/O.
#ifndef WEIR_BROKER_TOPICS_TOPIC_CATALOG_H_
#define WEIR_BROKER_TOPICS_TOPIC_CATALOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/topics/topic.h"
#include "storage/base/clock.h"
#include "storage/meta/metadata_store.h"

namespace weir {

using TopicPtr = std::shared_ptr<const Topic>;

// 128 bits from the machine's random source.
TopicId RandomTopicId();

struct TopicCatalogOptions {
  MetadataStore* store = nullptr;                         // outlives the catalog
  const Clock* clock = nullptr;                           // outlives the catalog
  std::function<TopicId()> new_topic_id = RandomTopicId;  // any thread
  std::string broker_id;           // leader and only replica of every partition
  LeaderEpoch leader_epoch;        // of this start
  int32_t default_partitions = 1;  // of a topic that is created without a number
  TopicConfig defaults;            // what a topic has that does not set it
};

struct NewTopic {
  std::string name;
  int32_t partitions = 0;  // 0: the default number
  TopicConfigMap config;
  bool validate_only = false;  // check everything, make nothing
};

struct TopicChange {
  enum class Kind { kCreated, kChanged, kDeleted };
  Kind kind;
  TopicPtr topic;  // as it is now; a deleted one as it was
};

class TopicCatalog {
 public:
  // Hears of every change after it is durable and visible, in order, before the call that made it
  // returns. Must not change the catalog itself.
  using Listener = std::function<void(const TopicChange&)>;

  // Without the broker's own.
  struct Totals {
    int64_t topics = 0;
    int64_t partitions = 0;
  };

  // Reads all topics from the store. DATA_LOSS when they contradict each other.
  static absl::StatusOr<std::unique_ptr<TopicCatalog>> Load(TopicCatalogOptions options);

  // It hears of changes from now on, as long as there are any.
  void AddListener(Listener listener) ABSL_LOCKS_EXCLUDED(change_mu_);

  // Changes. An error that is not COMMIT_UNCERTAIN means that nothing changed; LOG_DIR_FENCED comes
  // after an uncertain one.

  // INVALID_TOPIC_NAME, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_EXISTS, TOPIC_LIMIT. One write,
  // however many partitions.
  absl::StatusOr<TopicPtr> Create(const NewTopic& wanted) ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  // The broker's own topic of this name, made with `wanted` if there is none. Nobody else changes
  // it.
  absl::StatusOr<TopicPtr> RequireInternal(const NewTopic& wanted)
      ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  // Sets some values and returns others to their default; all or none. UNKNOWN_TOPIC,
  // INVALID_CONFIG; here and below INVALID_TOPIC_NAME for the broker's own topics.
  absl::StatusOr<TopicPtr> AlterConfig(absl::string_view name, const TopicConfigMap& set,
                                       const std::vector<std::string>& remove)
      ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  // Raises the number of partitions to `total`; as many as there are is no change. UNKNOWN_TOPIC,
  // INVALID_PARTITIONS, TOPIC_LIMIT.
  absl::StatusOr<TopicPtr> AddPartitions(absl::string_view name, int32_t total)
      ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  // Marks the topic deleted: the name is free from now on, its files are the caller's to remove.
  // Returns the topic as it was. UNKNOWN_TOPIC.
  absl::StatusOr<TopicPtr> Delete(absl::string_view name) ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  // Drops the mark; the files are gone. OK also when there is no such mark.
  absl::Status FinishDeletion(TopicId id) ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);

  // Look-ups.

  // Null when there is none.
  TopicPtr Find(absl::string_view name) const ABSL_LOCKS_EXCLUDED(view_mu_);
  TopicPtr Find(TopicId id) const ABSL_LOCKS_EXCLUDED(view_mu_);
  // The same with UNKNOWN_TOPIC.
  absl::StatusOr<TopicPtr> Require(absl::string_view name) const ABSL_LOCKS_EXCLUDED(view_mu_);
  // Up to `limit` topics whose name begins with `prefix` and comes after `after`, by name; the
  // broker's own only when asked for.
  std::vector<TopicPtr> List(absl::string_view prefix, absl::string_view after, size_t limit,
                             bool internal = false) const ABSL_LOCKS_EXCLUDED(view_mu_);
  std::vector<TopicId> LiveIds() const ABSL_LOCKS_EXCLUDED(view_mu_);
  // Deleted, and FinishDeletion not yet called.
  std::vector<TopicId> DeletedIds() const ABSL_LOCKS_EXCLUDED(view_mu_);
  Totals totals() const ABSL_LOCKS_EXCLUDED(view_mu_);

 private:
  explicit TopicCatalog(TopicCatalogOptions options) : options_(std::move(options)) {}

  absl::StatusOr<TopicPtr> CreateChecked(const NewTopic& wanted)
      ABSL_LOCKS_EXCLUDED(change_mu_, view_mu_);
  absl::Status LoadTopics() ABSL_LOCKS_EXCLUDED(view_mu_);
  absl::Status LoadDeletedTopics() ABSL_LOCKS_EXCLUDED(view_mu_);
  // Within limits for a topic of `partitions` that has `existing` already.
  absl::Status CheckPartitions(absl::string_view name, int32_t partitions, int32_t existing) const
      ABSL_LOCKS_EXCLUDED(view_mu_);
  std::string InitialPartitionStates() const;
  // Stores `changed` in place of `old` and publishes it.
  absl::StatusOr<TopicPtr> Replace(const TopicPtr& old, Topic changed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  // The store's transaction, which is expected to succeed.
  absl::StatusOr<Revision> Commit(const MetadataTxn& txn, absl::string_view topic)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  // In or out of the totals.
  void Count(const Topic& topic, int sign) ABSL_EXCLUSIVE_LOCKS_REQUIRED(view_mu_);
  void Publish(TopicChange::Kind kind, const TopicPtr& topic)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_) ABSL_LOCKS_EXCLUDED(view_mu_);

  const TopicCatalogOptions options_;

  absl::Mutex change_mu_ ABSL_ACQUIRED_BEFORE(view_mu_);  // one change at a time
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(change_mu_);

  mutable absl::Mutex view_mu_;
  absl::btree_map<std::string, TopicPtr> by_name_ ABSL_GUARDED_BY(view_mu_);
  absl::flat_hash_map<TopicId, TopicPtr> by_id_ ABSL_GUARDED_BY(view_mu_);
  absl::flat_hash_set<TopicId> deleted_ ABSL_GUARDED_BY(view_mu_);
  Totals totals_ ABSL_GUARDED_BY(view_mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_TOPICS_TOPIC_CATALOG_H_
