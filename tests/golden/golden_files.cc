#include "tests/golden/golden_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

bool IsHex(absl::string_view digits) {
  return digits.size() % 2 == 0 && std::all_of(digits.begin(), digits.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

// One group of digits, or a run.
bool ParseGroup(absl::string_view group, std::string* bytes) {
  const size_t star = group.find('*');
  const absl::string_view digits = group.substr(0, star);
  if (!IsHex(digits)) return false;
  if (star == absl::string_view::npos) {
    bytes->append(absl::HexStringToBytes(digits));
    return true;
  }
  int64_t count = 0;
  if (digits.size() != 2 || !absl::SimpleAtoi(group.substr(star + 1), &count) || count < 1 ||
      count > limits::kMiB) {
    return false;
  }
  bytes->append(static_cast<size_t>(count), absl::HexStringToBytes(digits)[0]);
  return true;
}

}  // namespace

std::string GoldenPath(absl::string_view name) { return JoinPath(WEIR_GOLDEN_DIR, name); }

std::string GoldenFile(absl::string_view name) {
  std::ifstream file(GoldenPath(name), std::ios::binary);
  WEIR_CHECK(file.is_open());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> GoldenFilesIn(absl::string_view directory) {
  const std::filesystem::path root = GoldenPath(directory);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(root).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void PlaceGoldenFiles(absl::string_view directory, SimFileSystem* disk, const std::string& to) {
  for (const std::string& name : GoldenFilesIn(directory)) {
    const std::string path = JoinPath(to, name);
    WEIR_CHECK(CreateDirectories(*disk, ParentPath(path)).ok());
    disk->WriteRaw(path, GoldenFile(JoinPath(directory, name)));
  }
}

std::optional<std::string> ParseHex(absl::string_view text) {
  std::string bytes;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = line.substr(0, line.find('#'));
    for (const absl::string_view group : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      if (!ParseGroup(group, &bytes)) return std::nullopt;
    }
  }
  return bytes;
}

std::optional<std::vector<std::pair<std::string, std::string>>> ParseHexPairs(
    absl::string_view text) {
  constexpr absl::string_view kEquals = " = ";
  std::vector<std::pair<std::string, std::string>> pairs;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t equals = line.find(kEquals);
    if (!line.empty() && line.front() != ' ' && line.front() != '#') {
      if (equals == absl::string_view::npos) return std::nullopt;
      pairs.emplace_back(line.substr(0, equals), "");
      line.remove_prefix(equals + kEquals.size());
    }
    const std::optional<std::string> bytes = ParseHex(line);
    if (!bytes || (pairs.empty() && !bytes->empty())) return std::nullopt;
    if (!pairs.empty()) pairs.back().second += *bytes;
  }
  return pairs;
}

}  // namespace weir
