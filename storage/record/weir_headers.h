// The headers whose keys begin with "weir-": what Weir itself says of a record. Of clients only
// their library writes one, the time of delivery. Pure functions, any thread.
#ifndef WEIR_STORAGE_RECORD_WEIR_HEADERS_H_
#define WEIR_STORAGE_RECORD_WEIR_HEADERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/record/record_view.h"

namespace weir {

inline constexpr absl::string_view kWeirHeaderPrefix = "weir-";

// When share groups hand the record out, in milliseconds since the epoch, as text.
inline constexpr absl::string_view kDeliverAtHeader = "weir-deliver-at";

// 0 or more, in decimal digits and nothing else; nothing for any other text.
std::optional<int64_t> DecodeHeaderNumber(absl::string_view text);

// The record's time of delivery. Nothing: it has none, or one that is no time. The first counts.
std::optional<int64_t> DeliverAtMs(absl::Span<const HeaderView> headers);

// Whether a topic that is set so (retention_ms negative: for ever) takes a record with the time:
// INVALID_REQUEST with the value and what is allowed.
struct DelayRules {
  bool delayed_delivery = false;
  int64_t retention_ms = -1;
  int64_t now_ms = 0;

  absl::Status Check(int64_t deliver_at_ms) const;
};

// A record's headers as they are stored: with the time of delivery, if there is one, behind them.
// Borrows `headers`.
class StoredHeaders {
 public:
  StoredHeaders(absl::Span<const HeaderView> headers, std::optional<int64_t> deliver_at_ms);
  StoredHeaders(const StoredHeaders&) = delete;
  StoredHeaders& operator=(const StoredHeaders&) = delete;

  absl::Span<const HeaderView> view() const { return headers_; }

 private:
  std::string time_;
  std::vector<HeaderView> with_time_;
  absl::Span<const HeaderView> headers_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_WEIR_HEADERS_H_
