// Clock: the injected time. Wall time may jump; monotonic time only grows and measures ages and waits. Any thread.
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

  // The machine's clock.
  static Clock& Real();
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_CLOCK_H_
