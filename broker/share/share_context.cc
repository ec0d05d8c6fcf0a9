#include "broker/share/share_context.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

absl::StatusOr<ShareContext::Known> ShareContext::Find(const SharePartitionId& id) const {
  std::shared_ptr<const ShareSettings> found = settings->Find(id.group);
  if (found == nullptr) {
    return MakeError(Reason::kUnknownGroup,
                     absl::StrCat("there is no share group '", id.group, "'"));
  }
  ShareEntry* const entry = table.Find(id);
  if (entry == nullptr || entry->partition.incarnation() != found->incarnation) {
    return MakeError(
        Reason::kUnknownPartition,
        absl::StrCat("group '", id.group, "' has not opened partition ",
                     id.partition.partition.value(), " of topic ", id.partition.topic.ToString()));
  }
  return Known{entry, std::move(found)};
}

}  // namespace weir
