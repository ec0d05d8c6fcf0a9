#include "tools/cli/record_printer.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weir {
namespace {
void Append(absl::string_view bytes, std::string* out) { out->append(bytes.data(), bytes.size()); }
}  // namespace

void RecordPrinter::Append(absl::string_view topic, PartitionIndex partition,
                           const RecordView& record, std::string* out) {
  if (format_.output == OutputFormat::kJson)
    return AppendJson(topic, partition, record, std::nullopt, out);
  if (format_.print_offset)
    absl::StrAppend(out, partition.value(), ":", record.offset.value(), format_.separator);
  if (format_.print_timestamp) {
    absl::StrAppend(
        out,
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(record.timestamp_ms),
                         absl::UTCTimeZone()),
        format_.separator);
  }
  if (format_.print_key) {
    weir::Append(record.key.value_or(""), out);
    out->append(format_.separator);
  }
  weir::Append(record.value.value_or(""), out);
  out->push_back('\n');
}

void RecordPrinter::AppendJob(const Job& job, std::string* out) {
  AppendJson(job.topic, job.partition, job.record, job.delivery_count, out);
}

void RecordPrinter::AppendJson(absl::string_view topic, PartitionIndex partition,
                               const RecordView& record, std::optional<int32_t> attempt,
                               std::string* out) {
  json_.Clear();
  json_.BeginObject().Key("topic").String(topic).Key("partition").Int(partition.value());
  json_.Key("offset").Int(record.offset.value());
  if (attempt.has_value()) json_.Key("attempt").Int(*attempt);
  json_.Key("timestamp_ms").Int(record.timestamp_ms);
  json_.Bytes("key", record.key).Bytes("value", record.value).Key("headers").BeginArray();
  for (const HeaderView& header : record.headers.Decode()) {
    json_.BeginObject().Key("key").String(header.key).Bytes("value", header.value).EndObject();
  }
  json_.EndArray().EndObject();
  out->append(json_.text());
  out->push_back('\n');
}

}  // namespace weir
