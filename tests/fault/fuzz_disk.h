// What the fuzz tests of files share: how one input holds several files, and how the CRCs of a file
// are put right, so that damage gets past them. Pure functions.
//
//   file  := pieces u8 (the low 6 bits + 1) piece*
//   piece := length u16, the low 13 bits | bytes; bit 14: so many zeros instead of the bytes;
//            bit 15: zeros follow up to the next 4 KiB of the file
//
// Lengths that lie take what there is.
#ifndef WEIR_TESTS_FAULT_FUZZ_DISK_H_
#define WEIR_TESTS_FAULT_FUZZ_DISK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// Takes one file off the front of `input`.
std::string FuzzFile(absl::string_view* input);
// The same the other way, for making a corpus from real files.
std::string ToFuzzFile(absl::string_view file);

// A file of the journal: its header, its rounds, and the batches that they append.
void SealJournal(std::string* file);
void SealRecoveryPoint(std::string* file);
// A segment: its batches.
void SealSegment(std::string* file);
// The index of the segment that begins at `base`.
void SealIndex(Offset base, std::string* file);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_FUZZ_DISK_H_
