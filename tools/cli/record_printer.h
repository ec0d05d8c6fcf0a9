// RecordPrinter: how `weir consume` writes a record, and `weir work` a job: a line of text, or a
// line of JSON. Immutable once made, except for the writer it reuses; one thread.
#ifndef WEIR_TOOLS_CLI_RECORD_PRINTER_H_
#define WEIR_TOOLS_CLI_RECORD_PRINTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "storage/record/record_view.h"
#include "tools/cli/json.h"
#include "tools/cli/listing.h"
#include "weir/worker.h"

namespace weir {

struct RecordFormat {
  OutputFormat output = OutputFormat::kTable;
  bool print_key = false;
  bool print_offset = false;     // PARTITION:OFFSET
  bool print_timestamp = false;  // RFC 3339, UTC
  std::string separator = "\t";  // between those and the value
};

class RecordPrinter {
 public:
  explicit RecordPrinter(RecordFormat format) : format_(std::move(format)) {}

  // Appends the record and a newline. As text a missing key or value is nothing; in JSON it is
  // null, and bytes that are no UTF-8 come in base64 as key_base64, value_base64.
  void Append(absl::string_view topic, PartitionIndex partition, const RecordView& record,
              std::string* out);
  // The job and a newline, as JSON: its record with `attempt`, 1 for the first.
  void AppendJob(const Job& job, std::string* out);

 private:
  void AppendJson(absl::string_view topic, PartitionIndex partition, const RecordView& record,
                  std::optional<int32_t> attempt, std::string* out);

  const RecordFormat format_;
  JsonWriter json_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_RECORD_PRINTER_H_
