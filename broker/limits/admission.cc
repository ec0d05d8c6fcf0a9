#include "broker/limits/admission.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  Release();
  share_ = std::exchange(other.share_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void Reservation::Release() { Shrink(0); }

void Reservation::Shrink(int64_t bytes) {
  WEIR_CHECK(bytes >= 0 && bytes <= bytes_);
  const int64_t back = bytes_ - bytes;
  bytes_ = bytes;
  if (back > 0) share_->GiveBack(back);
}

bool Reservation::TryGrow(int64_t bytes) {
  WEIR_CHECK(share_ != nullptr);
  if (bytes <= bytes_) return true;
  if (!share_->Take(bytes - bytes_, bytes_)) return false;
  bytes_ = bytes;
  return true;
}

void Reservation::Absorb(Reservation other) {
  if (other.share_ == nullptr) return;
  WEIR_CHECK(share_ == nullptr || share_ == other.share_);
  share_ = other.share_;
  bytes_ += std::exchange(other.bytes_, 0);
}

bool MemoryShare::Take(int64_t bytes, int64_t own) {
  int64_t used = used_.load();
  do {
    if (used > own && bytes > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

std::optional<Reservation> MemoryShare::TryReserve(int64_t bytes) {
  WEIR_CHECK(bytes >= 0);
  if (waiting_.load() == 0 && Take(bytes)) return Reservation(this, bytes);
  refused_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

std::optional<Reservation> MemoryShare::ReserveOrNotify(int64_t bytes, Admitted admitted) {
  WEIR_CHECK(bytes >= 0);
  if (waiting_.load() == 0 && Take(bytes)) return Reservation(this, bytes);
  absl::MutexLock lock(&mu_);
  waiting_.fetch_add(1);
  if (waiters_.empty() && Take(bytes)) {
    waiting_.fetch_sub(1);
    return Reservation(this, bytes);
  }
  waited_.fetch_add(1, std::memory_order_relaxed);
  waiters_.push_back({bytes, std::move(admitted)});
  return std::nullopt;
}

void MemoryShare::GiveBack(int64_t bytes) {
  used_.fetch_sub(bytes);
  if (waiting_.load() == 0) return;
  // One thread at a time calls the waiters: one that drops its reservation at once comes back here
  // from inside its callback.
  absl::MutexLock lock(&mu_);
  if (delivering_) return;
  delivering_ = true;
  while (!waiters_.empty() && Take(waiters_.front().bytes)) {
    Waiter waiter = std::move(waiters_.front());
    waiters_.pop_front();
    waiting_.fetch_sub(1);
    mu_.Unlock();
    waiter.admitted(Reservation(this, waiter.bytes));
    mu_.Lock();
  }
  delivering_ = false;
}

absl::Status OverMemoryBudget(const MemoryShare& share, int64_t bytes) {
  return MakeError(Reason::kOverMemoryBudget,
                   absl::StrCat("a request of ", bytes, " bytes does not fit: ", share.used(),
                                " of ", share.limit(), " bytes are in use by other requests"),
                   absl::Milliseconds(limits::kOverBudgetRetryMs));
}

}  // namespace weir
