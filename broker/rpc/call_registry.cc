#include "broker/rpc/call_registry.h"

#include "storage/base/error.h"

namespace weir {

absl::Status CallRegistry::Enter() {
  absl::MutexLock lock(&mu_);
  ++calls_;
  return stopped_ ? ShuttingDown() : absl::OkStatus();
}

absl::Status CallRegistry::Enter(LongCall* call) {
  absl::MutexLock lock(&mu_);
  ++calls_;
  if (stopped_) return ShuttingDown();
  long_calls_.insert(call);
  return absl::OkStatus();
}

void CallRegistry::Leave() {
  absl::MutexLock lock(&mu_);
  --calls_;
}

void CallRegistry::Leave(LongCall* call) {
  absl::MutexLock lock(&mu_);
  --calls_;
  long_calls_.erase(call);
}

void CallRegistry::StopAll() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  for (LongCall* call : long_calls_) call->Stop();
}

bool CallRegistry::WaitUntilIdle(absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return calls_ == 0; };
  return mu_.AwaitWithTimeout(absl::Condition(&idle), timeout);
}

bool CallRegistry::stopped() const {
  absl::ReaderMutexLock lock(&mu_);
  return stopped_;
}

size_t CallRegistry::long_calls() const {
  absl::ReaderMutexLock lock(&mu_);
  return long_calls_.size();
}

absl::Status ShuttingDown() {
  return MakeError(Reason::kShuttingDown, "the broker is stopping", absl::Seconds(1));
}

}  // namespace weir
