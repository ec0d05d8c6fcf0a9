#include "tests/support/sim_file_system.h"

#include <errno.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr size_t kRecentOperations = 256;
constexpr int64_t kUnlimitedDisk = int64_t{1} << 40;  // what Space() says without a capacity

absl::Status Failed(int error, const Operation& operation) {
  return absl::ErrnoToStatus(error, absl::StrCat(NameOf(operation.kind), " ", operation.path));
}

// The error of SimTree, with the operation that met it.
absl::Status Describe(const Operation& operation, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(NameOf(operation.kind), " ", status.message()));
}

}  // namespace

// One operation from its beginning to its end: counts it, lets the observer look, holds mu_ while
// it runs, and knows whether it shall fail.
class ABSL_SCOPED_LOCKABLE SimFileSystem::Running {
 public:
  Running(SimFileSystem* fs, Operation operation) ABSL_EXCLUSIVE_LOCK_FUNCTION(fs->mu_)
      : fs_(*fs), operation_(std::move(operation)) {
    fs_.mu_.Lock();
    Begin();
    if (fs_.crashed_ || fs_.observer_ == nullptr || IsRead(operation_.kind)) return;
    const Observer observer = fs_.observer_;
    ++fs_.observing_;
    fs_.mu_.Unlock();
    observer(operation_);
    fs_.mu_.Lock();
    --fs_.observing_;
  }
  ~Running() ABSL_UNLOCK_FUNCTION() { fs_.mu_.Unlock(); }

  // How this operation fails before it has any effect; OK when it shall not.
  absl::Status status() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (fs_.crashed_)
      return absl::UnavailableError(absl::StrCat("crashed before ", operation_.ToString()));
    if (!fault_.has_value()) return absl::OkStatus();
    return Failed(*fault_ == Fault::kNoSpace ? ENOSPC : EIO, operation_);
  }
  // A failed sync loses what it was to bring to the disk. (A crash leaves that to the image.)
  bool loses_unsynced() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return fault_.has_value() && !fs_.crashed_;
  }
  bool is_short_write() const { return loses_unsynced() && *fault_ == Fault::kShortWrite; }
  const Operation& operation() const { return operation_; }

 private:
  void Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(fs_.mu_) {
    const bool is_read = IsRead(operation_.kind);
    if (!is_read && fs_.operations_ + 1 == fs_.crash_at_) fs_.crashed_ = true;
    if (fs_.crashed_) return;
    operation_.number = ++(is_read ? fs_.reads_ : fs_.operations_);
    fault_ = fs_.faults_.Decide(operation_);
    fs_.recent_.push_back(operation_);
    if (fs_.recent_.size() > kRecentOperations) fs_.recent_.pop_front();
  }

  SimFileSystem& fs_;
  Operation operation_;
  std::optional<Fault> fault_;
};

class SimFileSystem::Handle : public File {
 public:
  Handle(SimFileSystem* fs, std::string path, std::shared_ptr<Node> node, bool writable)
      : fs_(fs), path_(std::move(path)), node_(std::move(node)), writable_(writable) {}

  absl::StatusOr<size_t> ReadAt(FilePosition position, absl::Span<char> to) override {
    return Read(OperationKind::kRead, position, to);
  }

  absl::StatusOr<size_t> ReadCachedAt(FilePosition position, absl::Span<char> to) override {
    return Read(OperationKind::kReadCached, position, to);
  }

  absl::Status WriteAt(FilePosition position, absl::Span<const absl::string_view> parts) override {
    std::string bytes;
    for (const absl::string_view part : parts) absl::StrAppend(&bytes, part);
    Running running(fs_, {.kind = OperationKind::kWrite,
                          .path = path_,
                          .position = position.value(),
                          .length = static_cast<int64_t>(bytes.size())});
    if (!writable_) return Failed(EBADF, running.operation());
    if (position.value() < 0) return Failed(EINVAL, running.operation());
    return fs_->Write(*node_, std::move(bytes), running);
  }

  absl::Status Sync() override {
    Running running(fs_, {.kind = OperationKind::kSync, .path = path_});
    if (running.loses_unsynced()) node_->file.FailSync();
    WEIR_RETURN_IF_ERROR(running.status());
    node_->file.Sync();
    return absl::OkStatus();
  }

  // The simulated kernel writes back whatever it likes at any time, and never drops a page.
  void StartWriteback(FilePosition, int64_t) override {}
  void DropCached(FilePosition, int64_t) override {}

