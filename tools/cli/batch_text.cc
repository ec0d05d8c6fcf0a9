#include "tools/cli/batch_text.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/record/compression.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

std::string TimeText(int64_t ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string Quoted(const std::optional<absl::string_view>& bytes) {
  return bytes ? absl::StrCat("\"", absl::Utf8SafeCEscape(*bytes), "\"") : "null";
}

}  // namespace

std::string BatchText(const RecordBatchHeader& header) {
  std::string text =
      absl::StrCat("offsets ", header.base_offset.value(), "-", header.last_offset().value(),
                   "  records ", header.record_count, "  bytes ", header.size_bytes(), "  ",
                   CompressionName(header.compression()), "  epoch ", header.leader_epoch.value(),
                   "  time ", TimeText(header.max_timestamp_ms));
  if (header.has_producer()) {
    absl::StrAppend(&text, "  producer ", header.producer_id.value(), " epoch ",
                    header.producer_epoch.value(), " sequence ", header.base_sequence);
  }
  return text;
}

void WriteBatchMembers(const RecordBatchHeader& header, JsonWriter* json) {
  json->Key("base_offset")
      .Int(header.base_offset.value())
      .Key("last_offset")
      .Int(header.last_offset().value());
  json->Key("record_count").Int(header.record_count).Key("size_bytes").Int(header.size_bytes());
  json->Key("compression").String(CompressionName(header.compression()));
  json->Key("leader_epoch").Int(header.leader_epoch.value()).Key("crc").Int(header.crc);
  json->Key("base_timestamp_ms")
      .Int(header.base_timestamp_ms)
      .Key("max_timestamp_ms")
      .Int(header.max_timestamp_ms);
  json->Key("log_append_time").Bool(header.timestamp_type() == TimestampType::kLogAppendTime);
  json->Key("producer_id")
      .Int(header.producer_id.value())
      .Key("producer_epoch")
      .Int(header.producer_epoch.value());
  json->Key("base_sequence").Int(header.base_sequence);
}

absl::Status AppendRecordLines(absl::string_view batch, absl::string_view indent,
                               std::string* out) {
  RecordReader reader(batch);
  RecordView record;
  while (reader.Next(&record)) {
    absl::StrAppend(out, indent, record.offset.value(), "  ", TimeText(record.timestamp_ms),
                    "  key ", Quoted(record.key), "  value ", Quoted(record.value));
    for (const HeaderView& header : record.headers.Decode()) {
      absl::StrAppend(out, "  header ", Quoted(header.key), "=", Quoted(header.value));
    }
    out->push_back('\n');
  }
  return reader.status();
}

absl::Status WriteRecordArray(absl::string_view batch, JsonWriter* json) {
  RecordReader reader(batch);
  RecordView record;
  json->BeginArray();
  while (reader.Next(&record)) {
    json->BeginObject()
        .Key("offset")
        .Int(record.offset.value())
        .Key("timestamp_ms")
        .Int(record.timestamp_ms);
    json->Bytes("key", record.key).Bytes("value", record.value).Key("headers").BeginArray();
    for (const HeaderView& header : record.headers.Decode()) {
      json->BeginObject().Key("key").String(header.key).Bytes("value", header.value).EndObject();
    }
    json->EndArray().EndObject();
  }
  json->EndArray();
  return reader.status();
}

}  // namespace weir
