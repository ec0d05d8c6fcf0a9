#include "tools/cli/dead_letter_text.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "tools/cli/json.h"
#include "tools/cli/listing.h"

namespace weir {
namespace {

std::string ShownOrNone(const std::optional<std::string>& bytes) {
  return bytes.has_value() ? Shown(*bytes) : "(none)";
}

// Error texts have lines: all but the first are moved in.
std::string Indented(absl::string_view text) {
  return absl::StrJoin(absl::StrSplit(text, '\n'), "\n             ",
                       [](std::string* out, absl::string_view line) {
                         absl::StrAppend(out, Shown(absl::StripSuffix(line, "\r")));
                       });
}

std::optional<absl::string_view> ViewOf(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

}  // namespace

std::string DeadLetterText(absl::string_view topic, const ShareAdmin::DeadLetter& letter) {
  std::string text = absl::StrCat(
      topic, "/", letter.partition.value(), ":", letter.offset.value(), "  ", letter.reason,
      " after ", letter.attempts, letter.attempts == 1 ? " attempt, " : " attempts, ",
      TimeText(letter.died), "\n  job        ", letter.source.topic, "/",
      letter.source.partition.value(), ":", letter.source_offset.value(), "\n");
  if (letter.redrives > 0)
    absl::StrAppend(&text, "  redriven   ", letter.redrives, " times before\n");
  if (letter.key.has_value()) absl::StrAppend(&text, "  key        ", Shown(*letter.key), "\n");
  absl::StrAppend(&text, "  value      ", ShownOrNone(letter.value), "\n");
  for (const auto& [name, value] : letter.headers)
    absl::StrAppend(&text, "  header     ", Shown(name), ": ", ShownOrNone(value), "\n");
  if (!letter.error.empty()) absl::StrAppend(&text, "  error      ", Indented(letter.error), "\n");
  for (const ShareAdmin::Attempt& attempt : letter.history) {
    absl::StrAppend(&text, "  attempt    ", TimeText(attempt.ended), "  ", Shown(attempt.worker),
                    "  ", attempt.ending, attempt.error.empty() ? "" : "  ",
                    Indented(attempt.error), "\n");
  }
  return text;
}

std::string DeadLetterJson(absl::string_view topic, const ShareAdmin::DeadLetter& letter) {
  JsonWriter json;
  json.BeginObject().Key("dead_letter_topic").String(topic);
  json.Key("partition").Int(letter.partition.value()).Key("offset").Int(letter.offset.value());
  json.Key("topic").String(letter.source.topic);
  json.Key("source_partition").Int(letter.source.partition.value());
  json.Key("source_offset").Int(letter.source_offset.value());
  json.Key("reason").String(letter.reason).Key("error").String(letter.error);
  json.Key("attempts").Int(letter.attempts).Key("redrives").Int(letter.redrives);
  json.Key("died_ms").Int(absl::ToUnixMillis(letter.died));
  json.Key("timestamp_ms").Int(letter.timestamp_ms);
  json.Bytes("key", ViewOf(letter.key)).Bytes("value", ViewOf(letter.value));
  json.Key("headers").BeginArray();
  for (const auto& [name, value] : letter.headers)
    json.BeginObject().Key("key").String(name).Bytes("value", ViewOf(value)).EndObject();
  json.EndArray().Key("history").BeginArray();
  for (const ShareAdmin::Attempt& attempt : letter.history) {
    json.BeginObject().Key("ended_ms").Int(absl::ToUnixMillis(attempt.ended));
    json.Key("worker").String(attempt.worker).Key("ending").String(attempt.ending);
    json.Key("error").String(attempt.error).EndObject();
  }
  return absl::StrCat(json.EndArray().EndObject().text(), "\n");
}

std::string ReasonsText(const std::map<std::string, int64_t>& reasons) {
  std::vector<std::pair<std::string, int64_t>> sorted(reasons.begin(), reasons.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return absl::StrJoin(sorted, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, " ", entry.second);
  });
}

}  // namespace weir