  absl::Status Truncate(FilePosition size) override {
    Running running(fs_,
                    {.kind = OperationKind::kTruncate, .path = path_, .position = size.value()});
    WEIR_RETURN_IF_ERROR(running.status());
    if (!writable_ || size.value() < 0) return Failed(EINVAL, running.operation());
    node_->file.Truncate(size.value());
    node_->modified = fs_->Now();
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Size() override {
    Running running(fs_, {.kind = OperationKind::kStat, .path = path_});
    WEIR_RETURN_IF_ERROR(running.status());
    return node_->file.content().size();
  }

 private:
  absl::StatusOr<size_t> Read(OperationKind kind, FilePosition position, absl::Span<char> to) {
    Running running(fs_, {.kind = kind,
                          .path = path_,
                          .position = position.value(),
                          .length = static_cast<int64_t>(to.size())});
    WEIR_RETURN_IF_ERROR(running.status());
    if (position.value() < 0) return Failed(EINVAL, running.operation());
    if (kind == OperationKind::kReadCached && !fs_->cached_) {
      return absl::UnavailableError(absl::StrCat("not in memory: ", path_));
    }
    return node_->file.content().Read(position.value(), to);
  }

  SimFileSystem* const fs_;
  const std::string path_;
  const std::shared_ptr<Node> node_;
  const bool writable_;
};

class SimFileSystem::HeldLock : public FileLock {
 public:
  HeldLock(SimFileSystem* fs, std::shared_ptr<Node> node) : fs_(fs), node_(std::move(node)) {}
  ~HeldLock() override {
    absl::MutexLock lock(&fs_->mu_);
    node_->locked = false;
  }

