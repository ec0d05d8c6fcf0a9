// SimTree: the names of the simulated disk: directories and their entries, as programs see them and
// as they are on the disk. It knows nothing of what is in the files (that is SimFile). Not
// thread-safe; copies are independent.
//
// The fault model of names:
// - Creating, removing, renaming or linking changes entries in memory. Only Sync of the directory
// (or SyncAll) brings them to
//   the disk; a sync of the file itself does not, as POSIX has it. Real ext4 is kinder; nobody
//   should need that.
// - Power loss leaves any subset of the unsynced changes: they vanish or come in another order. One
// change is atomic: a rename
//   has happened or not, also across directories. Changes of one name in one directory come in
//   their order.
// - A file whose last name is not on the disk is gone, and so is what was in a directory whose own
// name is not there.
// - A failed sync of a directory (FailSync) drops its unsynced changes: they are seen, but never
// get to the disk.
#ifndef WEIR_TESTS_SUPPORT_SIM_TREE_H_
#define WEIR_TESTS_SUPPORT_SIM_TREE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/support/sim_file.h"
#include "tests/support/sim_random.h"

namespace weir {

class SimTree {
 public:
  using NodeId = int64_t;  // a file or directory, whatever its names
  static constexpr NodeId kRoot = 1;

  SimTree();

  // Paths: names between '/', from the root whether or not they begin with one; "." and empty parts
  // mean nothing. Errors are those of the system call of the same purpose. The node may be a file
  // or a directory.
  absl::StatusOr<NodeId> Find(const std::string& path) const;
  bool IsDirectory(NodeId node) const { return directories_.contains(node); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) const;

  absl::StatusOr<NodeId> CreateFile(const std::string& path);
  absl::Status CreateDirectory(const std::string& path);  // ALREADY_EXISTS also for a directory
  absl::Status Remove(const std::string& path);
  absl::Status Rename(const std::string& from, const std::string& to);
  absl::Status Link(const std::string& from, const std::string& to);

  absl::Status Sync(const std::string& directory);
  absl::Status FailSync(const std::string& directory);
  void SyncAll();
  void FailSyncAll() { unsynced_.clear(); }

  // The tree when the power goes now. Nodes keep their ids.
  SimTree AfterCrash(CrashMode mode, SimRandom& random) const;

  // Every file that has a name now, with one path per name, in order of path.
  std::vector<std::pair<std::string, NodeId>> Files() const;
  // Forgets directories that can never be reached again. Returns every node that can: by a name in
  // memory or on the disk.
  std::set<NodeId> Prune();

 private:
  using Entries = std::map<std::string, NodeId>;
  struct Directory {
    Entries seen;
    Entries on_disk;
  };
  using Key = std::pair<NodeId, std::string>;  // a name in a directory
  struct EntryChange {
    Key key;
    NodeId node = 0;  // 0: the entry goes
  };
  using Change = std::vector<EntryChange>;  // happens as a whole

  absl::StatusOr<Key> FindKey(
      const std::string& path) const;   // its directory exists; the entry need not
  NodeId NodeAt(const Key& key) const;  // 0 when there is none
  absl::Status CheckReplaces(NodeId from, NodeId to, const std::string& path) const;
  bool IsWithin(NodeId node, NodeId directory) const;
  void Apply(Change change);
  void ApplyOnDisk(const Change& change);
  // Takes the unsynced changes of `directory` out, with all that they depend on.
  std::vector<Change> TakeUnsynced(NodeId directory);

  std::map<NodeId, Directory> directories_;
  std::vector<Change> unsynced_;  // oldest first
  NodeId next_node_ = kRoot + 1;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_TREE_H_
