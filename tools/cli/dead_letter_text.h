// How dead letters are shown: to a person as a few lines, to a program as one JSON object. Pure
// functions, any thread.
#ifndef WEIR_TOOLS_CLI_DEAD_LETTER_TEXT_H_
#define WEIR_TOOLS_CLI_DEAD_LETTER_TEXT_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "weir/share_admin.h"

namespace weir {

// Ends with a newline. `topic`: the dead-letter topic.
std::string DeadLetterText(absl::string_view topic, const ShareAdmin::DeadLetter& letter);
std::string DeadLetterJson(absl::string_view topic, const ShareAdmin::DeadLetter& letter);

// "REJECTED 10, MAX_ATTEMPTS 2": the most frequent first. Empty for none.
std::string ReasonsText(const std::map<std::string, int64_t>& reasons);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_DEAD_LETTER_TEXT_H_
