// RocksDbKvStore: KvStore over RocksDB, made for small, precious data: every write goes through its
// log, memory stays at a few MiB, and anything that does not verify stops the open instead of being
// forgotten. Any thread.
#ifndef WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_
#define WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/meta/kv_store.h"
#include "storage/meta/rocksdb_options.h"

namespace weir {

// Recovers and opens. A log whose last write is torn opens without that write; damage in front of
// it is DATA_LOSS, and the files stay as they are. Messages name the directory and what to do.
absl::StatusOr<std::unique_ptr<KvStore>> OpenRocksDbKvStore(const RocksDbOptions& options);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_KV_STORE_H_
