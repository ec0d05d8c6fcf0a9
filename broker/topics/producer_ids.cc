#include "broker/topics/producer_ids.h"

#include <string>

#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/meta/key_schema.h"

namespace weir {

absl::StatusOr<ProducerId> ProducerIds::Next() {
  absl::MutexLock lock(&mu_);
  if (next_ == end_) WEIR_RETURN_IF_ERROR(TakeBlock());
  return ProducerId{next_++};
}

absl::Status ProducerIds::TakeBlock() {
  const std::string key(kProducerIdsKey);
  internal::ProducerIds ids;
  Revision revision;
  const absl::StatusOr<MetadataEntry> stored = store_->Get(key);
  if (stored.ok()) {
    WEIR_ASSIGN_OR_RETURN(ids, DecodeProducerIds(key, stored->value));
    revision = stored->mod_revision;
  } else if (!absl::IsNotFound(stored.status())) {
    return stored.status();
  }
  const int64_t first = ids.next();
  ids.set_next(first + limits::kProducerIdBlock);
  WEIR_ASSIGN_OR_RETURN(const MetadataTxnResult result,
                        store_->Txn({.compares = {{key, revision}}, .puts = {{key, Encode(ids)}}}));
  if (!result.succeeded)
    return MakeError(Reason::kInternal, "producer ids were taken by somebody else");
  next_ = first;
  end_ = ids.next();
  return absl::OkStatus();
}

}  // namespace weir
