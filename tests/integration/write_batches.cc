// write_batches BATCHES EXPECTED: writes record batches of every codec and kind one after another
// to the file BATCHES, as a segment holds them, and the records that are in them as lines of JSON
// to EXPECTED. For kafka_reader_test.py.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/batch_json.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

class Output {
 public:
  Output(const char* batches, const char* expected)
      : batches_(batches, std::ios::binary), expected_(expected, std::ios::binary) {}

  void Add(std::vector<OwnedRecord> records, BatchOptions options) {
    options.base_offset = next_;
    batches_ << BuildBatch(records, options);
    for (OwnedRecord& record : records) {
      record.offset = next_;
      ++next_;
      record.timestamp_ms = options.log_append_time_ms.value_or(record.timestamp_ms);
      expected_ << RecordJson(record);
    }
  }

  bool Close() {
    batches_.close();
    expected_.close();
    return batches_.good() && expected_.good();
  }

 private:
  std::ofstream batches_;
  std::ofstream expected_;
  Offset next_;
};

// More than one block of every codec that has blocks.
std::vector<OwnedRecord> ManyRecords() {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 3000; ++i) {
    records.push_back({.timestamp_ms = 1'700'000'000'000 + i * 17 % 1000,
                       .key = absl::StrCat("package-", i % 50),
                       .value = absl::StrCat("status installed package-", i % 50, " ", i * i % 1009,
                                             " of many")});
  }
  return records;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  using namespace weir;
  if (argc != 3) return std::fprintf(stderr, "usage: write_batches BATCHES EXPECTED\n"), 2;
  Output output(argv[1], argv[2]);
  for (const Compression codec : kAllCodecs) {
    output.Add(SampleRecords(), SampleOptions(codec));
    output.Add(ManyRecords(), {.compression = codec});
    output.Add(SampleRecords(), {.compression = codec, .log_append_time_ms = 1'800'000'000'000});
    output.Add({{.timestamp_ms = 5, .value = "too short to compress"}}, {.compression = codec});
  }
  return output.Close() ? 0 : 1;
}
