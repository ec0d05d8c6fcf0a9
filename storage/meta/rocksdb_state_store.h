// RocksDbStateStore: StateStore over RocksDB: a column family for each StateFamily, without
// RocksDB's write-ahead log, flushed together. Small however much it holds. Any thread.
//
// A snapshot is a database of its own: it is opened like one, best as a copy (state_snapshot.h).
#ifndef WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_
#define WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/meta/rocksdb_options.h"
#include "storage/meta/state_store.h"

namespace weir {

// Opens and reads every byte of the tables once, so that damage shows now and not when the state is
// in use. DATA_LOSS: something is missing or does not verify, the message names the file; nothing
// was changed. With options.must_exist an empty or missing directory is DATA_LOSS too. Any other
// error does not say that anything is damaged.
absl::StatusOr<std::unique_ptr<StateStore>> OpenRocksDbStateStore(const RocksDbOptions& options);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_STATE_STORE_H_
