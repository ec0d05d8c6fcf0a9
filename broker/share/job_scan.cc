#include "broker/share/job_scan.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

// When the record is to be delivered; 0: at once.
int64_t DeliverAtOf(const HeaderList& headers) {
  return headers.empty() ? 0 : DeliverAtMs(headers.Decode()).value_or(0);
}

// Lists the batch's records, at or above `from`, of which single ones matter, as far as a scan may;
// the first offset that it did not get to, or nothing when the batch cannot be decoded.
std::optional<Offset> ListRecords(absl::string_view batch, const RecordBatchHeader& header,
                                  Offset from, const JobScanOptions& options,
                                  std::vector<ScannedRecord>* records) {
  const size_t before = records->size();
  std::optional<Offset> cut;
  RecordReader reader(batch);
  RecordView view;
  while (reader.Next(&view)) {
    if (view.offset < from || cut) continue;  // to the end: a batch that ends badly is not trusted
    ScannedRecord record{.offset = view.offset};
    if (options.keys && view.key) record.key = KeyHashOf(*view.key);
    const int64_t deliver_at = options.delays ? DeliverAtOf(view.headers) : 0;
    if (deliver_at > options.now_ms) record.deliver_at_ms = deliver_at;
    if (!record.key && record.deliver_at_ms == 0) continue;
    if (records->size() == limits::kScannedRecords) {
      cut = view.offset;
    } else {
      records->push_back(record);
    }
  }
  if (reader.status().ok()) return cut.value_or(header.next_offset());
  records->resize(before);
  return std::nullopt;
}

void AddRange(ScannedRange range, ShareScan* scan) {
  const bool continues = !scan->ranges.empty() && range.readable && scan->ranges.back().readable &&
                         scan->ranges.back().last + 1 == range.first;
  if (continues) {
    scan->ranges.back().last = range.last;
  } else {
    scan->ranges.push_back(range);
  }
}

}  // namespace

ShareScan ScanJobs(absl::string_view batches, Offset from, const JobScanOptions& options) {
  ShareScan scan{.from = from, .to = from};
  while (!batches.empty()) {
    const RecordBatchHeader header = DecodeBatchHeader(batches.data());
    const absl::string_view batch = batches.substr(0, static_cast<size_t>(header.size_bytes()));
    batches.remove_prefix(batch.size());
    ScannedRange range{.first = std::max(from, header.base_offset), .last = header.last_offset()};
    range.readable = BatchCrc(batch) == header.crc;
    Offset next = header.next_offset();
    if (range.readable && (options.keys || options.delays)) {
      const std::optional<Offset> listed = ListRecords(batch, header, from, options, &scan.records);
      range.readable = listed.has_value();
      next = listed.value_or(next);
    }
    range.last = next - 1;
    if (range.last >= range.first) AddRange(range, &scan);
    scan.to = next;
    if (next < header.next_offset()) break;  // the next scan goes on within the batch
  }
  return scan;
}

}  // namespace weir
