// RecordView: one decoded record, borrowed from the batch it lies in. Immutable values, any thread,
// good as long as the bytes they borrow. A null key or value is not an empty one.
#ifndef WEIR_STORAGE_RECORD_RECORD_VIEW_H_
#define WEIR_STORAGE_RECORD_RECORD_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

struct HeaderView {
  absl::string_view key;
  std::optional<absl::string_view> value;

  bool operator==(const HeaderView&) const = default;
};

// A record's headers as they lie in the batch, decoded only when asked for. RecordReader has
// checked them.
class HeaderList {
 public:
  HeaderList() = default;
  // `encoded` holds exactly `count` well-formed headers.
  HeaderList(absl::string_view encoded, size_t count) : encoded_(encoded), count_(count) {}

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  // In their order in the record; keys may repeat.
  std::vector<HeaderView> Decode() const;

 private:
  absl::string_view encoded_;
  size_t count_ = 0;
};

struct RecordView {
  Offset offset;
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  HeaderList headers;
};

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_RECORD_VIEW_H_
