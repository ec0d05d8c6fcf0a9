#include "storage/meta/rocksdb_state_store.h"

#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <limits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/meta/rocksdb_database.h"

namespace weir {
namespace {

constexpr RocksDbWords kWords = {
    .name = "the state store",
    .if_damaged = "Nothing was changed. Check the disk.",
    .if_missing = "There was one, and it is gone.",
};

// By the number of the StateFamily. On disk: never renamed.
const std::vector<std::string>& FamilyNames() {
  static const auto* const names =
      new std::vector<std::string>{"applied", "groups", "offsets", "shares", "parked"};
  return *names;
}

rocksdb::Status SyncDirectory(rocksdb::Env* env, const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  const rocksdb::Status status = env->NewDirectory(path, &directory);
  return status.ok() ? directory->Fsync() : status;
}

class RocksDbStateStore : public StateStore {
 public:
  explicit RocksDbStateStore(std::unique_ptr<RocksDbDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const override {
    std::string value;
    WEIR_RETURN_IF_ERROR(
        ToStatus(db().Get(rocksdb::ReadOptions(), Family(family), ToSlice(key), &value),
                 absl::StrCat("reading from ", path())));
    return value;
  }

  absl::Status Scan(
      StateFamily family, absl::string_view start, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view, absl::string_view)> visit) const override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const rocksdb::Slice upper = ToSlice(end);
    if (!end.empty()) options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db().NewIterator(options, Family(family)));
    for (it->Seek(ToSlice(start)); it->Valid(); it->Next()) {
      if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()}))
        break;
    }
    return ToStatus(it->status(), absl::StrCat("reading from ", path()));
  }

  absl::Status Write(absl::Span<const StateChange> changes) override {
    WEIR_RETURN_IF_ERROR(CheckHealthy());
    rocksdb::WriteBatch batch;
    for (const StateChange& change : changes) {
      const rocksdb::Status status = AddTo(&batch, change);
      if (!status.ok()) return Failed(status, "writing to");
    }
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return Failed(db().Write(options, &batch), "writing to");
  }

  absl::Status Flush() override {
    WEIR_RETURN_IF_ERROR(CheckHealthy());
    return Failed(db().Flush(rocksdb::FlushOptions(), database_->families()), "flushing");
  }

  absl::Status Snapshot(const std::string& directory) override {
    WEIR_RETURN_IF_ERROR(Flush());
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(&db(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    // By itself it would flush without regard to the families' unity (RocksDB issue 11148). There
    // is no log to copy, but its size must not make it flush.
    if (status.ok())
      status = checkpoint->CreateCheckpoint(directory, std::numeric_limits<uint64_t>::max());
    // RocksDB does not look whether CURRENT could be written.
    if (status.ok()) status = db().GetEnv()->FileExists(JoinPath(directory, "CURRENT"));
    if (status.ok() && !SeededBug("snapshot-not-synced"))
      status = SyncDirectory(db().GetEnv(), ParentPath(directory));
    return Failed(status, absl::StrCat("making the snapshot ", directory, " of"));
  }

 private:
  const std::string& path() const { return database_->path(); }
  rocksdb::DB& db() const { return database_->db(); }
  rocksdb::ColumnFamilyHandle* Family(StateFamily family) const {
    return database_->family(static_cast<size_t>(family));
  }

  rocksdb::Status AddTo(rocksdb::WriteBatch* batch, const StateChange& change) const {
    rocksdb::ColumnFamilyHandle* const family = Family(change.family);
    if (!change.end.empty()) return batch->DeleteRange(family, change.key, change.end);
    return change.value.has_value() ? batch->Put(family, change.key, *change.value)
                                    : batch->Delete(family, change.key);
  }

  absl::Status CheckHealthy() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (failure_.ok()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("the state store takes no more writes until the broker is started again, "
                     "since one failed: ",
                     failure_.message()));
  }

  // Remembers the first failure: what RocksDB has in memory then need not be what gets to the disk.
  absl::Status Failed(const rocksdb::Status& status, absl::string_view doing)
      ABSL_LOCKS_EXCLUDED(mu_) {
    if (status.ok()) return absl::OkStatus();
    const absl::Status failure =
        ToStatus(status, absl::StrCat(doing, " ", path(),
                                      " (no more writes are taken until the broker is started "
                                      "again; what was not flushed comes back from the log)"));
    absl::MutexLock lock(&mu_);
    if (failure_.ok() && !SeededBug("forget-state-failure")) failure_ = failure;
    return failure;
  }

  const std::unique_ptr<RocksDbDatabase> database_;
  mutable absl::Mutex mu_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

rocksdb::Options Tuning() {
  rocksdb::Options options = SmallAndStrictOptions();
  options.atomic_flush = !SeededBug("no-atomic-flush");
  // One flush at a time, one compaction: with more, atomic flushes can be installed out of order
  // (RocksDB issue 11872).
  options.max_background_jobs = 2;
  // Of all families together.
  options.db_write_buffer_size = 8 * limits::kMiB;
  // What is not flushed comes back from the internal logs: a close leaves what a crash would.
  options.avoid_flush_during_shutdown = true;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 * limits::kMiB);
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenRocksDbStateStore(const RocksDbOptions& options) {
  WEIR_ASSIGN_OR_RETURN(
      std::unique_ptr<RocksDbDatabase> database,
      RocksDbDatabase::Open(options, kWords, Tuning(), FamilyNames(), MarkNeeded::kYes));
  WEIR_RETURN_IF_ERROR(ToStatus(database->db().VerifyFileChecksums(rocksdb::ReadOptions()),
                                absl::StrCat("reading ", options.path)));
  return std::make_unique<RocksDbStateStore>(std::move(database));
}

}  // namespace weir
