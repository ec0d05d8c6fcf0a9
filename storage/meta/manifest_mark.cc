#include "storage/meta/manifest_mark.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/crc32c.h"

namespace weir {
namespace {

// The last line.
std::string CrcLine(absl::string_view text) {
  return absl::StrCat("crc ", absl::Hex(Crc32c(text), absl::kZeroPad8), "\n");
}

bool IsManifestName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kManifestPrefix) || name.empty()) return false;
  return std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
}

}  // namespace

std::string EncodeManifestMark(const ManifestMark& mark) {
  std::string text;
  for (const auto& [name, size] : mark) absl::StrAppend(&text, name, " ", size, "\n");
  return absl::StrCat(text, CrcLine(text));
}

std::optional<ManifestMark> DecodeManifestMark(absl::string_view bytes) {
  const size_t crc_bytes = CrcLine("").size();
  if (bytes.size() < crc_bytes) return std::nullopt;
  const absl::string_view text = bytes.substr(0, bytes.size() - crc_bytes);
  if (bytes.substr(text.size()) != CrcLine(text)) return std::nullopt;
  ManifestMark mark;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    uint64_t size = 0;
    if (parts.size() != 2 || !IsManifestName(parts[0]) || !absl::SimpleAtoi(parts[1], &size))
      return std::nullopt;
    mark[parts[0]] = size;
  }
  return mark;
}

std::optional<std::string> CurrentManifest(absl::string_view current) {
  if (!absl::ConsumeSuffix(&current, "\n") || !IsManifestName(current)) return std::nullopt;
  return std::string(current);
}

}  // namespace weir
