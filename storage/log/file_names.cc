#include "storage/log/file_names.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/file_system.h"

namespace weir {
namespace {

constexpr absl::string_view kSegmentSuffix = ".log";
constexpr absl::string_view kIndexSuffix = ".index";
constexpr absl::string_view kJournalSuffix = ".journal";

// The number before `suffix`, when it has exactly `digits` digits (0: any canonical number).
std::optional<int64_t> ParseNumber(absl::string_view name, absl::string_view suffix,
                                   size_t digits) {
  if (!absl::EndsWith(name, suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  int64_t number = 0;
  if (!absl::SimpleAtoi(name, &number) || number < 0) return std::nullopt;
  const std::string canonical =
      digits == 0 ? absl::StrCat(number) : absl::StrFormat("%0*d", int(digits), number);
  if (canonical != name) return std::nullopt;
  return number;
}

}  // namespace

std::string JournalDirectory(absl::string_view data) { return JoinPath(data, "journal"); }
std::string JournalPath(absl::string_view data, int slot) {
  return JoinPath(JournalDirectory(data), absl::StrFormat("%010d%s", slot, kJournalSuffix));
}
std::string RecoveryPointPath(absl::string_view data) { return JoinPath(data, "recovery-point"); }
std::string ReservePath(absl::string_view data) { return JoinPath(data, "reserve"); }
std::string LogsDirectory(absl::string_view data) { return JoinPath(data, "logs"); }
std::string TopicDirectory(absl::string_view data, const TopicId& topic) {
  return JoinPath(LogsDirectory(data), topic.ToString());
}
std::string PartitionDirectory(absl::string_view data, const TopicPartition& id) {
  return JoinPath(TopicDirectory(data, id.topic), absl::StrCat(id.partition.value()));
}

std::string SegmentName(Offset base) {
  return absl::StrFormat("%020d%s", base.value(), kSegmentSuffix);
}
std::string IndexName(Offset base) {
  return absl::StrFormat("%020d%s", base.value(), kIndexSuffix);
}
std::string DamagedName(absl::string_view name) { return absl::StrCat(name, ".damaged"); }

std::optional<Offset> ParseSegmentName(absl::string_view name) {
  const auto number = ParseNumber(name, kSegmentSuffix, 20);
  return number ? std::optional<Offset>(Offset{*number}) : std::nullopt;
}
std::optional<Offset> ParseIndexName(absl::string_view name) {
  const auto number = ParseNumber(name, kIndexSuffix, 20);
  return number ? std::optional<Offset>(Offset{*number}) : std::nullopt;
}
std::optional<int> ParseJournalName(absl::string_view name) {
  const auto number = ParseNumber(name, kJournalSuffix, 10);
  return number && *number < 1'000'000 ? std::optional<int>(static_cast<int>(*number))
                                       : std::nullopt;
}
std::optional<PartitionIndex> ParsePartitionName(absl::string_view name) {
  const auto number = ParseNumber(name, "", 0);
  return number && *number <= INT32_MAX
             ? std::optional<PartitionIndex>(PartitionIndex(int32_t(*number)))
             : std::nullopt;
}

}  // namespace weir
