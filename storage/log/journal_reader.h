// JournalReader: what a crash left in the journal's ring. It decides what is a torn tail and what
// is corruption, in one place; it changes nothing. Used by recovery and by the offline tools. One
// thread.
#ifndef WEIR_STORAGE_LOG_JOURNAL_READER_H_
#define WEIR_STORAGE_LOG_JOURNAL_READER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/log/journal_format.h"
#include "storage/log/recovery_point.h"

namespace weir {

class JournalReader {
 public:
  struct RingFile {
    std::string path;
    JournalFileHeader header;
  };

  // Files of the ring whose header verifies, oldest first, whatever journal they belong to.
  static absl::StatusOr<std::vector<RingFile>> List(FileSystem& fs,
                                                    const std::string& data_directory);

  // Hands every complete round behind `from.through` to `visit`, in order; borrowed bytes. Stops
  // with visit's error. DATA_LOSS (the message names the file) when a live file is missing or a
  // round that does not verify is followed by a valid one: at most the last round can be torn.
  static absl::Status Read(FileSystem& fs, const std::string& data_directory,
                           const RecoveryPoint::Position& from,
                           const std::function<absl::Status(const JournalRound&)>& visit);
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_JOURNAL_READER_H_
