#include "storage/record/weir_headers.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

std::optional<int64_t> DecodeHeaderNumber(absl::string_view text) {
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front())))
    return std::nullopt;
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::optional<int64_t> DeliverAtMs(absl::Span<const HeaderView> headers) {
  const auto found = std::find_if(headers.begin(), headers.end(), [](const HeaderView& header) {
    return header.key == kDeliverAtHeader;
  });
  if (found == headers.end() || !found->value.has_value()) return std::nullopt;
  return DecodeHeaderNumber(*found->value);
}

absl::Status DelayRules::Check(int64_t deliver_at_ms) const {
  std::string wrong;
  const int64_t ahead = std::max<int64_t>(deliver_at_ms, 0) - now_ms;
  if (deliver_at_ms < 0) {
    wrong = "; it must be 0 or more";
  } else if (!delayed_delivery) {
    wrong = ", and the topic takes no delays: its delayed.delivery is false";
  } else if (retention_ms >= 0 && ahead > retention_ms) {
    wrong = absl::StrCat(", ", ahead, " ms from now; the topic keeps records for ", retention_ms,
                         " ms (retention.ms)");
  } else {
    return absl::OkStatus();
  }
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("deliver_at_ms is ", deliver_at_ms, wrong));
}

StoredHeaders::StoredHeaders(absl::Span<const HeaderView> headers,
                             std::optional<int64_t> deliver_at_ms)
    : headers_(headers) {
  if (!deliver_at_ms.has_value()) return;
  time_ = absl::StrCat(*deliver_at_ms);
  with_time_.reserve(headers.size() + 1);
  with_time_.assign(headers.begin(), headers.end());
  with_time_.push_back({.key = kDeliverAtHeader, .value = time_});
  headers_ = with_time_;
}

}  // namespace weir
