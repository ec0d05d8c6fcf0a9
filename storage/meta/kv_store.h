// KvStore: an ordered, durable map from bytes to bytes. Keys compare as unsigned bytes. It knows
// nothing of revisions or topics: that is MetadataStore's. The real one is RocksDB
// (rocksdb_kv_store.h).
#ifndef WEIR_STORAGE_META_KV_STORE_H_
#define WEIR_STORAGE_META_KV_STORE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

struct KvEntry {
  std::string key;
  std::string value;

  bool operator==(const KvEntry&) const = default;
};

// One change of a batch: a value for `key`, or nothing to remove it.
struct KvChange {
  std::string key;
  std::optional<std::string> value;
};

enum class WriteSync {
  kSync,    // on disk when Write returns
  kNoSync,  // a power cut may lose it, or leave holes that the next open refuses as damage: for
            // what can be rebuilt
};

// Any thread. All calls may wait for the disk.
class KvStore {
 public:
  virtual ~KvStore() = default;

  // NOT_FOUND when there is no such key.
  virtual absl::StatusOr<std::string> Get(absl::string_view key) const = 0;

  // Up to `limit` entries with start <= key < end, in order, all from one instant. An empty `end`
  // means to the last key.
  virtual absl::StatusOr<std::vector<KvEntry>> Range(absl::string_view start, absl::string_view end,
                                                     size_t limit) const = 0;

  // Applies all changes or none, in order. After an error the store takes no more writes until it
  // is opened again, when the batch may be found or not, whole in any case; until then it is not
  // seen.
  virtual absl::Status Write(absl::Span<const KvChange> batch, WriteSync sync) = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_KV_STORE_H_
