// JobReport: what a worker of a share group says of one job, a line each. A value.
#ifndef WEIR_TESTS_FAULT_JOB_REPORT_H_
#define WEIR_TESTS_FAULT_JOB_REPORT_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// A job of a group that reads one topic, and its own redrive topic.
struct JobId {
  bool redriven = false;
  int32_t partition = 0;
  int64_t offset = 0;

  auto operator<=>(const JobId&) const = default;
};

// One acquisition; newer ones are greater.
struct JobToken {
  int32_t epoch = 0;  // of the broker's life
  int64_t counter = 0;

  auto operator<=>(const JobToken&) const = default;
};

struct JobReport {
  enum class What : char {
    kHanded = 'h',    // it was handed the job; `text`: its value
    kSays = 's',      // it is about to acknowledge it
    kAnswered = 'a',  // it was told what became of that
    kFails = 'f',     // `text`: what must not happen
  };
  enum class Outcome : char {
    kNone = '-',
    kAccept = 'A',
    kRelease = 'R',
    kReleaseUncounted = 'U',
    kReject = 'X',
  };
  enum class Answer : char { kNone = '-', kOk = 'O', kAlreadyDone = 'D', kLockLost = 'L' };

  int64_t worker = 0;  // number of its process
  What what = What::kFails;
  JobId job;
  JobToken token;
  int32_t delivery_count = 0;
  Outcome outcome = Outcome::kNone;
  Answer answer = Answer::kNone;
  std::string text;
};

// By which the broker knows the worker.
std::string WorkerName(int64_t worker);

// One line, short enough to be written at once, whole (PIPE_BUF).
std::string EncodeJobReport(const JobReport& report);
// Of a line without its end; nothing when it is none.
std::optional<JobReport> DecodeJobReport(absl::string_view line);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_REPORT_H_
