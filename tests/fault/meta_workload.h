// MetaWorkload: a start of the metadata store and the topic catalogue on a simulated disk, and a
// fixed series of changes to both. It notes what was acknowledged, and what the store held after
// each acknowledgement.
#ifndef WEIR_TESTS_FAULT_META_WORKLOAD_H_
#define WEIR_TESTS_FAULT_META_WORKLOAD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/topics/producer_ids.h"
#include "broker/topics/topic_catalog.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/rocksdb_kv_store.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"

namespace weir {

// Everything that the store holds.
struct MetaState {
  Revision revision;
  std::vector<MetadataEntry> entries;

  bool operator==(const MetaState&) const = default;
};

// An open store with its catalogue. Members are destroyed in the order that RocksDB needs.
class MetaNode {
 public:
  static absl::StatusOr<std::unique_ptr<MetaNode>> Start(SimFileSystem* fs, int* topic_ids) {
    std::unique_ptr<MetaNode> node(new MetaNode(fs));
    absl::StatusOr<std::unique_ptr<KvStore>> kv =
        OpenRocksDbKvStore({.path = "/meta", .env = node->rocks_.env()});
    if (!kv.ok()) return kv.status();
    absl::StatusOr<std::unique_ptr<LocalMetadataStore>> store = LocalMetadataStore::Open(
        *std::move(kv), [raw = node.get()](const absl::Status&) { ++raw->failures_; });
    if (!store.ok()) return store.status();
    node->store_ = *std::move(store);
    absl::StatusOr<std::unique_ptr<TopicCatalog>> catalog =
        TopicCatalog::Load({.store = node->store_.get(),
                            .clock = &node->clock_,
                            .new_topic_id =
                                [topic_ids] {
                                  TopicId id;
                                  id.bytes[0] = static_cast<uint8_t>(++*topic_ids);
                                  return id;
                                },
                            .broker_id = "broker"});
    if (!catalog.ok()) return catalog.status();
    node->catalog_ = *std::move(catalog);
    node->producer_ids_ = std::make_unique<ProducerIds>(node->store_.get());
    return node;
  }

  MetadataStore& store() { return *store_; }
  TopicCatalog& catalog() { return *catalog_; }
  ProducerIds& producer_ids() { return *producer_ids_; }
  int failures() const { return failures_; }

  absl::StatusOr<MetaState> State() {
    absl::StatusOr<std::vector<MetadataEntry>> entries = store_->Range("", 10'000);
    if (!entries.ok()) return entries.status();
    return MetaState{store_->revision(), *std::move(entries)};
  }

 private:
  explicit MetaNode(SimFileSystem* fs) : rocks_(fs) {}

  RocksDbOnSim rocks_;
  SimClock clock_;
  int failures_ = 0;
  std::unique_ptr<LocalMetadataStore> store_;
  std::unique_ptr<TopicCatalog> catalog_;
  std::unique_ptr<ProducerIds> producer_ids_;
};

class MetaWorkload {
 public:
  // The number of steps; some of them are restarts.
  static constexpr int kSteps = 24;

  explicit MetaWorkload(SimFileSystem* fs) : fs_(fs) {}

  // OK: the step is acknowledged and states() has one more. Not to be called again after an error.
  absl::Status Step() {
    const absl::Status status = Do(static_cast<int>(states_.size()));
    if (!status.ok()) return status;
    absl::StatusOr<MetaState> state = node_->State();
    if (!state.ok()) return state.status();
    states_.push_back(*std::move(state));
    return absl::OkStatus();
  }
  // What the store held after each acknowledged step; the first one is before them all.
  const std::vector<MetaState>& states() const { return states_; }
  int acknowledged() const { return static_cast<int>(states_.size()) - 1; }
  MetaNode* node() { return node_.get(); }

 private:
  absl::Status Restart() {
    node_.reset();
    absl::StatusOr<std::unique_ptr<MetaNode>> node = MetaNode::Start(fs_, &topic_ids_);
    if (!node.ok()) return node.status();
    node_ = *std::move(node);
    return absl::OkStatus();
  }
  absl::Status Create(const std::string& name, int32_t partitions) {
    return node_->catalog().Create({.name = name, .partitions = partitions}).status();
  }
  absl::Status Put(const std::string& key, size_t bytes) {
    return node_->store().Txn({.puts = {{key, std::string(bytes, key[0])}}}).status();
  }

  absl::Status Do(int step) {
    switch (step) {
      case 1:
      case 8:
      case 17:
        return Restart();
      case 2:
        return Create("orders", 12);
      case 3:
        return Create("big", 10'000);
      case 4:
        return node_->catalog()
            .AlterConfig("orders", {{"retention.ms", "1"}, {"segment.ms", "2"}}, {})
            .status();
      case 5:
        return node_->producer_ids().Next().status();
      case 6:
        return node_->catalog().Delete("big").status();
      case 7:
        return Put("several sectors", 3'000);
      case 9:
        return node_->catalog().FinishDeletion(node_->catalog().DeletedIds().front());
      case 10:
        return Create("big", 3);
      case 11:
        return node_->catalog().AddPartitions("big", 5).status();
      case 12:
        return Put("several blocks of the log", 80'000);
      case 13:
        return node_->catalog()
            .AlterConfig("orders", {{"retention.ms", "3"}}, {"segment.ms"})
            .status();
      case 14:
        return node_->store().Txn({.deletes = {"several sectors"}}).status();
      case 15:
        return node_->catalog().Delete("orders").status();
      case 16:
        return Create("orders", 1);
      case 18:
        return node_->producer_ids().Next().status();
      default:
        return Put("small", static_cast<size_t>(100 * step));
    }
  }

  SimFileSystem* const fs_;
  int topic_ids_ = 0;
  std::unique_ptr<MetaNode> node_;
  std::vector<MetaState> states_ = {MetaState{}};
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_META_WORKLOAD_H_
