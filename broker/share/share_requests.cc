#include "broker/share/share_requests.h"

#include <algorithm>

#include "storage/base/check.h"

namespace weir {

int64_t ShareProgress::Unfinished(Offset log_start, Offset log_end) const {
  return std::max<int64_t>(log_end - std::max(start, log_start) - settled, 0) + parked;
}

Offset ShareProgress::OldestUnfinished(Offset log_start, Offset log_end) const {
  if (Unfinished(log_start, log_end) == 0) return log_end;
  return std::min(std::max(oldest_unfinished, log_start), log_end);
}

absl::string_view AckCodeName(AckCode code) {
  switch (code) {
    case AckCode::kOk:
      return "OK";
    case AckCode::kAlreadyDone:
      return "ALREADY_DONE";
    case AckCode::kLockLost:
      return "LOCK_LOST";
  }
  WEIR_CHECK(false);
}

}  // namespace weir
