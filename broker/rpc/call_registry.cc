#include "broker/rpc/call_registry.h"

#include "storage/base/error.h"

namespace weir {

bool CallRegistry::Add(LongCall* call) {
  absl::MutexLock lock(&mu_);
  if (stopped_) return false;
  calls_.insert(call);
  return true;
}

void CallRegistry::Remove(LongCall* call) {
  absl::MutexLock lock(&mu_);
  calls_.erase(call);
}

void CallRegistry::StopAll() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  for (LongCall* call : calls_) call->Stop();
}

absl::Status CallRegistry::Admit() const {
  absl::ReaderMutexLock lock(&mu_);
  return stopped_ ? ShuttingDown() : absl::OkStatus();
}

size_t CallRegistry::size() const {
  absl::ReaderMutexLock lock(&mu_);
  return calls_.size();
}

absl::Status ShuttingDown() {
  return MakeError(Reason::kShuttingDown, "the broker is stopping", absl::Seconds(1));
}

}  // namespace weir
