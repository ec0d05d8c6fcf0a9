// Hostile journals: whatever the bytes of the ring's files, JournalReader::Read ends with rounds in
// order or with DATA_LOSS, and changes nothing. Most damage only fails a CRC, so the same bytes are
// also tried with right CRCs.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "tests/fault/fuzz_disk.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

void ReadJournal(absl::string_view first, absl::string_view second,
                 const RecoveryPoint::Position& from) {
  SimFileSystem disk;
  WEIR_CHECK(CreateDirectories(disk, "d/journal").ok());
  disk.WriteRaw(JournalPath("d", 0), first);
  if (!second.empty()) disk.WriteRaw(JournalPath("d", 1), second);
  const int64_t operations = disk.operations();
  RoundNumber last = from.through;
  size_t payload_bytes = 0;
  const absl::Status read = JournalReader::Read(disk, "d", from, [&](const JournalRound& round) {
    WEIR_CHECK(round.number > last);
    last = round.number;
    WEIR_CHECK(!round.entries.empty());
    for (const JournalEntry& entry : round.entries) {
      WEIR_CHECK(entry.payload.size() == entry.head.size);
      payload_bytes += entry.payload.size();
    }
    return absl::OkStatus();
  });
  WEIR_CHECK(read.ok() || (absl::IsDataLoss(read) && !read.message().empty()));
  WEIR_CHECK(payload_bytes <= first.size() + second.size());
  WEIR_CHECK(disk.operations() == operations);
}

// Input: the recovery point's round u8 and oldest file u8, then two files as FuzzFile() reads them.
void RunOne(absl::string_view input) {
  if (input.size() < 2) return;
  RecoveryPoint::Position from{.through = RoundNumber{static_cast<uint8_t>(input[0])},
                               .oldest_live = JournalSequence{static_cast<uint8_t>(input[1])}};
  input.remove_prefix(2);
  std::string first = FuzzFile(&input);
  std::string second = FuzzFile(&input);
  ReadJournal(first, second, from);
  SealJournal(&first);
  SealJournal(&second);
  ReadJournal(first, second, from);
  // As a recovery point that was saved with the first file would have it.
  const auto header = DecodeJournalFileHeader(first);
  if (!header) return;
  from.journal = header->uuid;
  from.oldest_live = header->sequence;
  ReadJournal(first, second, from);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
