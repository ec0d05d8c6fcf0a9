#include "tests/support/sim_tree.h"

#include <errno.h>

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"

namespace weir {
namespace {

std::vector<absl::string_view> PartsOf(absl::string_view path) {
  std::vector<absl::string_view> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::erase(parts, ".");
  return parts;
}

}  // namespace

SimTree::SimTree() { directories_[kRoot]; }

absl::StatusOr<SimTree::NodeId> SimTree::Find(const std::string& path) const {
  NodeId node = kRoot;
  for (const absl::string_view part : PartsOf(path)) {
    if (!IsDirectory(node)) return absl::ErrnoToStatus(ENOTDIR, path);
    node = NodeAt({node, std::string(part)});
    if (node == 0) return absl::ErrnoToStatus(ENOENT, path);
  }
  return node;
}

absl::StatusOr<SimTree::Key> SimTree::FindKey(const std::string& path) const {
  const std::vector<absl::string_view> parts = PartsOf(path);
  if (parts.empty()) return absl::ErrnoToStatus(EBUSY, path);  // the root itself
  WEIR_ASSIGN_OR_RETURN(const NodeId parent, Find(std::string(path.data(), parts.back().data())));
  if (!IsDirectory(parent)) return absl::ErrnoToStatus(ENOTDIR, path);
  return Key(parent, parts.back());
}

SimTree::NodeId SimTree::NodeAt(const Key& key) const {
  const Entries& entries = directories_.at(key.first).seen;
  const auto found = entries.find(key.second);
  return found == entries.end() ? 0 : found->second;
}

absl::StatusOr<std::vector<std::string>> SimTree::List(const std::string& directory) const {
  WEIR_ASSIGN_OR_RETURN(const NodeId node, Find(directory));
  if (!IsDirectory(node)) return absl::ErrnoToStatus(ENOTDIR, directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : directories_.at(node).seen) names.push_back(name);
  return names;
}

absl::StatusOr<SimTree::NodeId> SimTree::CreateFile(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const Key key, FindKey(path));
  if (NodeAt(key) != 0) return absl::ErrnoToStatus(EEXIST, path);
  const NodeId node = next_node_++;
  Apply({{key, node}});
  return node;
}

absl::Status SimTree::CreateDirectory(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const NodeId node, CreateFile(path));
  directories_[node];
  return absl::OkStatus();
}

absl::Status SimTree::Remove(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const Key key, FindKey(path));
  const NodeId node = NodeAt(key);
  if (node == 0) return absl::ErrnoToStatus(ENOENT, path);
  if (IsDirectory(node) && !directories_.at(node).seen.empty())
    return absl::ErrnoToStatus(ENOTEMPTY, path);
  Apply({{key, 0}});
  return absl::OkStatus();
}

absl::Status SimTree::Rename(const std::string& from, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const Key from_key, FindKey(from));
  WEIR_ASSIGN_OR_RETURN(const Key to_key, FindKey(to));
  const NodeId node = NodeAt(from_key);
  if (node == 0) return absl::ErrnoToStatus(ENOENT, from);
  if (IsWithin(to_key.first, node)) return absl::ErrnoToStatus(EINVAL, to);
  const NodeId replaced = NodeAt(to_key);
  if (replaced == node) return absl::OkStatus();  // two names of one file: POSIX leaves both
  if (replaced != 0) WEIR_RETURN_IF_ERROR(CheckReplaces(node, replaced, to));
  Apply({{from_key, 0}, {to_key, node}});
  return absl::OkStatus();
}

absl::Status SimTree::CheckReplaces(NodeId from, NodeId to, const std::string& path) const {
  if (!IsDirectory(to))
    return IsDirectory(from) ? absl::ErrnoToStatus(ENOTDIR, path) : absl::OkStatus();
  if (!IsDirectory(from)) return absl::ErrnoToStatus(EISDIR, path);
  return directories_.at(to).seen.empty() ? absl::OkStatus() : absl::ErrnoToStatus(ENOTEMPTY, path);
}

bool SimTree::IsWithin(NodeId node, NodeId directory) const {
  if (node == directory) return true;
  if (!IsDirectory(directory)) return false;
  const Entries& entries = directories_.at(directory).seen;
  return std::any_of(entries.begin(), entries.end(),
                     [&](const auto& entry) { return IsWithin(node, entry.second); });
}

absl::Status SimTree::Link(const std::string& from, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const NodeId node, Find(from));
  if (IsDirectory(node)) return absl::ErrnoToStatus(EPERM, from);
  WEIR_ASSIGN_OR_RETURN(const Key key, FindKey(to));
  if (NodeAt(key) != 0) return absl::ErrnoToStatus(EEXIST, to);
  Apply({{key, node}});
  return absl::OkStatus();
}

