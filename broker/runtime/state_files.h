// StateFiles: where the state store of the internal partitions and its snapshots lie in a data
// directory, and the moves between them, each of which a crash leaves done or not done:
//
//   state/                        the store
//   state-snapshot/0000000007/    a snapshot, by its number; the higher the newer
//   state-snapshot/*.tmp          what is not finished
//   state-damaged-1/              a store that was put aside
//
// It decides nothing: which of them is used is state_recovery.h's. One thread at a time.
#ifndef WEIR_BROKER_RUNTIME_STATE_FILES_H_
#define WEIR_BROKER_RUNTIME_STATE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/meta/rocksdb_options.h"
#include "storage/meta/state_store.h"

namespace weir {

class StateFiles {
 public:
  // `data_directory` exists. `env`: where RocksDB finds the same files; null: on the machine. Both
  // outlive this and every store that was opened.
  StateFiles(FileSystem* fs, std::string data_directory, rocksdb::Env* env = nullptr);

  // Before everything else: makes state-snapshot/ and removes what is not finished.
  absl::Status Prepare();

  absl::StatusOr<bool> HasStore() const;
  // The numbers of the snapshots, oldest first.
  absl::StatusOr<std::vector<int64_t>> Snapshots() const;

  // DATA_LOSS: missing or damaged; see OpenRocksDbStateStore.
  absl::StatusOr<std::unique_ptr<StateStore>> OpenStore() const;
  // A copy of a snapshot, or an empty store, in a place of its own that the next call of either and
  // the next start remove. Close it before AdoptCopy().
  absl::StatusOr<std::unique_ptr<StateStore>> OpenCopy(int64_t snapshot) const;
  absl::StatusOr<std::unique_ptr<StateStore>> OpenEmpty() const;
  // The copy becomes the store. There is none yet.
  absl::Status AdoptCopy() const;
  // Of a copy that is of no use.
  absl::Status RemoveCopy() const;

  // Moves the store out of the way, and returns where to.
  absl::StatusOr<std::string> PutStoreAside() const;
  absl::Status RemoveSnapshot(int64_t snapshot) const;

  std::string StorePath() const;
  std::string SnapshotPath(int64_t snapshot) const;

 private:
  std::string CopyPath() const;

  FileSystem& fs_;
  const std::string data_directory_;
  const std::string snapshots_;
  rocksdb::Env* const env_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_FILES_H_
