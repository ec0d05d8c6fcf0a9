#include "tests/support/script_words.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"

namespace weir {

int64_t Number(absl::string_view text) {
  int64_t number = 0;
  WEIR_CHECK(absl::SimpleAtoi(text, &number));
  return number;
}

absl::Duration ParseTime(absl::string_view text) {
  absl::Duration duration;
  WEIR_CHECK(absl::ParseDuration(text, &duration));
  return duration;
}

std::map<std::string, std::string> OptionsOf(const std::vector<std::string>& words, size_t from) {
  std::map<std::string, std::string> options;
  for (size_t i = from; i < words.size(); ++i) {
    const std::pair<std::string, std::string> option =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    options.insert(option);
  }
  return options;
}

}  // namespace weir
