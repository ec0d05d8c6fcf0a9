// absl::Mutex, CondVar, Notification and BlockingCounter on std::mutex, in place of the packaged
// ones, for builds with ThreadSanitizer only. Debian's abseil is built without it, so
// ThreadSanitizer sees no lock in absl::Mutex and reports everything it guards as a race. It does
// know std::mutex. The definitions here take precedence over those in the shared library, for its
// own calls too. Simple before fast: readers exclude each other, and every unlock wakes all who
// await a condition.
#include <sanitizer/tsan_interface.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace {

// What a Mutex points to from its one word, made at its first use.
struct MutexState {
  std::mutex mutex;
  std::condition_variable condition_may_hold;
  int awaiting = 0;  // threads in Await; guarded by mutex
};

template <typename State>
State& StateOf(std::atomic<intptr_t>& word) {
  intptr_t seen = word.load(std::memory_order_acquire);
  if (seen == 0) {
    auto* made = new State;
    if (word.compare_exchange_strong(seen, reinterpret_cast<intptr_t>(made))) return *made;
    delete made;  // another thread was first
  }
  return *reinterpret_cast<State*>(seen);
}

// std::condition_variable overflows with times that are far away; whoever waits looks at the clock
// again anyhow.
std::chrono::system_clock::time_point Soon(absl::Time deadline) {
  return absl::ToChronoTime(std::min(deadline, absl::Now() + absl::Hours(1)));
}

void Unlock(MutexState& state) {
  // Before the unlock: after it the Mutex may be gone.
  if (state.awaiting > 0) state.condition_may_hold.notify_all();
  state.mutex.unlock();
}

// `wait(lock)` with the held mutex as a std::unique_lock, which stays held.
template <typename Wait>
void WithLock(MutexState& state, Wait wait) {
  std::unique_lock<std::mutex> lock(state.mutex, std::adopt_lock);
  wait(lock);
  lock.release();
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

Mutex::~Mutex() {
  delete reinterpret_cast<MutexState*>(mu_.load(std::memory_order_acquire));
  __tsan_mutex_destroy(this, __tsan_mutex_not_static);
}

void Mutex::Lock() { StateOf<MutexState>(mu_).mutex.lock(); }
void Mutex::Unlock() { ::Unlock(StateOf<MutexState>(mu_)); }
bool Mutex::TryLock() { return StateOf<MutexState>(mu_).mutex.try_lock(); }
void Mutex::ReaderLock() { Lock(); }
void Mutex::ReaderUnlock() { Unlock(); }
bool Mutex::ReaderTryLock() { return TryLock(); }

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  MutexState& state = StateOf<MutexState>(mu_);
  // What the caller changed under the lock may be what others wait for.
  if (state.awaiting > 0) state.condition_may_hold.notify_all();
  ++state.awaiting;
  while (!condition.Eval() && Now() < deadline) {
    WithLock(state, [&](auto& lock) { state.condition_may_hold.wait_until(lock, Soon(deadline)); });
  }
  --state.awaiting;
  return condition.Eval();
}
void Mutex::Await(const Condition& condition) { AwaitWithDeadline(condition, InfiniteFuture()); }
bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  return AwaitWithDeadline(condition, Now() + timeout);
}

void Mutex::LockWhen(const Condition& condition) {
  Lock();
  Await(condition);
}
bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  Lock();
  return AwaitWithDeadline(condition, deadline);
}
bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  return LockWhenWithDeadline(condition, Now() + timeout);
}
void Mutex::ReaderLockWhen(const Condition& condition) { LockWhen(condition); }
bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition, Time deadline) {
  return LockWhenWithDeadline(condition, deadline);
}
bool Mutex::ReaderLockWhenWithTimeout(const Condition& condition, Duration timeout) {
  return LockWhenWithTimeout(condition, timeout);
}

// The library's own definitions of these would take the word for flags.
void Mutex::AssertHeld() const {}
void Mutex::AssertNotHeld() const {}
void Mutex::AssertReaderHeld() const {}
void Mutex::EnableDebugLog(const char*) {}
void Mutex::EnableInvariantDebugging(void (*)(void*), void*) {}
void Mutex::ForgetDeadlockInfo() {}

CondVar::~CondVar() {
  delete reinterpret_cast<std::condition_variable*>(cv_.load(std::memory_order_acquire));
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  auto& condition = StateOf<std::condition_variable>(cv_);
  MutexState& state = StateOf<MutexState>(mutex->mu_);
  if (state.awaiting > 0) state.condition_may_hold.notify_all();
  WithLock(state, [&](auto& lock) { condition.wait_until(lock, Soon(deadline)); });
  return Now() >= deadline;
}
void CondVar::Wait(Mutex* mutex) { WaitWithDeadline(mutex, InfiniteFuture()); }
bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  return WaitWithDeadline(mutex, Now() + timeout);
}
void CondVar::Signal() { StateOf<std::condition_variable>(cv_).notify_one(); }
void CondVar::SignalAll() { StateOf<std::condition_variable>(cv_).notify_all(); }
void CondVar::EnableDebugLog(const char*) {}

// The library's own Notification looks at the flag before it takes the mutex, where ThreadSanitizer
// does not see it: who came after Notify() would seem to race with what was done before.
Notification::~Notification() { MutexLock lock(&mutex_); }

void Notification::Notify() {
  MutexLock lock(&mutex_);
  notified_yet_.store(true, std::memory_order_release);
}

void Notification::WaitForNotification() const {
  MutexLock lock(&mutex_);
  mutex_.Await(Condition(this, &Notification::HasBeenNotified));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(Condition(this, &Notification::HasBeenNotified), timeout);
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(Condition(this, &Notification::HasBeenNotified), deadline);
}

// Likewise: only the last of those who count down takes the library's mutex.
BlockingCounter::BlockingCounter(int initial_count)
    : count_(initial_count), num_waiting_(0), done_(initial_count == 0) {}

bool BlockingCounter::DecrementCount() {
  MutexLock lock(&lock_);
  done_ = count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  return done_;
}

void BlockingCounter::Wait() {
  MutexLock lock(&lock_);
  lock_.Await(Condition(&done_));
}

ABSL_NAMESPACE_END
}  // namespace absl
