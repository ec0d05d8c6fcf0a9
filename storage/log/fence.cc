#include "storage/log/fence.h"

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

void Fence::Trip(const absl::Status& cause) {
  {
    absl::MutexLock lock(&mu_);
    if (!status_.ok()) return;
    status_ =
        MakeError(Reason::kLogDirFenced,
                  absl::StrCat("the data directory is closed for writing after a disk error: ",
                               cause.message()));
    tripped_.store(true, std::memory_order_release);
  }
  on_trip_(status());
}

absl::Status Fence::status() const {
  if (!tripped()) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  return status_;
}

}  // namespace weir
