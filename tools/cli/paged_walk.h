// PagedWalk: goes through something page by page, so that it does not matter how much there is;
// tells how far it has come, and ends behind a page when a stop is requested. One thread; signals
// must be blocked (StopSignal::Block).
#ifndef WEIR_TOOLS_CLI_PAGED_WALK_H_
#define WEIR_TOOLS_CLI_PAGED_WALK_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cli/stop_signal.h"

namespace weir {

class PagedWalk {
 public:
  // Does one page, the first is ""; gives the next one, or "" when that was all.
  using Step = absl::FunctionRef<absl::StatusOr<std::string>(const std::string& page)>;

  // As it tells it: `done` are how many of what ("dead letters") have been what ("purged").
  PagedWalk(absl::string_view what, absl::string_view done) : what_(what), done_(done) {}

  // Until there is no page, a step fails, or a stop is requested.
  void Run(Step step);

  // Of the step: what it has done.
  void Count(int64_t done) { count_ += done; }
  int64_t count() const { return count_; }
  StopSignal& stop() { return stop_; }

  // False: it failed before anything was done.
  bool has_result() const { return status_.ok() || steps_ > 0 || count_ > 0; }
  // The exit status; says on stderr what went wrong.
  int End() const;

 private:
  const std::string what_;
  const std::string done_;
  std::atomic<int64_t> count_ = 0;
  int64_t steps_ = 0;
  absl::Status status_;
  StopSignal stop_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_PAGED_WALK_H_
