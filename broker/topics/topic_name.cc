#include "broker/topics/topic_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

constexpr absl::string_view kInternalPrefix = "__";

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

absl::Status Refused(absl::string_view name, absl::string_view why) {
  return MakeError(Reason::kInvalidTopicName,
                   absl::StrCat("'", ReadableText(name, limits::kTopicNameLength),
                                "' cannot be a topic's name: ", why));
}

}  // namespace

std::string FaultOfName(absl::string_view name, size_t longest) {
  if (name.empty()) return "it is empty";
  if (name.size() > longest) {
    return absl::StrCat("it has ", name.size(), " characters, at most ", longest, " are allowed");
  }
  if (name == "." || name == "..") return "it means a directory";
  const auto bad = std::find_if_not(name.begin(), name.end(), IsNameCharacter);
  if (bad == name.end()) return "";
  const absl::string_view rest = name.substr(static_cast<size_t>(bad - name.begin()));
  return absl::StrCat("'", ReadableText(FirstCharacter(rest)),
                      "' is not among the allowed A-Z a-z 0-9 . _ -");
}

absl::Status CheckTopicName(absl::string_view name) {
  if (const std::string fault = FaultOfName(name, limits::kTopicNameLength); !fault.empty())
    return Refused(name, fault);
  if (IsInternalTopic(name))
    return Refused(name, "names that begin with '__' belong to the broker");
  return absl::OkStatus();
}

bool IsInternalTopic(absl::string_view name) { return absl::StartsWith(name, kInternalPrefix); }

absl::Status CheckMayChange(absl::string_view name) {
  if (!IsInternalTopic(name)) return absl::OkStatus();
  return MakeError(Reason::kInvalidTopicName,
                   absl::StrCat("'", ReadableText(name, limits::kTopicNameLength),
                                "' belongs to the broker: it can be read, not changed"));
}

}  // namespace weir
