#include "broker/share/delivery_state.h"

namespace weir {

absl::string_view DeathReasonName(DeathReason reason) {
  switch (reason) {
    case DeathReason::kMaxAttempts:
      return "MAX_ATTEMPTS";
    case DeathReason::kRejected:
      return "REJECTED";
    case DeathReason::kExpired:
      return "EXPIRED";
    case DeathReason::kUnreadable:
      return "UNREADABLE";
  }
  WEIR_CHECK(false);
}

}  // namespace weir
