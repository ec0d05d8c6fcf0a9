#include "tests/support/script_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"

namespace weir {
namespace {

std::string Difference(absl::string_view expected, absl::string_view happened) {
  const std::vector<std::string> a = absl::StrSplit(expected, '\n');
  const std::vector<std::string> b = absl::StrSplit(happened, '\n');
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line = at_a - a.begin();
  const auto context = std::max<ptrdiff_t>(line - 6, 0);
  const auto upto = [&](const std::vector<std::string>& lines) {
    const auto end = std::min<ptrdiff_t>(line + 8, static_cast<ptrdiff_t>(lines.size()));
    return absl::StrJoin(lines.begin() + line, lines.begin() + end, "\n");
  };
  return absl::StrCat("line ", line + 1, ":\n",
                      absl::StrJoin(a.begin() + context, a.begin() + line, "\n"),
                      "\n--- the script says\n", upto(a), "\n--- what happened\n", upto(b));
}

}  // namespace

std::vector<std::string> ScriptNames(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string PlayScript(const std::string& directory, const std::string& name,
                       absl::FunctionRef<std::string(absl::string_view script)> play) {
  std::ifstream file(absl::StrCat(directory, "/", name, ".txt"));
  WEIR_CHECK(file.is_open());
  const std::string script(std::istreambuf_iterator<char>(file), {});
  const absl::string_view expected = absl::StripTrailingAsciiWhitespace(script);
  const std::string played = play(expected);
  const absl::string_view happened = absl::StripTrailingAsciiWhitespace(played);
  return happened == expected ? "" : Difference(expected, happened);
}

}  // namespace weir
