// The words of scripts: numbers, times, options. A script is the test's own: what makes no sense
// ends the test. Pure functions.
#ifndef WEIR_TESTS_SUPPORT_SCRIPT_WORDS_H_
#define WEIR_TESTS_SUPPORT_SCRIPT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

int64_t Number(absl::string_view text);
absl::Duration ParseTime(absl::string_view text);
// The "name=value" words from `from` on, and words alone, whose value is empty.
std::map<std::string, std::string> OptionsOf(const std::vector<std::string>& words, size_t from);

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SCRIPT_WORDS_H_
