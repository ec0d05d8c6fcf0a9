#include "tools/cli/listing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/check.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

constexpr absl::string_view kGap = "  ";

struct CellText {
  std::string operator()(std::monostate) const { return "-"; }
  std::string operator()(int64_t value) const { return absl::StrCat(value); }
  std::string operator()(double value) const { return absl::StrCat(value); }
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(const std::string& value) const { return Shown(value); }
  std::string operator()(const CellBytes& value) const { return Shown(value.bytes); }
};

// A member of an object.
struct CellJson {
  const std::string& name;
  JsonWriter* json;
  void operator()(std::monostate) const { json->Key(name).Null(); }
  void operator()(int64_t value) const { json->Key(name).Int(value); }
  void operator()(double value) const { json->Key(name).Double(value); }
  void operator()(bool value) const { json->Key(name).Bool(value); }
  void operator()(const std::string& value) const { json->Key(name).String(value); }
  void operator()(const CellBytes& value) const { json->Bytes(name, value.bytes); }
};

// C0, DEL, and C1 as UTF-8 has it.
bool IsControl(absl::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f ||
         (character.size() == 2 && first == 0xc2 &&
          static_cast<unsigned char>(character[1]) < 0xa0);
}

bool IsNumber(const Cell& cell) {
  return std::holds_alternative<int64_t>(cell) || std::holds_alternative<double>(cell);
}

}  // namespace

void Listing::AddRow(std::vector<Cell> row) {
  WEIR_CHECK(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

void Listing::WriteRow(const std::vector<Cell>& row, JsonWriter* json) const {
  json->BeginObject();
  for (size_t i = 0; i < row.size(); ++i) std::visit(CellJson{columns_[i], json}, row[i]);
  json->EndObject();
}

void Listing::WriteTo(JsonWriter* json) const {
  json->BeginArray();
  for (const auto& row : rows_) WriteRow(row, json);
  json->EndArray();
}

std::string Listing::RenderTable() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const std::string& column : columns_) lines[0].push_back(absl::AsciiStrToUpper(column));
  for (const auto& row : rows_) {
    lines.emplace_back();
    for (const Cell& cell : row) lines.back().push_back(std::visit(CellText{}, cell));
  }
  std::vector<size_t> widths(columns_.size());
  std::vector<bool> right(columns_.size(), !rows_.empty());
  for (size_t column = 0; column < columns_.size(); ++column) {
    for (const auto& line : lines) widths[column] = std::max(widths[column], line[column].size());
    for (const auto& row : rows_) {
      if (!IsNumber(row[column]) && !std::holds_alternative<std::monostate>(row[column]))
        right[column] = false;
    }
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t column = 0; column < columns_.size(); ++column) {
      if (column > 0) absl::StrAppend(&text, kGap);
      const std::string padding(widths[column] - line[column].size(), ' ');
      absl::StrAppend(&text, right[column] ? padding : "", line[column],
                      right[column] ? "" : padding);
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(text), "\n");
  }
  return out;
}

std::string Listing::Render(OutputFormat format) const {
  if (format == OutputFormat::kTable) return RenderTable();
  std::string out;
  JsonWriter json;
  for (const auto& row : rows_) {
    json.Clear();
    WriteRow(row, &json);
    absl::StrAppend(&out, json.text(), "\n");
  }
  return out;
}

std::string Shown(absl::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const size_t length = Utf8SequenceLength(bytes);
    const absl::string_view character = bytes.substr(0, std::max<size_t>(length, 1));
    absl::StrAppend(&out, length == 0 || IsControl(character) ? absl::CHexEscape(character)
                                                              : std::string(character));
    bytes.remove_prefix(character.size());
  }
  return out;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string WithCommas(int64_t value) {
  std::string digits = absl::StrCat(value);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3) {
    digits.insert(static_cast<size_t>(i), 1, ',');
  }
  return digits;
}

std::string HumanBytes(int64_t bytes) {
  constexpr absl::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string HumanDuration(absl::Duration duration) {
  const absl::Duration step = duration < absl::Minutes(1) ? absl::Milliseconds(100)
                              : duration < absl::Hours(1) ? absl::Seconds(1)
                                                          : absl::Minutes(1);
  return absl::FormatDuration(absl::Trunc(duration, step));
}

}  // namespace weir
