// FakeKvStore: a KvStore in memory that counts its writes and fails when told to. Shared by those
// who "reopen" it.
#ifndef WEIR_TESTS_UNIT_META_FAKE_KV_STORE_H_
#define WEIR_TESTS_UNIT_META_FAKE_KV_STORE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/meta/kv_store.h"

namespace weir {

// What the disk holds.
struct FakeKvDisk {
  absl::Mutex mu;
  std::map<std::string, std::string> entries ABSL_GUARDED_BY(mu);
  int writes ABSL_GUARDED_BY(mu) = 0;
  absl::Status failure ABSL_GUARDED_BY(mu);  // of every write from now on
  bool failed_write_lands ABSL_GUARDED_BY(mu) = false;

  int WriteCount() {
    absl::MutexLock lock(&mu);
    return writes;
  }
  void Fail(absl::Status status, bool lands) {
    absl::MutexLock lock(&mu);
    failure = std::move(status);
    failed_write_lands = lands;
  }
  void Repair() { Fail(absl::OkStatus(), false); }
};

class FakeKvStore : public KvStore {
 public:
  explicit FakeKvStore(std::shared_ptr<FakeKvDisk> disk) : disk_(std::move(disk)) {}

  absl::StatusOr<std::string> Get(absl::string_view key) const override {
    absl::MutexLock lock(&disk_->mu);
    const auto it = disk_->entries.find(std::string(key));
    if (it == disk_->entries.end()) return absl::NotFoundError("no such key");
    return it->second;
  }
  absl::StatusOr<std::vector<KvEntry>> Range(absl::string_view start, absl::string_view end,
                                             size_t limit) const override {
    absl::MutexLock lock(&disk_->mu);
    std::vector<KvEntry> found;
    for (auto it = disk_->entries.lower_bound(std::string(start)); it != disk_->entries.end();
         ++it) {
      if (found.size() == limit || (!end.empty() && it->first >= std::string(end))) break;
      found.push_back({it->first, it->second});
    }
    return found;
  }
  absl::Status Write(absl::Span<const KvChange> batch, WriteSync) override {
    absl::MutexLock lock(&disk_->mu);
    ++disk_->writes;
    if (!disk_->failure.ok() && !disk_->failed_write_lands) return disk_->failure;
    for (const KvChange& change : batch) {
      if (change.value.has_value()) {
        disk_->entries[change.key] = *change.value;
      } else {
        disk_->entries.erase(change.key);
      }
    }
    return disk_->failure;
  }

 private:
  const std::shared_ptr<FakeKvDisk> disk_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_META_FAKE_KV_STORE_H_
