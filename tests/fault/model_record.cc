#include "tests/fault/model_record.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_batch_builder.h"

namespace weir {
namespace {

// Enough to recognise a value by.
std::string Text(const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return "none";
  return absl::StrCat(bytes->size(), " bytes '", absl::CHexEscape(bytes->substr(0, 40)), "'");
}

std::optional<absl::string_view> View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

std::string Differ(absl::string_view what, const std::optional<absl::string_view>& seen,
                   const std::optional<absl::string_view>& model) {
  return absl::StrCat("its ", what, " is ", Text(seen), ", in the model ", Text(model));
}

}  // namespace

std::vector<HeaderView> ModelRecord::HeaderViews() const {
  std::vector<HeaderView> views;
  views.reserve(headers.size());
  for (const ModelHeader& header : headers)
    views.push_back({.key = header.key, .value = View(header.value)});
  return views;
}

v1::Record ModelRecord::ToProto() const {
  v1::Record record;
  if (key.has_value()) record.set_key(*key);
  if (value.has_value()) record.set_value(*value);
  if (timestamp_ms.has_value()) record.set_timestamp_ms(*timestamp_ms);
  for (const ModelHeader& header : headers) {
    v1::Header* const added = record.add_headers();
    added->set_key(header.key);
    if (header.value.has_value()) added->set_value(*header.value);
  }
  return record;
}

int64_t ModelRecord::SmallestBatch() const {
  RecordBatchBuilder builder;
  builder.Append(timestamp_ms.value_or(0), View(key), View(value), HeaderViews());
  return static_cast<int64_t>(builder.size_bytes());
}

int64_t ModelRecord::LargestBatch() const {
  return static_cast<int64_t>(kBatchHeaderBytes + RecordBatchBuilder::RecordSizeBound(
                                                      View(key), View(value), HeaderViews()));
}

SeenRecord::SeenRecord(const RecordView& view)
    : offset(view.offset.value()),
      timestamp_ms(view.timestamp_ms),
      key(view.key),
      value(view.value) {
  if (!view.headers.empty()) headers = view.headers.Decode();
}

SeenRecord::SeenRecord(const v1::Record& record)
    : offset(record.offset()), timestamp_ms(record.timestamp_ms()) {
  if (record.has_key()) key = record.key();
  if (record.has_value()) value = record.value();
  for (const v1::Header& header : record.headers()) {
    headers.push_back({.key = header.key()});
    if (header.has_value()) headers.back().value = header.value();
  }
}

std::string Difference(const ModelRecord& model, const SeenRecord& seen) {
  if (seen.key != View(model.key)) return Differ("key", seen.key, View(model.key));
  if (seen.value != View(model.value)) return Differ("value", seen.value, View(model.value));
  if (model.timestamp_ms.value_or(seen.timestamp_ms) != seen.timestamp_ms) {
    return absl::StrCat("its time is ", seen.timestamp_ms, ", in the model ", *model.timestamp_ms);
  }
  if (seen.headers.size() != model.headers.size()) {
    return absl::StrCat("it has ", seen.headers.size(), " headers, in the model ",
                        model.headers.size());
  }
  for (size_t i = 0; i < model.headers.size(); ++i) {
    const ModelHeader& header = model.headers[i];
    if (seen.headers[i].key != header.key) {
      return Differ(absl::StrCat("header ", i), seen.headers[i].key, absl::string_view(header.key));
    }
    if (seen.headers[i].value != View(header.value)) {
      return Differ(absl::StrCat("value of header ", i), seen.headers[i].value, View(header.value));
    }
  }
  return "";
}

}  // namespace weir
