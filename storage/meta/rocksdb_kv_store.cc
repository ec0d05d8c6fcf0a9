#include "storage/meta/rocksdb_kv_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"
#include "storage/meta/wal_repair.h"

namespace weir {
namespace {

rocksdb::Slice ToSlice(absl::string_view bytes) {
  return rocksdb::Slice(bytes.data(), bytes.size());
}

absl::Status ToStatus(const rocksdb::Status& status, absl::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = absl::StrCat(doing, ": ", status.ToString());
  if (status.IsNotFound()) return absl::NotFoundError(text);
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::InternalError(text);
}

// RocksDB's own log is not kept: its writer aborts the process when the disk is full (Debian builds
// it with assertions on), and what went wrong comes back as a Status anyway.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// By itself RocksDB would poll a full disk and resume writing. It cannot be trusted to: its
// assertions do not hold when a log that failed is touched again. A failed store is closed and
// opened instead.
class NoPolling : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

// RocksDB names a new manifest in the directory and then renames CURRENT to point to it, with no
// flush of the directory in between. POSIX lets a power cut keep the second and lose the first;
// then nothing could be opened any more.
class OrderedRenames : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "weir-ordered-renames"; }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    rocksdb::IOStatus status = target()->NewDirectory(ParentPath(to), options, &directory, debug);
    if (status.ok()) status = directory->Fsync(options, debug);
    if (status.ok()) status = target()->RenameFile(from, to, options, debug);
    return status;
  }
};

class RocksDbKvStore : public KvStore {
 public:
  RocksDbKvStore(std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
                 std::string path)
      : path_(std::move(path)), env_(std::move(env)), db_(std::move(db)) {}

  absl::StatusOr<std::string> Get(absl::string_view key) const override {
    std::string value;
    WEIR_RETURN_IF_ERROR(ToStatus(db_->Get(rocksdb::ReadOptions(), ToSlice(key), &value),
                                  absl::StrCat("reading from ", path_)));
    return value;
  }

  absl::StatusOr<std::vector<KvEntry>> Range(absl::string_view start, absl::string_view end,
                                             size_t limit) const override {
    rocksdb::ReadOptions options;
    const rocksdb::Slice upper = ToSlice(end);
    if (!end.empty()) options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    std::vector<KvEntry> entries;
    for (it->Seek(ToSlice(start)); it->Valid() && entries.size() < limit; it->Next()) {
      entries.push_back({it->key().ToString(), it->value().ToString()});
    }
    WEIR_RETURN_IF_ERROR(ToStatus(it->status(), absl::StrCat("reading from ", path_)));
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
      return absl::FailedPreconditionError(absl::StrCat("an earlier write to ", path_, " failed"));
    const rocksdb::Status status = db_->Write(options, &changes);
    if (!status.ok()) failed_.store(true);
    return ToStatus(status, absl::StrCat("writing to ", path_));
  }

 private:
  const std::string path_;
  const std::unique_ptr<rocksdb::Env> env_;
  const std::unique_ptr<rocksdb::DB> db_;
  std::atomic<bool> failed_ = false;
};

rocksdb::Options SmallAndStrict(const RocksDbOptions& wanted, rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = !wanted.must_exist;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Also the size up to which a log file's space is taken in advance, by the first write: from then
  // on so much can be written although the disk is full.
  options.write_buffer_size = 4 * limits::kMiB;
  options.max_write_buffer_number = 2;
  options.max_open_files = 64;
  options.max_manifest_file_size = 4 * limits::kMiB;
  options.manifest_preallocation_size = 64 * limits::kKiB;
  options.info_log = std::make_shared<NoLog>();
  options.listeners = {std::make_shared<NoPolling>()};
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 * limits::kMiB);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// RocksDB makes its directory without making the name durable: after a power cut everything written
// there could be gone.
rocksdb::Status MakeDirectory(rocksdb::Env* env, const std::string& path) {
  if (const rocksdb::Status status = env->CreateDirIfMissing(path); !status.ok()) return status;
  std::unique_ptr<rocksdb::Directory> parent;
  if (const rocksdb::Status status = env->NewDirectory(ParentPath(path), &parent); !status.ok())
    return status;
  return parent->Fsync();
}

absl::Status OpenError(const rocksdb::Status& status, const std::string& path) {
  const std::string what = status.ToString();
  absl::string_view advice = "The log of the broker's machine may say more; nothing was changed.";
  if (status.IsCorruption()) {
    advice =
        "Nothing was changed. Check the disk, and restore this directory from a copy; starting "
        "without it would forget "
        "topics whose records are still there.";
  } else if (status.IsNoSpace()) {
    advice = "Free some space on this disk and start again.";
  } else if (absl::StrContains(what, "lock ")) {
    advice = "Another process has it open: stop that one, or use another data directory.";
  } else if (absl::StrContains(what, "Permission denied")) {
    advice = "Give the broker's user read and write access to it.";
  } else if (status.IsInvalidArgument() && absl::StrContains(what, "create_if_missing")) {
    advice =
        "This data directory had one: restore it from a copy; starting without it would forget "
        "every topic.";
  }
  return ToStatus(status,
                  absl::StrCat("cannot open the metadata store in ", path, " (", advice, ")"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<KvStore>> OpenRocksDbKvStore(const RocksDbOptions& wanted) {
  const rocksdb::Env* const below = wanted.env != nullptr ? wanted.env : rocksdb::Env::Default();
  std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(std::make_shared<OrderedRenames>(below->GetFileSystem()));
  rocksdb::Options options = SmallAndStrict(wanted, env.get());
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  if (!wanted.must_exist) status = MakeDirectory(env.get(), wanted.path);
  if (status.ok()) status = RepairWal(env.get(), wanted.path);
  if (status.ok()) status = rocksdb::DB::Open(options, wanted.path, &db);
  if (!status.ok()) return OpenError(status, wanted.path);
  return std::make_unique<RocksDbKvStore>(std::move(env), std::unique_ptr<rocksdb::DB>(db),
                                          wanted.path);
}

}  // namespace weir
