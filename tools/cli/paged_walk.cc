#include "tools/cli/paged_walk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/progress.h"

namespace weir {
namespace {
constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);
}  // namespace

void PagedWalk::Run(Step step) {
  Progress progress(ProgressMode::kAuto, kProgressInterval, [this] {
    return Progress::Text{
        .bar = absl::StrCat(WithCommas(count_), " ", what_, " ", done_),
        .line = absl::StrCat("progress ", absl::StrReplaceAll(what_, {{" ", "_"}}), "=",
                             count_.load())};
  });
  std::string page;
  do {
    absl::StatusOr<std::string> next = step(page);
    if (!next.ok()) {
      status_ = next.status();
      return;
    }
    ++steps_;
    page = *std::move(next);
  } while (!page.empty() && !stop_.requested());
}

int PagedWalk::End() const {
  if (!status_.ok()) return Fail(status_);
  return stop_.requested() ? kExitInterrupted : kExitOk;
}

}  // namespace weir
