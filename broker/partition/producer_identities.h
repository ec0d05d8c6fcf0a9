// ProducerIdentities: producer ids with their epochs, for InitProducer. An identity is given once,
// ever: two producers that both believed to own it would have their records taken for repeats of
// each other's. Ids come from ProducerIds; an epoch that was raised is kept in the metadata store,
// and forgotten with the first start after it has expired. From then on neither that id nor an
// older one whose epoch is not known is raised: their owners take a new id. Any thread; guarded by
// mu_, held over the store's I/O: call it where waiting for a disk is allowed.
#ifndef WEIR_BROKER_PARTITION_PRODUCER_IDENTITIES_H_
#define WEIR_BROKER_PARTITION_PRODUCER_IDENTITIES_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/topics/producer_ids.h"
#include "storage/base/clock.h"
#include "storage/base/types.h"
#include "storage/meta/metadata_store.h"

namespace weir {

struct ProducerIdentity {
  ProducerId id;
  ProducerEpoch epoch;

  bool operator==(const ProducerIdentity&) const = default;
};

class ProducerIdentities {
 public:
  // Reads the raised epochs and forgets those older than `expiration`. The store and the clock
  // outlive this.
  static absl::StatusOr<std::unique_ptr<ProducerIdentities>> Load(MetadataStore* store,
                                                                  const Clock* clock,
                                                                  absl::Duration expiration);

  // A new id with epoch 0.
  absl::StatusOr<ProducerIdentity> New() ABSL_LOCKS_EXCLUDED(mu_);

  // The same id with the next epoch (a new id when there is none). INVALID_REQUEST for an identity
  // that was never given; PRODUCER_FENCED when a newer epoch was given (somebody took over, or an
  // answer got lost) or may have been, so long ago that it is forgotten. A new id is the way on
  // then.
  absl::StatusOr<ProducerIdentity> Raise(ProducerIdentity from) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  ProducerIdentities(MetadataStore* store, const Clock* clock)
      : store_(store), clock_(clock), ids_(store) {}
  absl::Status LoadEpochs(absl::Duration expiration) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<ProducerIdentity> NewLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<bool> MayHaveBeenGiven(ProducerId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  MetadataStore* const store_;
  const Clock* const clock_;
  ProducerIds ids_;
  absl::Mutex mu_;
  absl::flat_hash_map<ProducerId, ProducerEpoch> raised_
      ABSL_GUARDED_BY(mu_);                                // ids that are not at epoch 0 any more
  ProducerId forgotten_through_ ABSL_GUARDED_BY(mu_){-1};  // the highest id that left raised_
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PRODUCER_IDENTITIES_H_
