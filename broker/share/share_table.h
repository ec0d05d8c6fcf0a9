// ShareTable: every share-partition of one internal partition. What records say of them changes by
// replay only. Not thread-safe; one strand.
#ifndef WEIR_BROKER_SHARE_SHARE_TABLE_H_
#define WEIR_BROKER_SHARE_SHARE_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/runtime/internal_record.h"
#include "broker/share/delivery_window.h"
#include "broker/share/share_partition.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"
#include "storage/meta/state_store.h"

namespace weir {

struct ShareEntry {
  SharePartition partition;
  DeliveryWindow window;

  // Everything before it is known. What is settled need not be scanned.
  Offset scanned() const { return std::max(window.scanned, partition.start()); }
};

class ShareTable {
 public:
  // `shard`: the number of the internal partition.
  explicit ShareTable(PartitionIndex shard) : shard_(shard) {}

  // As StateMachine::Load and StateMachine::Replay.
  absl::Status Load(const StateStore& store);
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes);

  // By number.
  const absl::btree_map<int64_t, std::unique_ptr<ShareEntry>>& entries() const { return entries_; }
  // Null when there is none.
  ShareEntry* Find(const SharePartitionId& id) const;
  ShareEntry* Find(int64_t number) const;
  size_t size() const { return entries_.size(); }
  // Of the next share-partition.
  int64_t next_number() const { return next_number_; }

 private:
  absl::StatusOr<ShareEntry*> Require(int64_t number) const;
  absl::Status Add(SharePartition partition);
  absl::Status LoadKeys(const StateStore& store, ShareEntry* entry) const;
  static void OnUnparked(const ParkedJob& job, DeliveryWindow* window);
  // One for each kind of record.
  absl::Status ReplayOpened(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayRemoved(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayFinished(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayParked(absl::string_view payload, std::vector<StateChange>* changes);
  absl::Status ReplayStartMoved(absl::string_view payload, std::vector<StateChange>* changes);

  const PartitionIndex shard_;
  absl::btree_map<int64_t, std::unique_ptr<ShareEntry>> entries_;
  absl::flat_hash_map<SharePartitionId, ShareEntry*> by_id_;
  int64_t next_number_ = 1;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_TABLE_H_
