// WalRepair: makes RocksDB's write-ahead log, after a crash, one that RocksDB reads right. It cuts
// a torn end off the newest file, which RocksDB would take for damage when there is a hole in it,
// and refuses damage that RocksDB would take for the end (see wal_check.h). Only for storage/meta.
// One call at a time for a directory.
#ifndef WEIR_STORAGE_META_WAL_REPAIR_H_
#define WEIR_STORAGE_META_WAL_REPAIR_H_

#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <string>

namespace weir {

// Before the database in `directory` is opened; holds its lock meanwhile. OK when there is none.
// Corruption names the damaged file, and nothing was changed. Idempotent.
rocksdb::Status RepairWal(rocksdb::Env* env, const std::string& directory);

}  // namespace weir

#endif  // WEIR_STORAGE_META_WAL_REPAIR_H_
