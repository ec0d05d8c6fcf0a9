// Listing: rows of named values that go to a person as an aligned table or to a program as one JSON
// object per line, with the column names as field names. Holds all rows until it is printed. One
// thread.
#ifndef WEIR_TOOLS_CLI_LISTING_H_
#define WEIR_TOOLS_CLI_LISTING_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/cli/json.h"

namespace weir {

enum class OutputFormat { kTable, kJson };

// Bytes that need not be text: where they are none, JSON has them in base64, as NAME_base64.
struct CellBytes {
  std::string bytes;
};
// A value of a row. Numbers are set flush right in a table; nothing (monostate) shows as "-" and as
// null.
using Cell = std::variant<std::monostate, int64_t, double, bool, std::string, CellBytes>;

class Listing {
 public:
  // JSON field names, lower case with '_'; a table shows them in upper case.
  explicit Listing(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  // One cell for each column.
  void AddRow(std::vector<Cell> row);
  size_t rows() const { return rows_.size(); }

  // Every line ends with a newline. A table without rows is its heading alone, JSON without rows is
  // nothing.
  std::string Render(OutputFormat format) const;
  // An array of objects, as a member of something larger.
  void WriteTo(JsonWriter* json) const;

 private:
  std::string RenderTable() const;
  void WriteRow(const std::vector<Cell>& row, JsonWriter* json) const;

  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Text of somebody else, fit for a terminal: control characters, newlines among them, and bytes
// that are no UTF-8 show as \xHH, \n and the like.
std::string Shown(absl::string_view bytes);
// "2026-11-22T10:00:00Z".
std::string TimeText(absl::Time time);
// "1,234,567".
std::string WithCommas(int64_t value);
// "1.5 GiB", "17 B".
std::string HumanBytes(int64_t bytes);
// "12.3s", "3h5m": as exact as a person wants to know.
std::string HumanDuration(absl::Duration duration);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_LISTING_H_
