// SimFileSystem: a FileSystem in memory that counts operations, fails them on demand, and gives the
// disk that a crash would leave. What a crash may do is written where it is done: sim_file.h for
// bytes and sizes, sim_tree.h for names; how operations fail is in fault_plan.h. The same calls and
// seeds give the same disk.
//
// Any thread; guarded by mu_. Files and locks taken from it must not outlive it.
#ifndef WEIR_TESTS_SUPPORT_SIM_FILE_SYSTEM_H_
#define WEIR_TESTS_SUPPORT_SIM_FILE_SYSTEM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "tests/support/fault_plan.h"
#include "tests/support/sim_file.h"
#include "tests/support/sim_random.h"
#include "tests/support/sim_tree.h"

namespace weir {

class SimFileSystem : public FileSystem {
 public:
  // `seed`: where short writes stop. `clock` gives the files' times and outlives the object;
  // without one they stand still.
  explicit SimFileSystem(uint64_t seed = 1, const Clock* clock = nullptr);
  ~SimFileSystem() override;

  // ---- What the program under test sees. Operations that came before the crash and could not
  // finish had no effect.
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::Status SyncDirectory(const std::string& directory) override;
  absl::Status SyncAll(const std::string& path) override;
  absl::StatusOr<DiskSpace> Space(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                 absl::string_view owner) override;

  // ---- Crashes. From the crash on every operation, reads too, fails with UNAVAILABLE "crashed"
  // and does nothing. Before the operation of this number (operations() + 1 is the next one).
  void CrashAt(int64_t operation) ABSL_LOCKS_EXCLUDED(mu_);
  void Crash() ABSL_LOCKS_EXCLUDED(mu_);
  bool crashed() const ABSL_LOCKS_EXCLUDED(mu_);
  // A new disk as power loss at this moment leaves it: without locks, faults or a crash point,
  // counting from 0. This one, crashed or not, stays as it is, so one run can give many images.
  // Cheap: bytes are shared.
  std::unique_ptr<SimFileSystem> CrashImage(uint64_t seed, CrashMode mode) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The same for kill -9: all effects stand, and what was not synced still is not.
  std::unique_ptr<SimFileSystem> Clone() const ABSL_LOCKS_EXCLUDED(mu_);

  // ---- Counting and watching.
  // Operations that change the disk, and reads, so far; failed ones count, those after the crash do
  // not.
  int64_t operations() const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t reads() const ABSL_LOCKS_EXCLUDED(mu_);
  // Called before every operation that is no read, on the thread that asked for it, outside mu_: it
  // may take images. When it is replaced, by whoever is not in it, no call of the old one goes on.
  using Observer = std::function<void(const Operation&)>;
  void SetObserver(Observer observer) ABSL_LOCKS_EXCLUDED(mu_);
  // The last operations, at most `n` of the newest 256, reads too, one a line, for failure
  // messages.
  std::string RecentOperations(size_t n = 20) const ABSL_LOCKS_EXCLUDED(mu_);

  // ---- Failing operations: see FaultPlan.
  void FailOperation(int64_t number, Fault fault, Repeat repeat) ABSL_LOCKS_EXCLUDED(mu_);
  void FailRead(int64_t number, Fault fault, Repeat repeat) ABSL_LOCKS_EXCLUDED(mu_);
  void FailNext(OperationKind kind, std::string path_part, Fault fault, Repeat repeat)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ClearFaults() ABSL_LOCKS_EXCLUDED(mu_);
  // How many bytes, in blocks of 4 KiB, the files may hold (no limit at first). A write that needs
  // more stores what fits and fails with RESOURCE_EXHAUSTED; overwriting needs none.
  void SetCapacity(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // False: ReadCachedAt always answers UNAVAILABLE.
  void SetCached(bool cached) ABSL_LOCKS_EXCLUDED(mu_);

  // ---- Damage and inspection: not counted, never failing, also after the crash; what is written
  // is on the disk. The file must exist (WriteRaw makes it in an existing directory).
  std::string ReadRaw(const std::string& path) const ABSL_LOCKS_EXCLUDED(mu_);
  void WriteRaw(const std::string& path, absl::string_view content) ABSL_LOCKS_EXCLUDED(mu_);
  // Bit 0 is the lowest of the first byte; `bit` lies within the file.
  void FlipBit(const std::string& path, int64_t bit) ABSL_LOCKS_EXCLUDED(mu_);
  // Paths of all files, sorted, beginning with '/'.
  std::vector<std::string> AllFiles() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Handle;
  class HeldLock;
  class Running;
  struct Node {  // guarded by mu_, also where a Handle holds it
    SimFile file;
    absl::Time modified;
    bool locked = false;
  };

  absl::Time Now() const { return clock_ == nullptr ? absl::UnixEpoch() : clock_->Now(); }
  absl::StatusOr<std::shared_ptr<Node>> CreateNode(const std::string& path, const Running& running)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<Node> FileAt(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t UsedBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The longest prefix of a write that fits the capacity.
  int64_t Fitting(const Node& node, int64_t position, int64_t length) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Stores what the running operation asks for, or the part of it that its failure leaves.
  absl::Status Write(Node& node, std::string bytes, Running& running)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropUnreachable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock* const clock_;
  mutable absl::Mutex mu_;
  SimRandom random_ ABSL_GUARDED_BY(mu_);
  SimTree tree_ ABSL_GUARDED_BY(mu_);
  std::map<SimTree::NodeId, std::shared_ptr<Node>> files_ ABSL_GUARDED_BY(mu_);
  size_t drop_unreachable_at_ ABSL_GUARDED_BY(mu_) =
      64;  // files_, when they are next looked through

  bool crashed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t crash_at_ ABSL_GUARDED_BY(mu_) = 0;  // 0: never
  int64_t operations_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t reads_ ABSL_GUARDED_BY(mu_) = 0;
  Observer observer_ ABSL_GUARDED_BY(mu_);
  int observing_ ABSL_GUARDED_BY(mu_) = 0;  // calls of observers under way
  std::deque<Operation> recent_ ABSL_GUARDED_BY(mu_);
  FaultPlan faults_ ABSL_GUARDED_BY(mu_);
  std::optional<int64_t> capacity_ ABSL_GUARDED_BY(mu_);
  bool cached_ ABSL_GUARDED_BY(mu_) = true;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_FILE_SYSTEM_H_
