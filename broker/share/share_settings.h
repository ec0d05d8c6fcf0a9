// ShareSettings: what a share group is set to, as the machines of its share-partitions use it, and
// the view through which they see it.
//
// A group's head lives in one internal partition and its share-partitions in others, so the
// settings are published, not sent with requests: a lock that expires or a retry that falls due has
// no request, and a pause must hold everywhere at once. Nothing that is replayed depends on them:
// records hold what was decided (due times, deaths), never what it was decided by. So a view that
// is a moment behind is harmless.
#ifndef WEIR_BROKER_SHARE_SHARE_SETTINGS_H_
#define WEIR_BROKER_SHARE_SHARE_SETTINGS_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "storage/base/limits.h"

namespace weir {

enum class ShareOrder : uint8_t {
  kNone = 1,
  kKey = 2,  // jobs with one key one at a time, in order, also through retries
};

enum class SharePause : uint8_t { kRunning, kPaused, kPausedByBreaker };

struct ShareSettings {
  // Tells groups apart that had one name one after the other: state of another one is no state of
  // this group. The time of its creation.
  int64_t incarnation = 0;
  SharePause pause = SharePause::kRunning;
  ShareOrder order = ShareOrder::kNone;  // for as long as the group lives
  int64_t ack_timeout_ms = limits::kAckTimeoutDefaultMs;
  int32_t max_delivery_attempts = limits::kDeliveryAttemptsDefault;
  int64_t retry_backoff_initial_ms = limits::kRetryBackoffInitialDefaultMs;
  int64_t retry_backoff_max_ms = limits::kRetryBackoffMaxDefaultMs;
  int64_t max_in_flight = limits::kShareInFlightDefault;  // jobs, of one share-partition
  int64_t max_parked = limits::kShareParkedDefault;       // jobs, of one share-partition
  int64_t breaker_count = limits::kBreakerCountDefault;
  int64_t breaker_window_ms = limits::kBreakerWindowDefaultMs;

  bool operator==(const ShareSettings&) const = default;
};

// In memory: no call waits. Any thread.
class ShareSettingsView {
 public:
  virtual ~ShareSettingsView() = default;

  // Null when there is no such share group, or it is not known yet.
  virtual std::shared_ptr<const ShareSettings> Find(absl::string_view group) const = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_SETTINGS_H_
