#include "tools/cli/produce_run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"

namespace weir {
namespace {

constexpr int kErrorsShown = 5;
constexpr size_t kPartitionsShown = 24;                    // told one by one up to this many
constexpr absl::Duration kStall = absl::Seconds(3);        // unanswered for so long is worth a word
constexpr absl::Duration kPacing = absl::Milliseconds(2);  // how far ahead of its rate a run may be

void Say(absl::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

absl::Duration Now() { return Clock::Real().Monotonic(); }

// An error of this record (or its batch) alone: others may go through.
bool OnlyThisRecord(const absl::Status& error) {
  const std::optional<Reason> reason = ReasonOf(error);
  return reason == Reason::kMessageTooLarge || reason == Reason::kClientClosed ||
         reason == Reason::kCommitUncertain;
}

}  // namespace

ProduceRun::ProduceRun(const ProduceOptions& options, const Client& client)
    : options_(options),
      moved_at_(Now()),
      start_(Now()),
      producer_(client, options.producer),
      closer_("closer", 1),
      stop_([this](int number) { OnSignal(number); }) {
  for (const auto& [key, value] : options.headers) headers_.push_back({key, value});
}

// The first signal lets what was sent be answered; the second gives up at once.
void ProduceRun::OnSignal(int number) {
  if (number == 1) {
    Say(absl::StrCat("\nweir: stopping; waiting at most ",
                     absl::FormatDuration(options_.stop_timeout),
                     " for the answers still to come (Ctrl-C again: not at all)"));
    closer_.Post([this] {
      producer_.Close(options_.stop_timeout).IgnoreError();
      closed_.Notify();
    });
    return;
  }
  const ProducerCounters counters = producer_.counters();
  Say(absl::StrCat(counters.acknowledged, " records acknowledged\n", counters.pending,
                   " records without an answer"));
  _exit(kExitInterrupted);
}

void ProduceRun::NoteError(int64_t line, const absl::Status& error) {
  if (!OnlyThisRecord(error)) doomed_.store(true, std::memory_order_relaxed);
  if (ReasonOf(error) == Reason::kClientClosed)
    return;  // we closed it; the count is told at the end
  absl::MutexLock lock(&mu_);
  if (++errors_shown_ > kErrorsShown) return;
  Say(absl::StrCat("weir: line ", line, ": ", ErrorText(error)));
  const std::string hint = HintFor(error);
  if (!hint.empty() && std::exchange(hint_told_, hint) != hint) Say(absl::StrCat("hint: ", hint));
}

void ProduceRun::OnOutcome(int64_t line, const absl::StatusOr<RecordPosition>& outcome) {
  if (!outcome.ok()) return NoteError(line, outcome.status());
  const auto partition = static_cast<size_t>(outcome->partition.value());
  if (partition >= acknowledged_.size()) acknowledged_.resize(partition + 1);
  ++acknowledged_[partition];
}

std::optional<int64_t> ProduceRun::DeliverAtMs() const {
  if (!options_.delay) return std::nullopt;
  return absl::ToUnixMillis(Clock::Real().Now() + *options_.delay);
}

bool ProduceRun::Send(absl::string_view line) {
  ++lines_;
  const KeyAndValue record = SplitKey(line, options_.key_separator);
  if (!record.key && !options_.key_separator.empty()) ++keyless_;
  const int64_t number = lines_;
  const absl::Status sent =
      producer_.Send({.topic = options_.topic,
                      .key = record.key,
                      .value = record.value,
                      .headers = headers_,
                      .partition = options_.partition,
                      .deliver_at_ms = DeliverAtMs()},
                     [this, number](const absl::StatusOr<RecordPosition>& outcome) {
                       OnOutcome(number, outcome);
                     });
  if (sent.ok()) [[likely]]
    return true;
  ++refused_;
  NoteError(number, sent);
  return OnlyThisRecord(sent);
}

// Holds the run to its rate. False when it was stopped meanwhile.
bool ProduceRun::WaitForTurn() {
  const absl::Duration due =
      absl::Seconds(static_cast<double>(lines_) / static_cast<double>(options_.rate));
  const absl::Duration ahead = due - (Now() - start_);
  return ahead < kPacing || !stop_.WaitFor(ahead);
}

ProduceRun::End ProduceRun::SendAll(LineReader* lines) {
  for (;;) {
    if (doomed_.load(std::memory_order_relaxed)) return End::kError;
    if (stop_.requested()) return End::kStopped;
    if (options_.rate > 0 && !WaitForTurn()) return End::kStopped;
    absl::string_view line;
    switch (lines->Next(&line)) {
      case LineReader::Result::kLine:
        if (Send(line)) break;
        return stop_.requested() ? End::kStopped : End::kError;
      case LineReader::Result::kTooLong:
        ++lines_;
        ++refused_;
        NoteError(lines_, MakeError(Reason::kMessageTooLarge,
                                    absl::StrCat("it is longer than ",
                                                 limits::kMaxMessageBytesLargest, " bytes")));
        break;
      case LineReader::Result::kStopped:
        return End::kStopped;
      case LineReader::Result::kEnd:
        if (lines->status().ok()) return End::kInput;
        Fail(lines->status());
        return End::kError;
    }
  }
}

std::string ProduceRun::StallNotice(absl::Duration stalled) {
  const absl::Status trouble = producer_.last_error();
  const std::optional<Reason> reason = ReasonOf(trouble);
  const std::string name =
      reason ? std::string(InfoOf(*reason).name) : absl::StatusCodeToString(trouble.code());
  if (std::exchange(told_stall_, name) == name) return "";
  const std::string hint = trouble.ok() ? "" : HintFor(trouble);
  return absl::StrCat("weir: nothing acknowledged for ", absl::ToInt64Seconds(stalled), " s",
                      trouble.ok() ? "" : absl::StrCat(": ", ErrorText(trouble)),
                      "; trying again until it goes on", hint.empty() ? "" : "\nhint: ", hint);
}

Progress::Text ProduceRun::ProgressText() {
  const ProducerCounters counters = producer_.counters();
  const absl::Duration now = Now();
  if (counters.acknowledged != seen_acknowledged_ || counters.pending == 0) {
    moved_at_ = now;
    told_stall_.clear();
  }
  seen_acknowledged_ = counters.acknowledged;
  const auto per_second = static_cast<int64_t>(static_cast<double>(counters.acknowledged) /
                                               absl::ToDoubleSeconds(now - start_));
  const int64_t failed = counters.failed + counters.uncertain;
  Progress::Text text;
  text.bar = absl::StrCat(WithCommas(counters.acknowledged), " records acknowledged, ",
                          WithCommas(per_second), " per second");
  if (failed > 0) absl::StrAppend(&text.bar, ", ", WithCommas(failed), " failed");
  if (now - moved_at_ > kStall) {
    absl::StrAppend(&text.bar, ", no answer for ", absl::ToInt64Seconds(now - moved_at_),
                    " s: trying again");
    text.notice = StallNotice(now - moved_at_);
  }
  text.line =
      absl::StrCat("progress acknowledged=", counters.acknowledged, " pending=", counters.pending,
                   " failed=", failed, " retried_batches=", counters.retried_batches,
                   " per_second=", per_second);
  return text;
}

int ProduceRun::Report(End end) {
  const ProducerCounters counters = producer_.counters();
  const double seconds = absl::ToDoubleSeconds(Now() - start_);
  Say(absl::StrCat(
      counters.acknowledged, " records acknowledged in ", absl::StrFormat("%.1f", seconds), " s (",
      WithCommas(static_cast<int64_t>(static_cast<double>(counters.acknowledged) / seconds)),
      " per second)"));
  if (acknowledged_.size() <= kPartitionsShown) {
    for (size_t p = 0; p < acknowledged_.size(); ++p) {
      if (acknowledged_[p] > 0)
        Say(absl::StrCat("  partition ", p, ": ", WithCommas(acknowledged_[p])));
    }
  } else {
    Say(absl::StrCat("  over ",
                     acknowledged_.size() - static_cast<size_t>(std::count(acknowledged_.begin(),
                                                                           acknowledged_.end(), 0)),
                     " partitions"));
  }
  if (keyless_ > 0) {
    Say(absl::StrCat(keyless_, " lines without '", options_.key_separator,
                     "' went as records without a key"));
  }
  const int64_t not_written = counters.failed + refused_;
  if (not_written > 0) Say(absl::StrCat(not_written, " records were not written"));
  if (counters.uncertain > 0)
    Say(absl::StrCat(counters.uncertain, " records have an unknown outcome: perhaps written"));
  if (end != End::kInput)
    Say(absl::StrCat(end == End::kStopped ? "stopped" : "gave up", " after ", lines_,
                     " lines of the input"));
  if (end == End::kStopped) return kExitInterrupted;
  return end == End::kInput && not_written == 0 && counters.uncertain == 0 ? kExitOk : kExitFailed;
}

int ProduceRun::Run() {
  LineReader lines(options_.input, static_cast<size_t>(limits::kMaxMessageBytesLargest),
                   [this] { return stop_.WaitForInput(options_.input); });
  End end = End::kInput;
  {
    Progress progress(options_.progress, options_.progress_interval,
                      [this] { return ProgressText(); });
    end = SendAll(&lines);
    // What failed is in the counters.
    producer_.Flush().IgnoreError();
    if (stop_.requested()) closed_.WaitForNotification();
  }
  return Report(end);
}

}  // namespace weir
