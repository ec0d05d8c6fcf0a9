// RocksDbStateStore: StateStore over RocksDB, one column family each, without RocksDB's write-ahead
// log (the internal logs are that) and flushed in all families at once. Any thread.
#ifndef WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_
#define WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/base/limits.h"
#include "storage/meta/state_store.h"

namespace rocksdb {
class Env;
}

namespace weir {

struct StateStoreOptions {
  std::string path;             // a directory of its own; made when missing, its parent must exist
  rocksdb::Env* env = nullptr;  // null: the machine's. Borrowed, must outlive the store
  // Refuse to open (NOT_FOUND) when there is no database in `path`, instead of making an empty one.
  bool must_exist = false;
  int64_t memory_bytes = 32 * limits::kMiB;  // of unflushed changes, all families together
};

// DATA_LOSS when the files do not verify; nothing was changed. The message names the directory.
absl::StatusOr<std::unique_ptr<StateStore>> OpenRocksDbStateStore(const StateStoreOptions& options);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_
