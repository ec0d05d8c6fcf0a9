// The files of tests/golden as tests read them, and the notation of bytes in storage/FORMAT.md.
// What is in them as values is in level_1.h. Pure functions; a file that is not there ends the
// program.
#ifndef WEIR_TESTS_GOLDEN_GOLDEN_FILES_H_
#define WEIR_TESTS_GOLDEN_GOLDEN_FILES_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/sim_file_system.h"

namespace weir {

// The path and the content of a file; `name` is its path below tests/golden.
std::string GoldenPath(absl::string_view name);
std::string GoldenFile(absl::string_view name);

// The paths, below `directory`, of all files in it, sorted. `directory` is a path below
// tests/golden.
std::vector<std::string> GoldenFilesIn(absl::string_view directory);

// Puts the files of `directory` on the disk, durably, below the directory `to`, which is made.
void PlaceGoldenFiles(absl::string_view directory, SimFileSystem* disk, const std::string& to);

// Bytes as FORMAT.md writes them: pairs of hex digits, in groups or not; 61*4100 is a run of equal
// bytes; # begins a remark, to the end of the line. Nothing when `text` is not that.
std::optional<std::string> ParseHex(absl::string_view text);

// Keys and values as FORMAT.md writes those of the metadata store, one pair a line: the key as
// text, " = ", and the value as ParseHex takes it; a line that begins with a blank goes on with the
// value above.
std::optional<std::vector<std::pair<std::string, std::string>>> ParseHexPairs(
    absl::string_view text);

}  // namespace weir

#endif  // WEIR_TESTS_GOLDEN_GOLDEN_FILES_H_
