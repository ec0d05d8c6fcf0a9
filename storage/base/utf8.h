// What text is well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing
// cut short. Pure functions, any thread.
#ifndef WEIR_STORAGE_BASE_UTF8_H_
#define WEIR_STORAGE_BASE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// Bytes of the sequence at the front of `text`, which is not empty; 0 when none is well-formed
// there.
size_t Utf8SequenceLength(absl::string_view text);

bool IsUtf8(absl::string_view text);

// `text` with U+FFFD for every byte that is none, cut between characters at `most` bytes.
std::string WellFormedUtf8(absl::string_view text, size_t most = absl::string_view::npos);

// The character at the front of `text`, which is not empty, or the byte that is none.
absl::string_view FirstCharacter(absl::string_view text);

// The same as WellFormedUtf8 with control characters, quotes and backslashes escaped: for messages
// to people.
std::string ReadableText(absl::string_view text, size_t most = absl::string_view::npos);

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_UTF8_H_
