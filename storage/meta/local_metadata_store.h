// LocalMetadataStore: MetadataStore of a single node, over a KvStore. One transaction at a time;
// watches run in this process, on the thread of the transaction. Any thread, guarded by mu_.
//
// In the KvStore: "r" -> the newest revision, i64; "k" + key -> mod revision i64, then the value.
// Little-endian.
#ifndef WEIR_STORAGE_META_LOCAL_METADATA_STORE_H_
#define WEIR_STORAGE_META_LOCAL_METADATA_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/meta/kv_store.h"
#include "storage/meta/metadata_store.h"

namespace weir {

class LocalMetadataStore : public MetadataStore {
 public:
  // `on_failure` is called once, with the cause, when a write fails; from then on every transaction
  // is refused. What the failed one did shows only at the next start, so the process must end soon.
  // Writes once, so that room for later changes is taken on the disk now (see RocksDbKvStore).
  static absl::StatusOr<std::unique_ptr<LocalMetadataStore>> Open(
      std::unique_ptr<KvStore> store, std::function<void(const absl::Status&)> on_failure);

  // Every transaction from now on is refused with `reason`; nothing is written for it.
  void RefuseChanges(absl::Status reason) ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<MetadataTxnResult> Txn(const MetadataTxn& txn) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<MetadataEntry> Get(absl::string_view key) override;
  absl::StatusOr<std::vector<MetadataEntry>> Range(absl::string_view prefix, size_t limit,
                                                   absl::string_view start = {}) override;
  std::unique_ptr<MetadataWatch> Watch(std::string prefix, WatchCallback callback) override
      ABSL_LOCKS_EXCLUDED(mu_);
  Revision revision() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Watcher {
    std::string prefix;
    WatchCallback callback;
  };
  class LocalWatch;

  LocalMetadataStore(std::unique_ptr<KvStore> store,
                     std::function<void(const absl::Status&)> on_failure, Revision revision)
      : store_(std::move(store)), on_failure_(std::move(on_failure)), revision_(revision) {}

  // Compares, writes and tells the watchers. An error of the write itself is stored in failure_.
  absl::StatusOr<MetadataTxnResult> TxnLocked(const MetadataTxn& txn)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // 0 when the key does not exist.
  absl::StatusOr<Revision> ModRevision(absl::string_view key);
  void Notify(absl::Span<const MetadataEvent> events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::unique_ptr<KvStore> store_;
  const std::function<void(const absl::Status&)> on_failure_;
  absl::Mutex mu_;  // held while a transaction waits for the disk
  Revision revision_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, Watcher> watchers_ ABSL_GUARDED_BY(mu_);
  int64_t next_watcher_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_LOCAL_METADATA_STORE_H_
