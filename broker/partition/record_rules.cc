#include "broker/partition/record_rules.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

constexpr size_t kQuotedBytes = 100;  // of an offending key or value in a message

bool IsWeirs(absl::string_view key) { return absl::StartsWith(key, kWeirHeaderPrefix); }

absl::Status NotForClients(absl::string_view key) {
  return MakeError(
      Reason::kInvalidRequest,
      absl::StrCat("the record has a header '", absl::CHexEscape(key.substr(0, kQuotedBytes)),
                   "'; keys that begin with '", kWeirHeaderPrefix, "' are the broker's own"));
}

}  // namespace

absl::Status RecordRules::CheckHeaders(absl::Span<const HeaderView> headers) const {
  for (const HeaderView& header : headers) {
    if (!IsWeirs(header.key)) continue;
    if (header.key == kDeliverAtHeader) {
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("the record has a header '", kDeliverAtHeader,
                                    "'; set the field deliver_at_ms instead"));
    }
    return NotForClients(header.key);
  }
  return absl::OkStatus();
}

absl::Status RecordRules::CheckInBatch(const RecordView& record) const {
  if (record.headers.empty()) return absl::OkStatus();
  for (const HeaderView& header : record.headers.Decode()) {
    if (!IsWeirs(header.key)) continue;
    if (header.key != kDeliverAtHeader) return NotForClients(header.key);
    const std::optional<int64_t> time = DecodeHeaderNumber(header.value.value_or(""));
    if (!time.has_value()) {
      return MakeError(
          Reason::kInvalidRequest,
          absl::StrCat("the header '", kDeliverAtHeader, "' is '",
                       absl::CHexEscape(header.value.value_or("").substr(0, kQuotedBytes)),
                       "'; it must be a whole number of milliseconds since the epoch, 0 or more"));
    }
    WEIR_RETURN_IF_ERROR(delays.Check(*time));
  }
  return absl::OkStatus();
}

}  // namespace weir
