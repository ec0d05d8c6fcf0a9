// StateSnapshot: how a snapshot of the state store becomes a store again without being changed. A
// database that is opened writes into its directory, so what is opened is a copy. Any thread.
#ifndef WEIR_STORAGE_META_STATE_SNAPSHOT_H_
#define WEIR_STORAGE_META_STATE_SNAPSHOT_H_

#include <string>

#include "absl/status/status.h"
#include "storage/base/file_system.h"

namespace weir {

// Makes the directory `to`, which must not exist, from the one that StateStore::Snapshot made: the
// tables, which never change, are linked, the few small files beside them copied. What is in `to`
// is durable then, its name is not. It is not looked into: the open tells whether it is good.
// NOT_FOUND when there is no such snapshot; after an error `to` may be there, half made.
absl::Status CopyStateSnapshot(FileSystem& fs, const std::string& snapshot, const std::string& to);

}  // namespace weir

#endif  // WEIR_STORAGE_META_STATE_SNAPSHOT_H_