void SimTree::Apply(Change change) {
  for (const auto& [key, node] : change) {
    Entries& entries = directories_.at(key.first).seen;
    if (node == 0) {
      entries.erase(key.second);
    } else {
      entries[key.second] = node;
    }
  }
  unsynced_.push_back(std::move(change));
}

void SimTree::ApplyOnDisk(const Change& change) {
  for (const auto& [key, node] : change) {
    Entries& entries = directories_.at(key.first).on_disk;
    if (node == 0) {
      entries.erase(key.second);
    } else {
      entries[key.second] = node;
    }
  }
}

std::vector<SimTree::Change> SimTree::TakeUnsynced(NodeId directory) {
  std::vector<Change> taken, left;
  std::set<Key> needed;  // whatever changed one of these before must be there too
  for (; !unsynced_.empty(); unsynced_.pop_back()) {
    Change& change = unsynced_.back();
    const bool take = std::any_of(change.begin(), change.end(), [&](const EntryChange& entry) {
      return entry.key.first == directory || needed.contains(entry.key);
    });
    if (take) {
      for (const EntryChange& entry : change) needed.insert(entry.key);
    }
    (take ? taken : left).push_back(std::move(change));
  }
  std::reverse(taken.begin(), taken.end());
  unsynced_.assign(left.rbegin(), left.rend());
  return taken;
}

absl::Status SimTree::Sync(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const NodeId node, Find(directory));
  if (!IsDirectory(node)) return absl::ErrnoToStatus(ENOTDIR, directory);
  for (const Change& change : TakeUnsynced(node)) ApplyOnDisk(change);
  return absl::OkStatus();
}

absl::Status SimTree::FailSync(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const NodeId node, Find(directory));
  TakeUnsynced(node);
  return absl::OkStatus();
}

void SimTree::SyncAll() {
  for (const Change& change : unsynced_) ApplyOnDisk(change);
  unsynced_.clear();
}

SimTree SimTree::AfterCrash(CrashMode mode, SimRandom& random) const {
  SimTree disk = *this;
  disk.unsynced_.clear();
  if (mode != CrashMode::kDropUnsynced) {
    const double bias = mode == CrashMode::kKeepAll ? 1 : random.Bias();
    std::set<Key> missing;  // a change of these is not there, so no later one can be
    for (const Change& change : unsynced_) {
      const bool possible =
          std::none_of(change.begin(), change.end(),
                       [&](const EntryChange& entry) { return missing.contains(entry.key); });
      if (possible && random.Chance(bias)) {
        disk.ApplyOnDisk(change);
      } else {
        for (const EntryChange& entry : change) missing.insert(entry.key);
      }
    }
  }
  // What cannot be reached from the root by entries on the disk is gone.
  std::map<NodeId, Directory> reached;
  const std::function<void(NodeId)> reach = [&](NodeId node) {
    const auto found = disk.directories_.find(node);
    if (found == disk.directories_.end() || reached.contains(node)) return;
    const Entries entries = found->second.on_disk;
    reached[node] = {entries, entries};
    for (const auto& [name, child] : entries) reach(child);
  };
  reach(kRoot);
  disk.directories_ = std::move(reached);
  return disk;
}

std::vector<std::pair<std::string, SimTree::NodeId>> SimTree::Files() const {
  std::vector<std::pair<std::string, NodeId>> files;
  const std::function<void(const std::string&, NodeId)> walk = [&](const std::string& path,
                                                                   NodeId node) {
    if (!IsDirectory(node)) {
      files.emplace_back(path, node);
      return;
    }
    for (const auto& [name, child] : directories_.at(node).seen)
      walk(absl::StrCat(path, "/", name), child);
  };
  walk("", kRoot);
  std::sort(files.begin(), files.end());
  return files;
}

std::set<SimTree::NodeId> SimTree::Prune() {
  std::set<NodeId> reached;
  const std::function<void(NodeId)> reach = [&](NodeId node) {
    if (!reached.insert(node).second) return;
    const auto found = directories_.find(node);
    if (found == directories_.end()) return;
    for (const auto& [name, child] : found->second.seen) reach(child);
    for (const auto& [name, child] : found->second.on_disk) reach(child);
  };
  reach(kRoot);
  for (const Change& change : unsynced_) {
    for (const auto& [key, node] : change) {
      reach(key.first);
      reach(node);
    }
  }
  std::erase_if(directories_,
                [&](const auto& directory) { return !reached.contains(directory.first); });
  return reached;
}

}  // namespace weir
