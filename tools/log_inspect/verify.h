// Verify: walks everything in a data directory as recovery and readers would need it: the recovery
// point, the journal, and every batch of every segment: CRC, offsets without gaps, epochs, and that
// segments and journal together hold every partition from log start to log end. Changes nothing.
// Also right while a broker runs: what looks wrong because the files moved on under the reader is
// looked at again, and counts only when it stays wrong.
#ifndef WEIR_TOOLS_LOG_INSPECT_VERIFY_H_
#define WEIR_TOOLS_LOG_INSPECT_VERIFY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "tools/log_inspect/redo_view.h"

namespace weir {

struct Finding {
  std::string where;  // a path, or topic/partition
  std::string what;

  bool operator==(const Finding&) const = default;
};

struct VerifyReport {
  std::vector<Finding>
      problems;  // data that was acknowledged cannot be read, or a start would be refused
  std::vector<Finding> notes;  // harmless, but good to know
  int64_t topics = 0;
  int64_t partitions = 0;
  int64_t segments = 0;
  int64_t batches = 0;
  int64_t records = 0;
  int64_t bytes = 0;            // of segments that were read
  int64_t journal_rounds = 0;   // newer than the recovery point
  int64_t journal_batches = 0;  // in them; these and their records come on top of those above
  int64_t journal_records = 0;
  int64_t redo_batches =
      0;  // of those, not (or not rightly) in their segments yet: a start will write them
};

struct VerifyOptions {
  std::string data_directory;
  // Called now and then from the same thread with partitions done and in all.
  std::function<void(int64_t done, int64_t all)> progress;
};

// Fails only when `data_directory` is none or cannot be read; whatever is wrong inside it is in the
// report.
absl::StatusOr<VerifyReport> Verify(FileSystem& fs, const VerifyOptions& options);

// One partition against what `view` says of it; adds to `report`. `name` is for people. An error: a
// file cannot be read.
absl::Status VerifyPartition(FileSystem& fs, const std::string& data_directory,
                             const TopicPartition& id, const std::string& name,
                             const PartitionView& view, VerifyReport* report);

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_VERIFY_H_
