// The commit journal's bytes: file headers, rounds and their entries. Little-endian. Byte table and
// a worked example are in storage/FORMAT.md, "Journal". Pure functions and values.
//
//   file  := header block (4 KiB) round*
//   round := length u32 | crc32c u32 | round u64 | entry* | zeros up to the next 4 KiB
//   entry := kind u8 (its highest bit: with the next entry) | topic 16 | partition i32 | segment
//   base i64 | file position i64 |
//            size u32 | payload
//
// A round's CRC also covers the journal's uuid and the file's sequence, so bytes left from an
// earlier use of the file never pass for new ones.
#ifndef WEIR_STORAGE_LOG_JOURNAL_FORMAT_H_
#define WEIR_STORAGE_LOG_JOURNAL_FORMAT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/base/types.h"

namespace weir {

using JournalUuid = std::array<uint8_t, 16>;

inline constexpr size_t kRoundHeadBytes = 16;
inline constexpr size_t kEntryHeadBytes = 41;
// Of an entry that carries an offset: a log start, a truncate.
inline constexpr size_t kOffsetEntryBytes = kEntryHeadBytes + sizeof(int64_t);

struct JournalFileHeader {
  JournalUuid uuid{};
  JournalSequence sequence;
  int64_t file_bytes = 0;  // a shorter file was cut; 0: not known, as in version 1
};

// One block, limits::kJournalBlock bytes; of version 1 when file_bytes is 0, otherwise of
// version 2.
std::string EncodeJournalFileHeader(const JournalFileHeader& header);
// Nothing when `block` is no header (never written, torn, or a future version).
std::optional<JournalFileHeader> DecodeJournalFileHeader(absl::string_view block);

enum class EntryKind : uint8_t {
  kAppend = 1,    // payload: the batch, at (segment base, file position)
  kTruncate = 2,  // payload: the new log end i64, which is (segment base, file position)
  kLogStart =
      3,  // payload: the new log start i64; the log goes on at (segment base, file position)
  // 4 is kept for checkpoint marks, 5 for rounds written in place (direct rounds).
};

struct EntryHead {
  EntryKind kind = EntryKind::kAppend;
  // The next entry of the round is of the same atomic append. A bit of the kind's byte, so that
  // a version that does not know it meets an unknown kind.
  bool with_next = false;
  TopicPartition partition;
  Offset segment_base;
  FilePosition position;
  uint32_t size = 0;  // of the payload
};

void EncodeEntryHead(const EntryHead& head, char* to);

struct JournalEntry {
  EntryHead head;
  absl::string_view payload;  // borrowed from the round
};

// The head of a round whose body is `pieces` (entry heads and payloads in turn).
std::array<char, kRoundHeadBytes> EncodeRoundHead(const JournalFileHeader& file, RoundNumber round,
                                                  absl::Span<const absl::string_view> pieces);

struct JournalRound {
  RoundNumber number;
  std::vector<JournalEntry> entries;
  int64_t size = 0;  // with head, without padding
};

// The round at the front of `bytes` (borrowed). Nothing when none verifies there. `bytes` may go on
// behind it.
std::optional<JournalRound> DecodeRound(const JournalFileHeader& file, absl::string_view bytes);

// `n` rounded up to a whole number of blocks.
int64_t RoundUpToBlock(int64_t n);

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_JOURNAL_FORMAT_H_
