// LetterShards: LetterMachines over the shards that run them. Any thread.
#ifndef WEIR_BROKER_SHARE_LETTER_SHARDS_H_
#define WEIR_BROKER_SHARE_LETTER_SHARDS_H_

#include <vector>

#include "broker/share/letter_machines.h"
#include "broker/share/share_shards.h"

namespace weir {

class LetterShards : public LetterMachines {
 public:
  // `shards` outlives this.
  explicit LetterShards(ShareShards* shards) : shards_(shards) {}

  void Take(const SharePartitionId& id, size_t limit, Reply<std::vector<DyingJob>> reply) override;
  void Write(DeadLettersRequest request, Reply<int64_t> reply) override;
  void Postpone(const SharePartitionId& id, std::vector<Offset> jobs, const absl::Status& why,
                Done done) override;
  void Mark(MarkRequest request, Reply<std::vector<Offset>> reply) override;
  void Marked(const SharePartitionId& id, std::vector<Offset> offsets,
              Reply<std::vector<Offset>> reply) override;

 private:
  ShareShards* const shards_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_LETTER_SHARDS_H_
