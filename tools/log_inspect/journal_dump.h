// JournalDump: the rounds of one journal file, as they lie in it. It looks at nothing else, so it
// also shows rounds that the recovery point has made superfluous. One thread.
#ifndef WEIR_TOOLS_LOG_INSPECT_JOURNAL_DUMP_H_
#define WEIR_TOOLS_LOG_INSPECT_JOURNAL_DUMP_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/log/journal_format.h"

namespace weir {

struct JournalFileSummary {
  JournalFileHeader header;
  int64_t file_bytes = 0;
  int64_t rounds = 0;
  int64_t used_bytes = 0;  // the header and the rounds; what follows is unused, torn, or from an
                           // earlier use of the file
};

// Gives every round from the first on, with its position, until one does not verify or `visit` says
// false. DATA_LOSS when the file's header does not verify.
absl::StatusOr<JournalFileSummary> DumpJournal(
    FileSystem& fs, const std::string& path,
    const std::function<bool(FilePosition, const JournalRound&)>& visit);

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_JOURNAL_DUMP_H_
