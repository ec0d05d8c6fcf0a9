// The test's side of SimFileSystem: crashes, images, faults, damage and inspection.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tests/support/sim_file_system.h"

namespace weir {

void SimFileSystem::CrashAt(int64_t operation) {
  absl::MutexLock lock(&mu_);
  crash_at_ = operation;
}

void SimFileSystem::Crash() {
  absl::MutexLock lock(&mu_);
  crashed_ = true;
}

bool SimFileSystem::crashed() const {
  absl::MutexLock lock(&mu_);
  return crashed_;
}

std::unique_ptr<SimFileSystem> SimFileSystem::CrashImage(uint64_t seed, CrashMode mode) const {
  absl::MutexLock lock(&mu_);
  SimRandom random(seed);
  auto image = std::make_unique<SimFileSystem>(seed, clock_);
  absl::MutexLock image_lock(&image->mu_);
  image->tree_ = tree_.AfterCrash(mode, random);
  for (const auto& [path, id] : image->tree_.Files()) {
    std::shared_ptr<Node>& node = image->files_[id];
    if (node != nullptr) continue;  // another name of the same file
    const Node& old = *files_.at(id);
    node = std::make_shared<Node>();
    node->file = SimFile(old.file.AfterCrash(mode, random));
    node->modified = old.modified;
  }
  image->capacity_ = capacity_;
  image->cached_ = cached_;
  return image;
}

std::unique_ptr<SimFileSystem> SimFileSystem::Clone() const {
  absl::MutexLock lock(&mu_);
  auto clone = std::make_unique<SimFileSystem>(1, clock_);
  absl::MutexLock clone_lock(&clone->mu_);
  clone->random_ = random_;
  clone->tree_ = tree_;
  for (const auto& [id, node] : files_) {
    clone->files_[id] =
        std::make_shared<Node>(Node{.file = node->file, .modified = node->modified});
  }
  clone->capacity_ = capacity_;
  clone->cached_ = cached_;
  return clone;
}

int64_t SimFileSystem::operations() const {
  absl::MutexLock lock(&mu_);
  return operations_;
}

int64_t SimFileSystem::reads() const {
  absl::MutexLock lock(&mu_);
  return reads_;
}

void SimFileSystem::SetObserver(Observer observer) {
  absl::MutexLock lock(&mu_);
  observer_ = std::move(observer);
  const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return observing_ == 0; };
  mu_.Await(absl::Condition(&over));
}

std::string SimFileSystem::RecentOperations(size_t n) const {
  absl::MutexLock lock(&mu_);
  std::string text;
  for (size_t i = recent_.size() - std::min(n, recent_.size()); i < recent_.size(); ++i) {
    absl::StrAppend(&text, recent_[i].ToString(), "\n");
  }
  return text;
}

void SimFileSystem::FailOperation(int64_t number, Fault fault, Repeat repeat) {
  absl::MutexLock lock(&mu_);
  faults_.FailOperation(number, fault, repeat);
}

void SimFileSystem::FailRead(int64_t number, Fault fault, Repeat repeat) {
  absl::MutexLock lock(&mu_);
  faults_.FailRead(number, fault, repeat);
}

void SimFileSystem::FailNext(OperationKind kind, std::string path_part, Fault fault,
                             Repeat repeat) {
  absl::MutexLock lock(&mu_);
  faults_.FailNext(kind, std::move(path_part), fault, repeat);
}

void SimFileSystem::ClearFaults() {
  absl::MutexLock lock(&mu_);
  faults_.Clear();
}

void SimFileSystem::SetCapacity(int64_t bytes) {
  absl::MutexLock lock(&mu_);
  capacity_ = bytes;
}

void SimFileSystem::SetCached(bool cached) {
  absl::MutexLock lock(&mu_);
  cached_ = cached;
}

std::shared_ptr<SimFileSystem::Node> SimFileSystem::FileAt(const std::string& path) const {
  const absl::StatusOr<SimTree::NodeId> id = tree_.Find(path);
  WEIR_CHECK(id.ok() && !tree_.IsDirectory(*id));
  return files_.at(*id);
}

std::string SimFileSystem::ReadRaw(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const SimContent& content = FileAt(path)->file.content();
  std::string bytes(static_cast<size_t>(content.size()), '\0');
  content.Read(0, absl::MakeSpan(bytes));
  return bytes;
}

void SimFileSystem::WriteRaw(const std::string& path, absl::string_view content) {
  absl::MutexLock lock(&mu_);
  if (absl::IsNotFound(tree_.Find(path).status())) {
    const absl::StatusOr<SimTree::NodeId> id = tree_.CreateFile(path);
    WEIR_CHECK(id.ok());
    files_[*id] = std::make_shared<Node>();
    WEIR_CHECK(tree_.Sync(ParentPath(path)).ok());
  }
  SimContent on_disk;
  on_disk.Write(0, content);
  FileAt(path)->file = SimFile(std::move(on_disk));
}

void SimFileSystem::FlipBit(const std::string& path, int64_t bit) {
  std::string bytes = ReadRaw(path);
  char& byte = bytes.at(static_cast<size_t>(bit / 8));
  byte = static_cast<char>(byte ^ 1 << bit % 8);
  WriteRaw(path, bytes);
}

std::vector<std::string> SimFileSystem::AllFiles() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> paths;
  for (const auto& [path, id] : tree_.Files()) paths.push_back(path);
  return paths;
}

}  // namespace weir
