// read_batches BATCHES: prints the records of a file of record batches as lines of JSON. For
// kafka_reader_test.py.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/base/limits.h"
#include "tests/integration/batch_json.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

absl::Status PrintRecords(absl::string_view bytes) {
  while (!bytes.empty()) {
    // A header that is cut off is left to ValidateBatch.
    const int64_t size =
        bytes.size() < kBatchHeaderBytes ? 0 : DecodeBatchHeader(bytes.data()).size_bytes();
    const absl::string_view batch = bytes.substr(0, static_cast<size_t>(size));
    if (auto header = ValidateBatch(batch, limits::kMaxMessageBytesLargest); !header.ok())
      return header.status();
    const auto records = ReadBatch(batch);
    if (!records.ok()) return records.status();
    for (const OwnedRecord& record : *records) std::fputs(RecordJson(record).c_str(), stdout);
    bytes.remove_prefix(batch.size());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: read_batches BATCHES\n"), 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const absl::Status status = weir::PrintRecords(bytes);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
