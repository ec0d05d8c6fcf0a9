// A data directory as one input of a fuzz test: which files it has, and what is in them. Both ways,
// so that a corpus can be made from real directories.
//
//   input := seal u8 (lowest bit) entry*
//   entry := what u8 | number u8 | file as in fuzz_disk.h
//   what  := bits 0-1: 0 recovery point, 1 journal, 2 segment, 3 index;
//            bits 2-3: topic - 1; bits 4-5: partition
//   number: of the journal file (the low two bits), or the base offset of the segment
//
// `seal` puts every CRC right, so that damage gets past them.
#ifndef WEIR_TESTS_FAULT_FUZZ_DIRECTORY_H_
#define WEIR_TESTS_FAULT_FUZZ_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/sim_file_system.h"

namespace weir {

struct FuzzDirectoryFile {
  std::string path;
  std::string content;
};

// The files of the input in a directory at `data`, at most kFuzzDirectoryFiles of them; of one that
// comes twice the last counts.
inline constexpr size_t kFuzzDirectoryFiles = 16;
std::vector<FuzzDirectoryFile> ParseFuzzDirectory(absl::string_view input, const std::string& data);

// The input for what `disk` holds at `data`; files that no input can name are left out.
std::string ToFuzzDirectory(const SimFileSystem& disk, const std::string& data, bool seal);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_FUZZ_DIRECTORY_H_
