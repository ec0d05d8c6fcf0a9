#include "broker/share/share_shards.h"

#include "storage/base/check.h"

namespace weir {

ShareShards::ShareShards(const Options& options) {
  for (int32_t i = 0; i < options.partitions; ++i) {
    parts_.push_back(
        std::make_unique<Part>(ShareMachineOptions{.shard = PartitionIndex{i},
                                                   .epoch = options.epoch,
                                                   .settings = options.settings,
                                                   .listener = options.listener(PartitionIndex{i}),
                                                   .random = options.random}));
  }
}

void ShareShards::UseShards(const std::vector<Shard*>& shards) {
  WEIR_CHECK(shards.size() == parts_.size());
  for (size_t i = 0; i < shards.size(); ++i) {
    parts_[i]->shard = shards[i];
    parts_[i]->machine.UseShard(shards[i], shards[i]);
  }
}

void ShareShards::Tell(PartitionIndex partition, Order order, Done done) {
  Part& part = PartOf(partition);
  auto shared = std::make_shared<Done>(std::move(done));  // one of the two calls it
  part.shard->Submit(
      [&part, order = std::move(order), shared](const MachineTime& now) mutable {
        return order(part.machine, now,
                     [shared](const absl::Status& status) { (*shared)(status); });
      },
      [shared](const absl::Status& refused) { (*shared)(refused); });
}

}  // namespace weir
