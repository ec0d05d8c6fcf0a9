// What the fuzz tests of files share: how one input holds several files, and how the CRCs of a file
// are put right, so that damage gets past them. Pure functions.
//
//   file  := blocks u8 (the low 5 bits + 1) block*
//   block := length u16, the low 13 bits; the highest: zeros follow up to 4 KiB | bytes
//
// Lengths that lie take what there is.
#ifndef WEIR_TESTS_FAULT_FUZZ_DISK_H_
#define WEIR_TESTS_FAULT_FUZZ_DISK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "storage/log/journal_format.h"

namespace weir {

// What a recovery point must name for the journals of the corpus to belong to it.
inline constexpr JournalUuid kFuzzJournal{'f', 'u', 'z', 'z'};
inline constexpr JournalSequence kFuzzSequence{1};

// Takes one file off the front of `input`.
std::string FuzzFile(absl::string_view* input);
// The same the other way, for making a corpus from real files. At most 32 blocks.
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
