#include "tests/integration/batch_json.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weir {
namespace {

std::string HexJson(const std::optional<std::string>& bytes) {
  return bytes.has_value() ? absl::StrCat("\"", absl::BytesToHexString(*bytes), "\"") : "null";
}

}  // namespace

std::string RecordJson(const OwnedRecord& record) {
  const std::string headers =
      absl::StrJoin(record.headers, ",", [](std::string* out, const auto& header) {
        absl::StrAppend(out, "[\"", header.first, "\",", HexJson(header.second), "]");
      });
  return absl::StrCat("{\"offset\":", record.offset.value(), ",\"timestamp\":", record.timestamp_ms,
                      ",\"key\":", HexJson(record.key), ",\"value\":", HexJson(record.value),
                      ",\"headers\":[", headers, "]}\n");
}

}  // namespace weir
