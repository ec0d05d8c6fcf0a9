// Hostile record batches: whatever the bytes, the reader ends with records or an error, and what it
// accepts survives being re-encoded and being built anew. Whether the CRC is right is tried too,
// but not waited for: it is put right first.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "storage/record/reencode.h"

namespace weir {
namespace {

bool SameRecord(const RecordView& a, const RecordView& b) {
  return a.timestamp_ms == b.timestamp_ms && a.key == b.key && a.value == b.value &&
         a.headers.Decode() == b.headers.Decode();
}

std::vector<RecordView> ReadAll(RecordReader* reader) {
  std::vector<RecordView> records;
  RecordView record;
  Offset next = reader->header().base_offset;
  while (reader->Next(&record)) {
    WEIR_CHECK(record.offset >= next && record.offset <= reader->header().last_offset());
    next = record.offset + 1;
    records.push_back(record);
  }
  // An error has its row in the table and names something.
  WEIR_CHECK(reader->status().ok() ||
             (ReasonOf(reader->status()).has_value() && !reader->status().message().empty()));
  return records;
}

void CheckReencoded(absl::string_view batch, const std::vector<RecordView>& records, bool readable,
                    uint8_t choice) {
  const auto codec = static_cast<Compression>(choice % 5);
  const bool opened = codec != DecodeBatchHeader(batch.data()).compression();
  const auto reencoded = Reencode(batch, {.compression = codec});
  WEIR_CHECK(reencoded.ok() == (readable || !opened));
  if (!reencoded.ok() || !readable) return;
  WEIR_CHECK(
      ValidateBatchHeader(DecodeBatchHeader(reencoded->data()), limits::kDecompressedBatch, true)
          .ok());
  RecordReader reader(*reencoded);
  const std::vector<RecordView> again = ReadAll(&reader);
  WEIR_CHECK(reader.status().ok() && again.size() == records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    WEIR_CHECK(SameRecord(again[i], records[i]) && again[i].offset == records[i].offset);
  }
}

void CheckRebuilt(const std::vector<RecordView>& records) {
  RecordBatchBuilder builder;
  for (const RecordView& record : records) {
    builder.Append(record.timestamp_ms, record.key, record.value, record.headers.Decode());
  }
  if (builder.empty()) return;
  const std::string batch = builder.Finish({});
  WEIR_CHECK(ValidateBatch(absl::string_view(batch), limits::kDecompressedBatch).ok());
  RecordReader reader(batch);
  const std::vector<RecordView> again = ReadAll(&reader);
  WEIR_CHECK(reader.status().ok() && again.size() == records.size());
  for (size_t i = 0; i < records.size(); ++i) WEIR_CHECK(SameRecord(again[i], records[i]));
}

void RunOne(absl::string_view bytes) {
  (void)ValidateBatch(bytes, limits::kMaxMessageBytesDefault);
  {
    RecordReader reader(bytes);
    ReadAll(&reader);
  }
  if (bytes.size() < kBatchHeaderBytes) return;
  std::string sealed(bytes);
  const auto choice =
      static_cast<uint8_t>(sealed[20]);  // of the CRC, which is about to be overwritten
  SealBatch(DecodeBatchHeader(sealed.data()), sealed.data(), sealed.size());
  RecordReader reader(sealed);
  const std::vector<RecordView> records = ReadAll(&reader);
  if (!ValidateBatchHeader(DecodeBatchHeader(sealed.data()), limits::kDecompressedBatch, true)
           .ok()) {
    WEIR_CHECK(!reader.status().ok() && records.empty());
    return;
  }
  CheckReencoded(sealed, records, reader.status().ok(), choice);
  // Times far apart may take more bytes in the new batch than in the old one; this keeps clear of
  // the largest size.
  if (reader.record_section().size() <= limits::kMiB) CheckRebuilt(records);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
