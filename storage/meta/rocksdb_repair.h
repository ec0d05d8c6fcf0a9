// RocksDbRepair: makes RocksDB's files, after a crash, ones that RocksDB reads right. It cuts the
// torn end off the newest write-ahead log and off the manifest in use, which RocksDB would take for
// damage when there is a hole in it, and refuses damage that RocksDB would take for the end (see
// wal_check.h, manifest_mark.h) or pass over. Only for storage/meta. One call at a time for a
// directory.
#ifndef WEIR_STORAGE_META_ROCKSDB_REPAIR_H_
#define WEIR_STORAGE_META_ROCKSDB_REPAIR_H_

#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <string>

namespace weir {

enum class MarkNeeded {
  kYes,
  kNo,  // databases of before there were marks have none
};

// Before the database in `directory` is opened; holds its lock meanwhile. OK when there is none.
// Corruption names the damaged file, and nothing was changed. Idempotent.
rocksdb::Status RepairRocksDb(rocksdb::Env* env, const std::string& directory, MarkNeeded mark);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_REPAIR_H_
