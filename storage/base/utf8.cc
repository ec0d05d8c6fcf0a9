#include "storage/base/utf8.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weir {

size_t Utf8SequenceLength(absl::string_view text) {
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto between = [&](size_t i, unsigned low, unsigned high) {
    return at(i) >= low && at(i) <= high;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return between(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return between(1, low, high) && between(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return between(1, low, high) && between(2, 0x80, 0xbf) && between(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t n = Utf8SequenceLength(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string WellFormedUtf8(absl::string_view text, size_t most) {
  static constexpr absl::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const absl::string_view character = length == 0 ? kReplacement : text.substr(0, length);
    if (out.size() + character.size() > most) break;
    out.append(character.data(), character.size());
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

absl::string_view FirstCharacter(absl::string_view text) {
  return text.substr(0, std::max<size_t>(Utf8SequenceLength(text), 1));
}

std::string ReadableText(absl::string_view text, size_t most) {
  const std::string well_formed = WellFormedUtf8(text, most);
  std::string readable;
  for (absl::string_view rest = well_formed; !rest.empty();) {
    const absl::string_view character = FirstCharacter(rest);
    // ASCII, and the control characters behind it: U+0080 to U+009F.
    const bool escaped = character.size() == 1 ||
                         (character[0] == '\xc2' && character < absl::string_view("\xc2\xa0"));
    absl::StrAppend(&readable, escaped ? absl::CEscape(character) : std::string(character));
    rest.remove_prefix(character.size());
  }
  return readable;
}

}  // namespace weir
