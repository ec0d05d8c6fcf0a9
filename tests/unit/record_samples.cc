#include "tests/unit/record_samples.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

std::optional<absl::string_view> View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

std::optional<std::string> Copy(std::optional<absl::string_view> bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return std::string(*bytes);
}

std::string Show(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return "null";
  return absl::StrCat("\"", absl::CHexEscape(bytes->substr(0, 40)), "\"(", bytes->size(), ")");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const OwnedRecord& record) {
  out << "{" << record.offset << " at " << record.timestamp_ms << " " << Show(record.key) << " = "
      << Show(record.value);
  for (const auto& [key, value] : record.headers) out << " " << Show(key) << ": " << Show(value);
  return out << "}";
}

std::vector<OwnedRecord> SampleRecords(Offset base_offset) {
  constexpr int64_t kTime = 1'700'000'000'000;
  std::vector<OwnedRecord> records = {
      {.timestamp_ms = kTime, .key = "libc6", .value = "status installed libc6:amd64 2.36-9"},
      {.timestamp_ms = kTime + 1, .key = std::nullopt, .value = "a value without a key"},
      {.timestamp_ms = kTime + 70'000, .key = "a key without a value", .value = std::nullopt},
      {.timestamp_ms = kTime - 5, .key = "", .value = ""},
      {.timestamp_ms = kTime - 5, .key = std::nullopt, .value = std::nullopt},
      {.timestamp_ms = kTime + 2,
       .key = std::string("\0\xff\x80\n", 4),
       .value = std::string(600, 'z')},
      {.timestamp_ms = kTime + 3,
       .key = "headers",
       .value = "here",
       .headers = {{"trace", "0af7651916cd43dd"},
                   {"empty", ""},
                   {"null", std::nullopt},
                   {"trace", "again"},
                   {"", "x"}}},
  };
  for (int i = 0; i < 8; ++i) {
    records.push_back({.timestamp_ms = kTime + 10 + i,
                       .key = absl::StrCat("key-", i),
                       .value = "the same value again"});
  }
  for (size_t i = 0; i < records.size(); ++i)
    records[i].offset = base_offset + static_cast<int64_t>(i);
  return records;
}

BatchOptions SampleOptions(Compression codec) {
  return {.compression = codec,
          .base_offset = Offset(0x0102030405),
          .leader_epoch = LeaderEpoch(7),
          .producer_id = ProducerId(4711),
          .producer_epoch = ProducerEpoch(3),
          .base_sequence = 1000};
}

void AppendTo(RecordBatchBuilder* builder, const OwnedRecord& record) {
  std::vector<HeaderView> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, View(value)});
  builder->Append(record.timestamp_ms, View(record.key), View(record.value), headers);
}

std::string BuildBatch(const std::vector<OwnedRecord>& records, const BatchOptions& options) {
  RecordBatchBuilder builder;
  for (const OwnedRecord& record : records) AppendTo(&builder, record);
  return builder.Finish(options);
}

OwnedRecord Own(const RecordView& record) {
  OwnedRecord owned{.offset = record.offset,
                    .timestamp_ms = record.timestamp_ms,
                    .key = Copy(record.key),
                    .value = Copy(record.value)};
  for (const HeaderView& header : record.headers.Decode()) {
    owned.headers.emplace_back(std::string(header.key), Copy(header.value));
  }
  return owned;
}

absl::StatusOr<std::vector<OwnedRecord>> ReadBatch(absl::string_view batch) {
  RecordReader reader(batch);
  std::vector<OwnedRecord> records;
  RecordView record;
  while (reader.Next(&record)) records.push_back(Own(record));
  if (!reader.status().ok()) return reader.status();
  return records;
}

std::string RawBatch(absl::string_view section, RecordBatchHeader header) {
  std::string batch(kBatchHeaderBytes, '\0');
  batch.append(section.data(), section.size());
  SealBatch(header, batch.data(), batch.size());
  return batch;
}

}  // namespace weir
