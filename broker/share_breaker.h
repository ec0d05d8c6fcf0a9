// ShareBreaker: pauses a share group whose jobs die in masses. More than dlq.breaker.count jobs
// that died of their attempts within dlq.breaker.window.ms, which are also over a fifth of all jobs
// that came to an end in that time, are no sign of bad jobs but of an outage behind the workers:
// work should stop, not be thrown away. Only a command resumes the group. Any thread; guarded by
// mu_.
#ifndef WEIR_BROKER_SHARE_BREAKER_H_
#define WEIR_BROKER_SHARE_BREAKER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_settings.h"
#include "storage/base/clock.h"

namespace weir {

class ShareBreaker {
 public:
  // Is to pause the group of this incarnation; must not wait.
  using Pause = std::function<void(const std::string& group, int64_t incarnation)>;

  // Both outlive the breaker.
  ShareBreaker(const ShareSettingsView* settings, Clock* clock, Pause pause)
      : settings_(settings), clock_(clock), pause_(std::move(pause)) {}

  void Note(const std::string& group, const ShareOutcomes& outcomes) ABSL_LOCKS_EXCLUDED(mu_);
  // The group is gone.
  void Forget(const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The window in pieces; the oldest goes as a whole.
  static constexpr int64_t kPieces = 10;
  struct Piece {
    int64_t number = -1;  // of all pieces since the clock began
    int64_t ended = 0;
    int64_t died = 0;  // of their attempts
  };
  struct Window {
    int64_t incarnation = 0;
    int64_t piece_ms = 0;
    std::array<Piece, kPieces> pieces;
  };

  // True when the group is to be paused; it is counted anew then.
  bool Count(const std::string& group, const ShareSettings& settings, int64_t ended, int64_t died)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const ShareSettingsView* const settings_;
  Clock* const clock_;
  const Pause pause_;

  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Window> windows_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_BREAKER_H_
