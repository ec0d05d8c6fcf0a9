#include "storage/record/weir_headers.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "absl/strings/ascii.h"

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

}  // namespace weir
