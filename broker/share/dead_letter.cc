#include "broker/share/dead_letter.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "broker/share/delivery_state.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// A string of JSON; what is no UTF-8 becomes U+FFFD.
std::string JsonString(absl::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      absl::StrAppend(&json, kReplacement);
    } else if (first < 0x20) {
      absl::StrAppend(&json, "\\u", absl::Hex(first, absl::kZeroPad4));
    } else {
      absl::StrAppend(&json, first == '"' || first == '\\' ? "\\" : "", text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json.push_back('"');
  return json;
}

// At most so many bytes from the front of the text, cut between characters.
absl::string_view Front(absl::string_view text, size_t most) {
  size_t size = 0;
  while (size < text.size()) {
    const size_t length = Utf8SequenceLength(text.substr(size));
    const size_t next = size + (length == 0 ? 1 : length);
    if (next > most) break;
    size = next;
  }
  return text.substr(0, size);
}

std::string JsonAttempt(const AttemptEnd& attempt) {
  const std::string at = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(attempt.ended_ms), absl::UTCTimeZone());
  return absl::StrCat(R"({"at":)", JsonString(at), R"(,"worker":)", JsonString(attempt.worker),
                      R"(,"ended":)", JsonString(attempt.ending), R"(,"error":)",
                      JsonString(Front(attempt.error, limits::kHistoryErrorBytes)), "}");
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
