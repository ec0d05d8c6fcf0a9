// RocksDbDatabase: an open RocksDB of Weir's and what all of them have in common: options that keep
// it small and strict, what its files need before they are opened, statuses, advice. What is kept
// in it is its owner's. Only for storage/meta. Any thread.
#ifndef WEIR_STORAGE_META_ROCKSDB_DATABASE_H_
#define WEIR_STORAGE_META_ROCKSDB_DATABASE_H_

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/meta/rocksdb_options.h"
#include "storage/meta/rocksdb_repair.h"

namespace weir {

// How messages call a database, and what they advise.
struct RocksDbWords {
  absl::string_view name;        // "the metadata store"
  absl::string_view if_damaged;  // whole sentences
  absl::string_view if_missing;
};

class RocksDbDatabase {
 public:
  // Repairs and opens. `families`: its column families besides RocksDB's own "default", made when
  // missing. `tuning` is SmallAndStrictOptions() with what the owner has changed. DATA_LOSS:
  // damaged, the message names the file; nothing was changed. FAILED_PRECONDITION: a newer Weir
  // wrote it.
  static absl::StatusOr<std::unique_ptr<RocksDbDatabase>> Open(
      const RocksDbOptions& where, const RocksDbWords& words, rocksdb::Options tuning,
      const std::vector<std::string>& families, MarkNeeded mark);
  ~RocksDbDatabase();

  rocksdb::DB& db() { return *db_; }
  // In the order of `families`, from 0.
  rocksdb::ColumnFamilyHandle* family(size_t index) const { return handles_[index + 1]; }
  // `families`, for calls that take a vector.
  std::vector<rocksdb::ColumnFamilyHandle*> families() const {
    return {handles_.begin() + 1, handles_.end()};
  }
  const std::string& path() const { return path_; }

 private:
  explicit RocksDbDatabase(const RocksDbOptions& where);

  const std::string path_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // the first is of "default"
  std::unique_ptr<rocksdb::DB> db_;
};

// A few MiB of memory, a few dozen open files, no writing by itself after an error, nothing passed
// over that does not verify.
rocksdb::Options SmallAndStrictOptions();

rocksdb::Slice ToSlice(absl::string_view bytes);
// `doing` begins the message.
absl::Status ToStatus(const rocksdb::Status& status, absl::string_view doing);

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_DATABASE_H_
