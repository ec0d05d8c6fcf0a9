// Scripts: files of commands with what they make happen, which a test plays and compares. Functions
// that only read.
#ifndef WEIR_TESTS_SUPPORT_SCRIPT_FILES_H_
#define WEIR_TESTS_SUPPORT_SCRIPT_FILES_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace weir {

// The names of the scripts in a directory, in order, without ".txt".
std::vector<std::string> ScriptNames(const std::string& directory);

// Plays one: `play` gives the script as it would be if it were right. Empty when it is; otherwise
// where the two part, with what comes before.
std::string PlayScript(const std::string& directory, const std::string& name,
                       absl::FunctionRef<std::string(absl::string_view script)> play);

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SCRIPT_FILES_H_