 private:
  SimFileSystem* const fs_;
  const std::shared_ptr<Node> node_;
};

SimFileSystem::SimFileSystem(uint64_t seed, const Clock* clock) : clock_(clock), random_(seed) {}
SimFileSystem::~SimFileSystem() = default;

absl::StatusOr<std::unique_ptr<File>> SimFileSystem::Open(const std::string& path, OpenMode mode) {
  const bool may_create = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
  bool creates;
  {
    absl::MutexLock lock(&mu_);
    creates = may_create && absl::IsNotFound(tree_.Find(path).status());
  }
  Running running(this,
                  {.kind = creates ? OperationKind::kCreate : OperationKind::kOpen, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  const absl::StatusOr<SimTree::NodeId> found = tree_.Find(path);
  std::shared_ptr<Node> node;
  if (found.ok()) {
    if (mode == OpenMode::kCreateNew) return Failed(EEXIST, running.operation());
    if (tree_.IsDirectory(*found)) return Failed(EISDIR, running.operation());
    node = files_.at(*found);
  } else {
    if (!may_create || !absl::IsNotFound(found.status()))
      return Describe(running.operation(), found.status());
    WEIR_ASSIGN_OR_RETURN(node, CreateNode(path, running));
  }
  return std::make_unique<Handle>(this, path, std::move(node), mode != OpenMode::kRead);
}

absl::StatusOr<FileInfo> SimFileSystem::Stat(const std::string& path) {
  Running running(this, {.kind = OperationKind::kStat, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  const absl::StatusOr<SimTree::NodeId> found = tree_.Find(path);
  if (!found.ok()) return Describe(running.operation(), found.status());
  if (tree_.IsDirectory(*found))
    return FileInfo{.is_directory = true, .modified = absl::UnixEpoch()};
  const Node& node = *files_.at(*found);
  return FileInfo{.size = node.file.content().size(), .modified = node.modified};
}

absl::StatusOr<std::vector<std::string>> SimFileSystem::List(const std::string& directory) {
  Running running(this, {.kind = OperationKind::kList, .path = directory});
  WEIR_RETURN_IF_ERROR(running.status());
  absl::StatusOr<std::vector<std::string>> names = tree_.List(directory);
  if (!names.ok()) return Describe(running.operation(), names.status());
  return names;
}

absl::Status SimFileSystem::CreateDirectory(const std::string& path) {
  Running running(this, {.kind = OperationKind::kCreateDirectory, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  const absl::StatusOr<SimTree::NodeId> found = tree_.Find(path);
  if (found.ok() && tree_.IsDirectory(*found)) return absl::OkStatus();
  return Describe(running.operation(), tree_.CreateDirectory(path));
}

absl::Status SimFileSystem::Remove(const std::string& path) {
  Running running(this, {.kind = OperationKind::kRemove, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  return Describe(running.operation(), tree_.Remove(path));
}

absl::Status SimFileSystem::Rename(const std::string& from, const std::string& to) {
  Running running(this, {.kind = OperationKind::kRename, .path = absl::StrCat(from, " to ", to)});
  WEIR_RETURN_IF_ERROR(running.status());
  return Describe(running.operation(), tree_.Rename(from, to));
}

absl::Status SimFileSystem::Link(const std::string& from, const std::string& to) {
  Running running(this, {.kind = OperationKind::kLink, .path = absl::StrCat(from, " to ", to)});
  WEIR_RETURN_IF_ERROR(running.status());
  return Describe(running.operation(), tree_.Link(from, to));
}

absl::Status SimFileSystem::SyncDirectory(const std::string& directory) {
  Running running(this, {.kind = OperationKind::kSyncDirectory, .path = directory});
  if (running.loses_unsynced()) tree_.FailSync(directory).IgnoreError();
  WEIR_RETURN_IF_ERROR(running.status());
  DropUnreachable();
  return Describe(running.operation(), tree_.Sync(directory));
}

absl::Status SimFileSystem::SyncAll(const std::string& path) {
  Running running(this, {.kind = OperationKind::kSyncAll, .path = path});
  if (running.loses_unsynced()) {
    for (const auto& [id, node] : files_) node->file.FailSync();
    tree_.FailSyncAll();
  }
  WEIR_RETURN_IF_ERROR(running.status());
  WEIR_RETURN_IF_ERROR(Describe(running.operation(), tree_.Find(path).status()));
  for (const auto& [id, node] : files_) node->file.Sync();
  tree_.SyncAll();
  DropUnreachable();
  return absl::OkStatus();
}

absl::StatusOr<DiskSpace> SimFileSystem::Space(const std::string& path) {
  Running running(this, {.kind = OperationKind::kSpace, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  WEIR_RETURN_IF_ERROR(Describe(running.operation(), tree_.Find(path).status()));
  const int64_t total = capacity_.value_or(kUnlimitedDisk);
  return DiskSpace{.free_bytes = std::max<int64_t>(total - UsedBytes(), 0), .total_bytes = total};
}

absl::StatusOr<std::unique_ptr<FileLock>> SimFileSystem::Lock(const std::string& path,
                                                              absl::string_view owner) {
  Running running(this, {.kind = OperationKind::kLock, .path = path});
  WEIR_RETURN_IF_ERROR(running.status());
  std::shared_ptr<Node> node;
  if (const auto found = tree_.Find(path); !found.ok()) {
    WEIR_ASSIGN_OR_RETURN(node, CreateNode(path, running));
  } else if (tree_.IsDirectory(*found)) {
    return Failed(EISDIR, running.operation());
  } else {
    node = files_.at(*found);
  }
  if (node->locked) {
    std::string holder(static_cast<size_t>(node->file.content().size()), '\0');
    node->file.content().Read(0, absl::MakeSpan(holder));
    return absl::AlreadyExistsError(absl::StrCat("lock ", path, ": held by \"", holder, "\""));
  }
  node->locked = true;
  node->file.Truncate(0);
  node->file.Write(0, std::string(owner));
  return std::make_unique<HeldLock>(this, std::move(node));
}

absl::StatusOr<std::shared_ptr<SimFileSystem::Node>> SimFileSystem::CreateNode(
    const std::string& path, const Running& running) {
  const absl::StatusOr<SimTree::NodeId> id = tree_.CreateFile(path);
  if (!id.ok()) return Describe(running.operation(), id.status());
  auto node = std::make_shared<Node>();
  node->modified = Now();
  files_[*id] = node;
  return node;
}

absl::Status SimFileSystem::Write(Node& node, std::string bytes, Running& running) {
  const int64_t position = running.operation().position;
  const int64_t length = running.operation().length;
  absl::Status status = running.status();
  int64_t stored = status.ok() ? length : 0;
  if (running.is_short_write() && length > 0) stored = static_cast<int64_t>(random_.Below(length));
  if (const int64_t fits = Fitting(node, position, stored); fits < stored) {
    stored = fits;
    if (status.ok()) status = Failed(ENOSPC, running.operation());
  }
  bytes.resize(static_cast<size_t>(stored));
  if (stored > 0) node.modified = Now();
  node.file.Write(position, std::move(bytes));
  return status;
}

int64_t SimFileSystem::Fitting(const Node& node, int64_t position, int64_t length) const {
  if (!capacity_.has_value()) return length;
  int64_t free_blocks = (*capacity_ - UsedBytes()) / SimContent::kBlock;
  const SimContent& content = node.file.content();
  int64_t at = position;
  while (at < position + length) {
    const int64_t next =
        std::min((at / SimContent::kBlock + 1) * SimContent::kBlock, position + length);
    free_blocks -= content.MissingBlocks(at, next - at);
    if (free_blocks < 0) break;
    at = next;
  }
  return at - position;
}

int64_t SimFileSystem::UsedBytes() const {
  std::set<SimTree::NodeId> counted;
  int64_t blocks = 0;
  for (const auto& [path, id] : tree_.Files()) {
    if (counted.insert(id).second) blocks += files_.at(id)->file.content().allocated_blocks();
  }
  return blocks * SimContent::kBlock;
}

void SimFileSystem::DropUnreachable() {
  if (files_.size() < drop_unreachable_at_) return;
  const std::set<SimTree::NodeId> reachable = tree_.Prune();
  std::erase_if(files_, [&](const auto& file) { return !reachable.contains(file.first); });
  drop_unreachable_at_ = 2 * files_.size() + 64;
}

}  // namespace weir
