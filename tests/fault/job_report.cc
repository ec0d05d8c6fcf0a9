#include "tests/fault/job_report.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

constexpr size_t kTextBytes = 1000;
constexpr size_t kFields = 9;

template <typename Letter>
absl::string_view Word(const Letter& letter) {
  return absl::string_view(reinterpret_cast<const char*>(&letter), 1);
}

template <typename Letter>
bool ReadWord(absl::string_view word, absl::string_view letters, Letter* letter) {
  if (word.size() != 1 || letters.find(word[0]) == absl::string_view::npos) return false;
  *letter = static_cast<Letter>(word[0]);
  return true;
}

}  // namespace

std::string WorkerName(int64_t worker) { return absl::StrCat("worker-", worker); }

std::string EncodeJobReport(const JobReport& report) {
  const std::string text =
      absl::StrReplaceAll(absl::string_view(report.text).substr(0, kTextBytes), {{"\n", " "}});
  return absl::StrCat(report.worker, " ", Word(report.what), Word(report.outcome),
                      Word(report.answer), " ", report.job.redriven ? 1 : 0, " ",
                      report.job.partition, " ", report.job.offset, " ", report.token.epoch, " ",
                      report.token.counter, " ", report.delivery_count, " ", text, "\n");
}

std::optional<JobReport> DecodeJobReport(absl::string_view line) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(' ', kFields - 1));
  JobReport report;
  if (parts.size() != kFields || parts[1].size() != 3) return std::nullopt;
  if (!absl::SimpleAtoi(parts[0], &report.worker) ||
      !ReadWord(parts[1].substr(0, 1), "hsaf", &report.what) ||
      !ReadWord(parts[1].substr(1, 1), "-ARUX", &report.outcome) ||
      !ReadWord(parts[1].substr(2, 1), "-ODL", &report.answer) ||
      !absl::SimpleAtoi(parts[3], &report.job.partition) ||
      !absl::SimpleAtoi(parts[4], &report.job.offset) ||
      !absl::SimpleAtoi(parts[5], &report.token.epoch) ||
      !absl::SimpleAtoi(parts[6], &report.token.counter) ||
      !absl::SimpleAtoi(parts[7], &report.delivery_count)) {
    return std::nullopt;
  }
  report.job.redriven = parts[2] == "1";
  report.text = std::string(parts[8]);
  return report;
}

}  // namespace weir
