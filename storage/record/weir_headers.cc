#include "storage/record/weir_headers.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

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
