#include "broker/share/share_requests.h"

#include "storage/base/check.h"

namespace weir {

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
