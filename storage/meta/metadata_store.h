// MetadataStore: the few, precious facts that everyone must agree on (topics, their configuration,
// producer-id blocks, partition state), as keys with revisions, changed by transactions that
// compare first. On one node it is LocalMetadataStore; in a cluster it will be etcd. The
// conformance tests say what both must do. No leases, no watches from the past.
#ifndef WEIR_STORAGE_META_METADATA_STORE_H_
#define WEIR_STORAGE_META_METADATA_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/base/types.h"

namespace weir {

// Grows by one with every transaction that changes something. 0: before the first, and of a key
// that does not exist.
using Revision = StrongNumber<struct RevisionTag, int64_t>;

struct MetadataEntry {
  std::string key;
  std::string value;
  Revision mod_revision;  // of the transaction that wrote it

  bool operator==(const MetadataEntry&) const = default;
};

// All changes are made, in one revision, if every compare holds; otherwise none. No key may be
// changed twice.
struct MetadataTxn {
  struct Compare {
    std::string key;
    Revision mod_revision;  // the key's must be this; 0: the key must not exist
  };
  struct Put {
    std::string key;
    std::string value;
  };
  std::vector<Compare> compares;
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // keys; one that does not exist is no change
};

struct MetadataTxnResult {
  bool succeeded = false;  // false: a compare did not hold, nothing was changed
  Revision revision;       // of the changes made, or the newest one
};

struct MetadataEvent {
  std::string key;
  std::optional<std::string> value;  // nothing: deleted
  Revision mod_revision;

  bool operator==(const MetadataEvent&) const = default;
};

// An active watch; destroying it ends it: afterwards its callback is not running and will not.
class MetadataWatch {
 public:
  virtual ~MetadataWatch() = default;
};

// Any thread. All calls may wait for a disk or a network: never make them where that must not
// happen.
class MetadataStore {
 public:
  // The changes of one transaction that the watch covers, puts in their order, then deletes.
  using WatchCallback = std::function<void(absl::Span<const MetadataEvent>)>;

  virtual ~MetadataStore() = default;

  // Durable when it returns OK. INVALID_ARGUMENT beyond limits::kMetadata... or for a key that is
  // changed twice; COMMIT_UNCERTAIN when the write failed: it may turn out made; LOG_DIR_FENCED:
  // nothing was done, because an earlier one failed.
  virtual absl::StatusOr<MetadataTxnResult> Txn(const MetadataTxn& txn) = 0;

  // NOT_FOUND when there is no such key.
  virtual absl::StatusOr<MetadataEntry> Get(absl::string_view key) = 0;

  // Up to `limit` entries whose key begins with `prefix` and is not less than `start`, in order of
  // the key's bytes, all from one instant. For the next page pass the last key and a zero byte as
  // `start`.
  virtual absl::StatusOr<std::vector<MetadataEntry>> Range(absl::string_view prefix, size_t limit,
                                                           absl::string_view start = {}) = 0;

  // Calls back for every later transaction that changes keys beginning with `prefix`: in order of
  // revision, one call at a time, after the change is durable. The callback must not call the store
  // and not destroy a watch. The store must outlive the watch.
  virtual std::unique_ptr<MetadataWatch> Watch(std::string prefix, WatchCallback callback) = 0;

  // The newest revision.
  virtual Revision revision() = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_METADATA_STORE_H_
