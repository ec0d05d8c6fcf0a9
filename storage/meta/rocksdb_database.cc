#include "storage/meta/rocksdb_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"
#include "storage/meta/rocksdb_files.h"

namespace weir {
namespace {

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

// The environment `below`, with RocksDbFiles in front of its files.
class GuardedEnv : public rocksdb::EnvWrapper {
 public:
  explicit GuardedEnv(rocksdb::Env* below)
      : GuardedEnv(below, std::make_shared<RocksDbFiles>(below->GetFileSystem())) {}

 private:
  GuardedEnv(rocksdb::Env* below, const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = below->GetSystemClock();
  }
};

// RocksDB makes its directory without making the name durable: after a power cut everything written
// there could be gone.
rocksdb::Status MakeDirectory(rocksdb::Env* env, const std::string& path) {
  if (const rocksdb::Status status = env->CreateDirIfMissing(path); !status.ok()) return status;
  std::unique_ptr<rocksdb::Directory> parent;
  if (const rocksdb::Status status = env->NewDirectory(ParentPath(path), &parent); !status.ok())
    return status;
  return parent->Fsync();
}

// The tables that cannot be read: RocksDB does not always name them, and blames the manifest.
std::string DamagedTables(const rocksdb::Options& tuning, const std::string& path) {
  std::vector<std::string> names;
  if (!tuning.env->GetChildren(path, &names).ok()) return "";
  std::string damaged;
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".sst")) continue;
    rocksdb::SstFileReader reader(tuning);
    rocksdb::Status status = reader.Open(JoinPath(path, name));
    if (status.ok()) status = reader.VerifyChecksum();
    if (!status.ok()) absl::StrAppend(&damaged, "; damaged: ", JoinPath(path, name));
  }
  return damaged;
}

absl::Status OpenError(const rocksdb::Status& status, const rocksdb::Options& tuning,
                       const std::string& path, const RocksDbWords& words) {
  const std::string what = status.ToString();
  absl::string_view advice = "The log of the broker's machine may say more; nothing was changed.";
  if (status.IsCorruption()) {
    return absl::DataLossError(absl::StrCat("cannot open ", words.name, " in ", path, " (",
                                            words.if_damaged, "): ", what,
                                            DamagedTables(tuning, path)));
  }
  if (status.IsNoSpace()) {
    advice = "Free some space on this disk and start again.";
  } else if (absl::StrContains(what, "lock ")) {
    advice = "Another process has it open: stop that one, or use another data directory.";
  } else if (absl::StrContains(what, "Permission denied")) {
    advice = "Give the broker's user read and write access to it.";
  } else if (status.IsInvalidArgument() && absl::StrContains(what, "create_if_missing")) {
    return absl::DataLossError(absl::StrCat("there is no database of ", words.name, " in ", path,
                                            " (", words.if_missing, "): ", what));
  } else if (status.IsInvalidArgument() && absl::StrContains(what, "Column families not opened")) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot open ", words.name, " in ", path,
                     " (A newer version of Weir wrote it: start that one.): ", what));
  }
  return ToStatus(status,
                  absl::StrCat("cannot open ", words.name, " in ", path, " (", advice, ")"));
}

}  // namespace

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

rocksdb::Options SmallAndStrictOptions() {
  rocksdb::Options options;
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

RocksDbDatabase::RocksDbDatabase(const RocksDbOptions& where)
    : path_(where.path),
      env_(std::make_unique<GuardedEnv>(where.env != nullptr ? where.env
                                                             : rocksdb::Env::Default())) {}

RocksDbDatabase::~RocksDbDatabase() {
  for (rocksdb::ColumnFamilyHandle* const handle : handles_) db_->DestroyColumnFamilyHandle(handle);
}

absl::StatusOr<std::unique_ptr<RocksDbDatabase>> RocksDbDatabase::Open(
    const RocksDbOptions& where, const RocksDbWords& words, rocksdb::Options tuning,
    const std::vector<std::string>& families, MarkNeeded mark) {
  std::unique_ptr<RocksDbDatabase> database(new RocksDbDatabase(where));
  rocksdb::Env* const env = database->env_.get();
  tuning.env = env;
  tuning.create_if_missing = !where.must_exist;
  tuning.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, tuning}};
  for (const std::string& family : families) descriptors.emplace_back(family, tuning);
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  if (!where.must_exist) status = MakeDirectory(env, where.path);
  if (status.ok()) status = RepairRocksDb(env, where.path, mark);
  if (status.ok())
    status = rocksdb::DB::Open(tuning, where.path, descriptors, &database->handles_, &db);
  if (!status.ok()) return OpenError(status, tuning, where.path, words);
  database->db_.reset(db);
  return database;
}

}  // namespace weir
