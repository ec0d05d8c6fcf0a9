// RocksDbKvStore: KvStore over RocksDB, made for small, precious data: every write goes through its
// log, memory stays at a few MiB, and anything that does not verify stops the open instead of being
// forgotten. Any thread.
#ifndef WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_
#define WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/meta/kv_store.h"

namespace rocksdb {
class Env;
}

namespace weir {

struct RocksDbOptions {
  std::string path;             // a directory of its own; made when missing, its parent must exist
  rocksdb::Env* env = nullptr;  // null: the machine's. Borrowed, must outlive the store
  // Refuse to open when there is no database in `path`: for a data directory that had one, its
  // absence is damage.
  bool must_exist = false;
};

// Recovers and opens. A log whose last write is torn opens without that write; damage in front of
// it is DATA_LOSS, and the files stay as they are. Messages name the directory and what to do.
absl::StatusOr<std::unique_ptr<KvStore>> OpenRocksDbKvStore(const RocksDbOptions& options);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_
