// MemberReport: what a member of a consumer group says of itself, a line each, on a pipe that all
// members share: lines come in the order in which they were written, whoever wrote them. A value.
#ifndef WEIR_TESTS_FAULT_MEMBER_REPORT_H_
#define WEIR_TESTS_FAULT_MEMBER_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

struct MemberReport {
  enum class What : char {
    kJoined = 'j',     // `text`: its member id
    kBegins = 'b',     // it owns the partition from now on
    kSaw = 's',        // the records of the partition from `from` to before `to`
    kAsks = 'a',       // is about to commit `to`
    kCommitted = 'c',  // it was told that `to` is committed
    kGaveUp = 'g',     // is about to give the partition up
    kLost = 'l',       // it was told that it owns the partition no more
    kFails = 'f',      // `text`: what must not happen
  };

  int64_t member = 0;  // number of the process
  What what = What::kFails;
  int32_t partition = 0;
  int64_t from = 0;
  int64_t to = 0;
  std::string text;
};

// One line, short enough to be written at once, whole (PIPE_BUF).
std::string EncodeReport(const MemberReport& report);
// Of a line without its end; nothing when it is none.
std::optional<MemberReport> DecodeReport(absl::string_view line);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MEMBER_REPORT_H_
