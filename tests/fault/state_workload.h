// StateWorkload: a fixed life of the state store on a simulated disk: writes to every family,
// flushes, snapshots, restarts. It notes what the store must hold after each write, what is
// flushed, and which snapshots were made. The ledger may be read from any thread, the rest is for
// one.
#ifndef WEIR_TESTS_FAULT_STATE_WORKLOAD_H_
#define WEIR_TESTS_FAULT_STATE_WORKLOAD_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/meta/rocksdb_state_store.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_file_system.h"

namespace weir {

using StateContent = std::map<std::pair<StateFamily, std::string>, std::string>;

inline constexpr StateFamily kStateFamilies[] = {StateFamily::kApplied, StateFamily::kGroups,
                                                 StateFamily::kOffsets};

// Everything that `store` holds.
inline absl::StatusOr<StateContent> ContentOf(const StateStore& store) {
  StateContent content;
  for (const StateFamily family : kStateFamilies) {
    const absl::Status status =
        store.Scan(family, "", "", [&](absl::string_view key, absl::string_view value) {
          content[{family, std::string(key)}] = std::string(value);
          return true;
        });
    if (!status.ok()) return status;
  }
  return content;
}

// An open store. Members are destroyed in the order that RocksDB needs.
class StateNode {
 public:
  static absl::StatusOr<std::unique_ptr<StateNode>> Open(SimFileSystem* fs, std::string path,
                                                         bool must_exist = false) {
    std::unique_ptr<StateNode> node(new StateNode(fs));
    absl::StatusOr<std::unique_ptr<StateStore>> store = OpenRocksDbStateStore(
        {.path = std::move(path), .env = node->rocks_.env(), .must_exist = must_exist});
    if (!store.ok()) return store.status();
    node->store_ = *std::move(store);
    return node;
  }
  StateStore& store() { return *store_; }

 private:
  explicit StateNode(SimFileSystem* fs) : rocks_(fs) {}

  RocksDbOnSim rocks_;
  std::unique_ptr<StateStore> store_;
};

class StateWorkload {
 public:
  static constexpr int kSteps = 40;
  static constexpr char kPath[] = "/state";

  // What the outside knows, as numbers of writes.
  struct Ledger {
    int begun = 0;                         // the store was asked for so many
    int flushed = 0;                       // so many are certainly durable
    std::map<std::string, int> snapshots;  // that were made, with what they hold

    bool operator==(const Ledger&) const = default;
  };

  explicit StateWorkload(SimFileSystem* fs) : fs_(fs) {}

  // What the store holds after so many writes.
  static StateContent ContentAfter(int writes) {
    StateContent content;
    for (int write = 1; write <= writes; ++write) {
      for (const StateChange& change : Changes(write)) {
        if (change.value.has_value()) {
          content[{change.family, change.key}] = *change.value;
        } else {
          content.erase({change.family, change.key});
        }
      }
    }
    return content;
  }
  // How many writes made `content`; -1 when it is not the state after any of the first `most`.
  static int WritesIn(const StateContent& content, int most) {
    int writes = 0;
    const auto applied = content.find({StateFamily::kApplied, "partition"});
    if (applied != content.end() && !absl::SimpleAtoi(applied->second, &writes)) return -1;
    return writes <= most && content == ContentAfter(writes) ? writes : -1;
  }

  // The steps from 1 on. Not to be called again after an error.
  absl::Status Step(int step) {
    if (step == 1) {
      if (absl::Status status = fs_->CreateDirectory("/snapshots"); !status.ok()) return status;
      if (absl::Status status = fs_->SyncDirectory("/"); !status.ok()) return status;
      return Restart();
    }
    if (step % 17 == 0) return Restart();
    if (step % 13 == 0) return Snapshot();
    if (step % 5 == 0) return Flush();
    return Write();
  }
  Ledger ledger() const {
    absl::MutexLock lock(&mu_);
    return ledger_;
  }
  StateStore* store() { return node_ == nullptr ? nullptr : &node_->store(); }

 private:
  static std::vector<StateChange> Changes(int write) {
    const std::string number = absl::StrCat(write);
    std::vector<StateChange> changes = {
        {StateFamily::kApplied, "partition", number},
        {StateFamily::kGroups, absl::StrCat("group ", write % 4), number},
        {StateFamily::kOffsets, absl::StrCat("offset ", number), std::string(200, 'o')}};
    if (write % 3 == 0)
      changes.push_back({StateFamily::kOffsets, absl::StrCat("offset ", write - 2), std::nullopt});
    // RocksDB's manifest says where tables begin and end: its records fill several sectors.
    changes.push_back({StateFamily::kGroups, std::string(700, 'g'), number});
    if (write == 9) changes.push_back({StateFamily::kGroups, "large", std::string(100'000, 'l')});
    return changes;
  }

  absl::Status Restart() {
    node_.reset();
    {
      absl::MutexLock lock(&mu_);
      ledger_.begun = ledger_.flushed;  // a close leaves what was flushed
    }
    absl::StatusOr<std::unique_ptr<StateNode>> node = StateNode::Open(fs_, kPath);
    if (!node.ok()) return node.status();
    node_ = *std::move(node);
    return absl::OkStatus();
  }
  absl::Status Write() {
    int write = 0;
    {
      absl::MutexLock lock(&mu_);
      write = ++ledger_.begun;
    }
    return node_->store().Write(Changes(write));
  }
  absl::Status Flush() {
    const absl::Status status = node_->store().Flush();
    if (status.ok()) {
      absl::MutexLock lock(&mu_);
      ledger_.flushed = ledger_.begun;
    }
    return status;
  }
  absl::Status Snapshot() {
    const std::string path = absl::StrCat("/snapshots/", ++snapshots_);
    const absl::Status status = node_->store().Snapshot(path);
    if (status.ok()) {
      absl::MutexLock lock(&mu_);
      ledger_.flushed = ledger_.begun;
      ledger_.snapshots[path] = ledger_.begun;
    }
    return status;
  }

  SimFileSystem* const fs_;
  int snapshots_ = 0;
  std::unique_ptr<StateNode> node_;
  mutable absl::Mutex mu_;
  Ledger ledger_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_STATE_WORKLOAD_H_
