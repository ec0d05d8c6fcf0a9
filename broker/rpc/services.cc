#include "broker/rpc/services.h"

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

absl::Status CheckGroups(const Services& services) {
  if (services.groups != nullptr) return absl::OkStatus();
  return MakeError(Reason::kDiskLow,
                   absl::StrCat("there are no groups for now: ", services.facts.read_only));
}

}  // namespace weir
