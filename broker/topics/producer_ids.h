// ProducerIds: gives out producer ids that were never given before and never will be again, also
// across restarts. It takes blocks of limits::kProducerIdBlock from the metadata store; what is
// left of a block at a restart is never used. Any thread, guarded by mu_, which is held while the
// store writes a new block.
#ifndef WEIR_BROKER_TOPICS_PRODUCER_IDS_H_
#define WEIR_BROKER_TOPICS_PRODUCER_IDS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/types.h"
#include "storage/meta/metadata_store.h"

namespace weir {

class ProducerIds {
 public:
  // `store` outlives this.
  explicit ProducerIds(MetadataStore* store) : store_(store) {}

  // Waits for the disk once per block. The store's errors; an id is never given twice whatever the
  // error.
  absl::StatusOr<ProducerId> Next() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status TakeBlock() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  MetadataStore* const store_;
  absl::Mutex mu_;
  int64_t next_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t end_ ABSL_GUARDED_BY(mu_) = 0;  // of the block
};

}  // namespace weir

#endif  // WEIR_BROKER_TOPICS_PRODUCER_IDS_H_
