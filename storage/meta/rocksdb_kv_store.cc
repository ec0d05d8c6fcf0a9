#include "storage/meta/rocksdb_kv_store.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/meta/rocksdb_database.h"

namespace weir {
namespace {

constexpr RocksDbWords kWords = {
    .name = "the metadata store",
    .if_damaged =
        "Nothing was changed. Check the disk, and restore this directory from a copy; starting "
        "without it would forget topics whose records are still there.",
    .if_missing =
        "This data directory had one: restore it from a copy; starting without it would forget "
        "every topic.",
};

class RocksDbKvStore : public KvStore {
 public:
  explicit RocksDbKvStore(std::unique_ptr<RocksDbDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<std::string> Get(absl::string_view key) const override {
    std::string value;
    WEIR_RETURN_IF_ERROR(ToStatus(db().Get(rocksdb::ReadOptions(), ToSlice(key), &value),
                                  absl::StrCat("reading from ", path())));
    return value;
  }

  absl::StatusOr<std::vector<KvEntry>> Range(absl::string_view start, absl::string_view end,
                                             size_t limit) const override {
    rocksdb::ReadOptions options;
    const rocksdb::Slice upper = ToSlice(end);
    if (!end.empty()) options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db().NewIterator(options));
    std::vector<KvEntry> entries;
    for (it->Seek(ToSlice(start)); it->Valid() && entries.size() < limit; it->Next()) {
      entries.push_back({it->key().ToString(), it->value().ToString()});
    }
    WEIR_RETURN_IF_ERROR(ToStatus(it->status(), absl::StrCat("reading from ", path())));
    return entries;
  }

  absl::Status Write(absl::Span<const KvChange> batch, WriteSync sync) override {
    rocksdb::WriteBatch changes;
    for (const KvChange& change : batch) {
      if (change.value.has_value()) {
        changes.Put(change.key, *change.value);
      } else {
        changes.Delete(change.key);
      }
    }
    rocksdb::WriteOptions options;
    options.sync = sync == WriteSync::kSync;
    if (failed_.load())
      return absl::FailedPreconditionError(absl::StrCat("an earlier write to ", path(), " failed"));
    const rocksdb::Status status = db().Write(options, &changes);
    if (!status.ok()) failed_.store(true);
    return ToStatus(status, absl::StrCat("writing to ", path()));
  }

 private:
  const std::string& path() const { return database_->path(); }
  rocksdb::DB& db() const { return database_->db(); }

  const std::unique_ptr<RocksDbDatabase> database_;
  std::atomic<bool> failed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<KvStore>> OpenRocksDbKvStore(const RocksDbOptions& options) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<RocksDbDatabase> database,
                        RocksDbDatabase::Open(options, kWords, SmallAndStrictOptions(),
                                              /*families=*/{}, MarkNeeded::kNo));
  return std::make_unique<RocksDbKvStore>(std::move(database));
}

}  // namespace weir
