#include "broker/share_breaker.h"

#include <memory>
#include <numeric>

#include "absl/time/time.h"
#include "storage/base/limits.h"

namespace weir {

void ShareBreaker::Note(const std::string& group, const ShareOutcomes& outcomes) {
  const int64_t died = outcomes.died[static_cast<size_t>(DeathReason::kMaxAttempts) - 1];
  const int64_t ended =
      std::accumulate(outcomes.died.begin(), outcomes.died.end(), outcomes.accepted);
  if (ended == 0) return;
  const std::shared_ptr<const ShareSettings> settings = settings_->Find(group);
  if (settings == nullptr || settings->pause != SharePause::kRunning) return;
  {
    absl::MutexLock lock(&mu_);
    if (!Count(group, *settings, ended, died)) return;
  }
  pause_(group, settings->incarnation);
}

bool ShareBreaker::Count(const std::string& group, const ShareSettings& settings, int64_t ended,
                         int64_t died) {
  Window& window = windows_[group];
  // Rounded up: all of the window is in it, and at most a piece more.
  const int64_t piece_ms = (settings.breaker_window_ms + kPieces - 2) / (kPieces - 1);
  if (window.incarnation != settings.incarnation || window.piece_ms != piece_ms)
    window = {.incarnation = settings.incarnation, .piece_ms = piece_ms, .pieces = {}};
  const int64_t now = absl::ToInt64Milliseconds(clock_->Monotonic()) / piece_ms;
  Piece& piece = window.pieces[static_cast<size_t>(now % kPieces)];
  if (piece.number != now) piece = {.number = now};
  piece.ended += ended;
  piece.died += died;
  int64_t all_ended = 0;
  int64_t all_died = 0;
  for (const Piece& one : window.pieces) {
    if (one.number <= now - kPieces) continue;
    all_ended += one.ended;
    all_died += one.died;
  }
  const bool too_many =
      all_died > settings.breaker_count && all_died * 100 > all_ended * limits::kBreakerPercent;
  if (too_many) windows_.erase(group);
  return too_many;
}

void ShareBreaker::Forget(const std::string& group) {
  absl::MutexLock lock(&mu_);
  windows_.erase(group);
}

}  // namespace weir
