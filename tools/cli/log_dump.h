// `weir log dump`: prints what is in one file of a data directory, which it knows by its name: a
// segment (.log), its index (.index), a journal file (.journal) or the recovery point. Only reads.
#ifndef WEIR_TOOLS_CLI_LOG_DUMP_H_
#define WEIR_TOOLS_CLI_LOG_DUMP_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "storage/base/file_system.h"
#include "tools/cli/listing.h"
#include "tools/cli/output_file.h"

namespace weir {

struct DumpOptions {
  std::string path;
  bool records = false;  // decode them
  int64_t max = -1;      // batches, or rounds; -1: all
  OutputFormat output = OutputFormat::kTable;
};

// Writes to `out`. DATA_LOSS when the file does not verify somewhere; what comes before that is
// printed. INVALID_ARGUMENT when the name is none of a data directory's.
absl::Status DumpFile(FileSystem& fs, const DumpOptions& options, OutputFile* out);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_LOG_DUMP_H_
