// MemoryBudget: how many bytes of requests the broker holds at once. Whoever decodes a request or
// builds an answer reserves its bytes first; what does not fit is refused or waits before any work
// is done. It counts, it allocates nothing. Produce and fetch have a share each, so that neither
// starves the other; a third is for the requests of all calls but produce, which a fetch that waits
// holds all the time. Any thread; one atomic operation as long as nobody waits.
#ifndef WEIR_BROKER_LIMITS_ADMISSION_H_
#define WEIR_BROKER_LIMITS_ADMISSION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class MemoryShare;

// Bytes held in a share; given back when destroyed. Movable; must not outlive the budget.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation() { Release(); }

  // Gives everything back now.
  void Release();
  // Gives back all but `bytes`, when an answer turned out smaller than was reserved for it. At most
  // bytes().
  void Shrink(int64_t bytes);
  // Takes more, up to `bytes`, if they fit, as TryReserve would for whoever holds nothing else. Of
  // one that is not empty.
  bool TryGrow(int64_t bytes);
  // Takes over what `other`, of the same share, holds.
  void Absorb(Reservation other);
  int64_t bytes() const { return bytes_; }

 private:
  friend class MemoryShare;
  Reservation(MemoryShare* share, int64_t bytes) : share_(share), bytes_(bytes) {}

  MemoryShare* share_ = nullptr;
  int64_t bytes_ = 0;
};

class MemoryShare {
 public:
  using Admitted = absl::AnyInvocable<void(Reservation)>;

  explicit MemoryShare(int64_t limit) : limit_(limit) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  // Nothing when `bytes` do not fit, or others have waited longer. A request larger than the whole
  // share fits when the share is empty: so the largest allowed request is served at any limit, and
  // use exceeds the limit by at most that one.
  std::optional<Reservation> TryReserve(int64_t bytes);

  // As TryReserve; when it gives nothing, `admitted` gets the reservation once there is room, in
  // the order of the calls, on a thread that gave bytes back, perhaps before this returns.
  // `admitted` must not block. Waiters are bounded by their callers: one per stream. One whose
  // stream is gone simply drops what it gets.
  std::optional<Reservation> ReserveOrNotify(int64_t bytes, Admitted admitted)
      ABSL_LOCKS_EXCLUDED(mu_);

  int64_t limit() const { return limit_; }
  int64_t used() const { return used_.load(std::memory_order_relaxed); }
  // How often TryReserve gave nothing, and how often ReserveOrNotify had to wait.
  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  int64_t waited() const { return waited_.load(std::memory_order_relaxed); }
  int64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  friend class Reservation;
  struct Waiter {
    int64_t bytes;
    Admitted admitted;
  };

  // Takes `bytes` if they fit, or if nobody holds any but the caller, who holds `own`.
  bool Take(int64_t bytes, int64_t own = 0);
  void GiveBack(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

  const int64_t limit_;
  std::atomic<int64_t> used_{0};
  std::atomic<int64_t> waiting_{
      0};  // announced before the waiter looks at used_, so that no GiveBack overlooks it
  std::atomic<int64_t> refused_{0};
  std::atomic<int64_t> waited_{0};
  absl::Mutex mu_;
  std::deque<Waiter> waiters_ ABSL_GUARDED_BY(mu_);  // oldest first
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;     // some thread is calling waiters
};

class MemoryBudget {
 public:
  // Of `limit` bytes a half is for produces, an eighth for other requests, the rest for what is
  // fetched.
  explicit MemoryBudget(int64_t limit)
      : produce_(limit / 2), calls_(limit / 8), fetch_(limit - limit / 2 - limit / 8) {}

  MemoryShare& produce() { return produce_; }
  MemoryShare& calls() { return calls_; }
  MemoryShare& fetch() { return fetch_; }
  int64_t limit() const { return produce_.limit() + calls_.limit() + fetch_.limit(); }
  int64_t used() const { return produce_.used() + calls_.used() + fetch_.used(); }

 private:
  MemoryShare produce_;
  MemoryShare calls_;
  MemoryShare fetch_;
};

// OVER_MEMORY_BUDGET for a request of `bytes`, with a time to retry.
absl::Status OverMemoryBudget(const MemoryShare& share, int64_t bytes);

}  // namespace weir

#endif  // WEIR_BROKER_LIMITS_ADMISSION_H_
