// Clock: the injected time. Wall time may jump; monotonic time only grows and measures ages and
// waits. Any thread.
#ifndef WEIR_STORAGE_BASE_CLOCK_H_
#define WEIR_STORAGE_BASE_CLOCK_H_

#include <cstdint>

#include "absl/time/time.h"

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  // Time of day.
  virtual absl::Time Now() const = 0;
  // Since an arbitrary start; never goes back.
  virtual absl::Duration Monotonic() const = 0;

  int64_t NowMs() const { return absl::ToUnixMillis(Now()); }
  // NowMs as it was up to a few milliseconds ago, several times cheaper: for stamping every single
  // record.
  virtual int64_t CoarseNowMs() const { return NowMs(); }

  // The machine's clock.
  static Clock& Real();
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_CLOCK_H_
