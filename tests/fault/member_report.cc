#include "tests/fault/member_report.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

constexpr size_t kTextBytes = 1000;
constexpr char kKinds[] = "jbsacglf";

}  // namespace

std::string EncodeReport(const MemberReport& report) {
  const std::string text =
      absl::StrReplaceAll(absl::string_view(report.text).substr(0, kTextBytes), {{"\n", " "}});
  const char what[] = {static_cast<char>(report.what), '\0'};
  return absl::StrCat(report.member, " ", what, " ", report.partition, " ", report.from, " ",
                      report.to, " ", text, "\n");
}

std::optional<MemberReport> DecodeReport(absl::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 5));
  MemberReport report;
  if (parts.size() != 6 || !absl::SimpleAtoi(parts[0], &report.member) || parts[1].size() != 1 ||
      absl::string_view(kKinds).find(parts[1][0]) == absl::string_view::npos ||
      !absl::SimpleAtoi(parts[2], &report.partition) || !absl::SimpleAtoi(parts[3], &report.from) ||
      !absl::SimpleAtoi(parts[4], &report.to)) {
    return std::nullopt;
  }
  report.what = static_cast<MemberReport::What>(parts[1][0]);
  report.text = parts[5];
  return report;
}

}  // namespace weir
