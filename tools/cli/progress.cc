#include "tools/cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr absl::string_view kEraseLine = "\r\033[K";

void Write(absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

ProgressMode Resolve(ProgressMode mode) {
  if (mode != ProgressMode::kAuto) return mode;
  return isatty(STDERR_FILENO) ? ProgressMode::kBar : ProgressMode::kNone;
}

}  // namespace

absl::StatusOr<ProgressMode> ParseProgressArgument(absl::string_view text) {
  if (text == "auto") return ProgressMode::kAuto;
  if (text == "bar") return ProgressMode::kBar;
  if (text == "lines") return ProgressMode::kLines;
  if (text == "none") return ProgressMode::kNone;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not auto, bar, lines or none"));
}

Progress::Progress(ProgressMode mode, absl::Duration interval, std::function<Text()> text)
    : mode_(Resolve(mode)), interval_(interval), text_(std::move(text)) {
  thread_ = std::make_unique<ThreadExecutor>("progress", 1);
  thread_->Post([this] { Run(); });
}

Progress::~Progress() {
  stop_.Notify();
  thread_.reset();
  if (mode_ == ProgressMode::kNone) return;
  Write(mode_ == ProgressMode::kBar ? std::string(kEraseLine) : absl::StrCat(text_().line, "\n"));
}

void Progress::Run() {
  while (!stop_.WaitForNotificationWithTimeout(interval_)) {
    const Text text = text_();
    if (!text.notice.empty())
      Write(absl::StrCat(mode_ == ProgressMode::kBar ? kEraseLine : "", text.notice, "\n"));
    if (mode_ == ProgressMode::kNone) continue;
    Write(mode_ == ProgressMode::kBar ? absl::StrCat(kEraseLine, text.bar)
                                      : absl::StrCat(text.line, "\n"));
  }
}

}  // namespace weir
