#include "broker/share/dead_letter.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "broker/share/delivery_state.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

// A string of JSON, at most `most` bytes of the text; what is no UTF-8 becomes U+FFFD.
std::string JsonString(absl::string_view text, size_t most = absl::string_view::npos) {
  std::string json = "\"";
  for (const char c : WellFormedUtf8(text, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      absl::StrAppend(&json, "\\u", absl::Hex(byte, absl::kZeroPad4));
      continue;
    }
    if (c == '"' || c == '\\') json.push_back('\\');
    json.push_back(c);
  }
  json.push_back('"');
  return json;
}

std::string JsonAttempt(const AttemptEnd& attempt) {
  const std::string at = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(attempt.ended_ms), absl::UTCTimeZone());
  return absl::StrCat(R"({"at":)", JsonString(at), R"(,"worker":)", JsonString(attempt.worker),
                      R"(,"ended":)", JsonString(attempt.ending), R"(,"error":)",
                      JsonString(attempt.error, limits::kHistoryErrorBytes), "}");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> DeadLetterHeaders(const SharePartitionId& id,
                                                                   absl::string_view topic,
                                                                   const DyingJob& job) {
  std::vector<std::pair<std::string, std::string>> headers = {
      {"weir-dlq-topic", std::string(topic)},
      {"weir-dlq-partition", absl::StrCat(id.partition.partition.value())},
      {"weir-dlq-offset", absl::StrCat(job.first.value())},
      {"weir-dlq-group", id.group},
      {"weir-dlq-reason", std::string(DeathReasonName(job.reason))}};
  if (!job.error.empty()) headers.emplace_back("weir-dlq-error", job.error);
  headers.emplace_back("weir-dlq-attempts", absl::StrCat(job.attempts));
  const auto attempt = [](std::string* out, const AttemptEnd& end) {
    absl::StrAppend(out, JsonAttempt(end));
  };
  headers.emplace_back("weir-dlq-history",
                       absl::StrCat("[", absl::StrJoin(job.history, ",", attempt), "]"));
  return headers;
}

}  // namespace weir
