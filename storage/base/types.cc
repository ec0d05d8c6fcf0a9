#include "storage/base/types.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weir {

std::string TopicId::ToString() const {
  const std::string hex = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  const absl::string_view h = hex;
  return absl::StrCat(h.substr(0, 8), "-", h.substr(8, 4), "-", h.substr(12, 4), "-",
                      h.substr(16, 4), "-", h.substr(20));
}

std::optional<TopicId> TopicId::Parse(absl::string_view text) {
  if (text.size() != 36) return std::nullopt;
  TopicId id;
  size_t at = 0;
  int high = -1;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    int digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return std::nullopt;
    }
    if (high < 0) {
      high = digit;
    } else {
      id.bytes[at++] = static_cast<uint8_t>(high << 4 | digit);
      high = -1;
    }
  }
  return id;
}

}  // namespace weir
