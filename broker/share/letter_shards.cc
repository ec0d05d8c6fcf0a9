#include "broker/share/letter_shards.h"

#include <utility>

namespace weir {

void LetterShards::Take(const SharePartitionId& id, size_t limit,
                        Reply<std::vector<DyingJob>> reply) {
  shards_->Ask<std::vector<DyingJob>>(
      shards_->PartitionOf(id),
      [id, limit](ShareMachine& machine, const MachineTime& now,
                  Reply<std::vector<DyingJob>> answer) {
        return machine.dead_letters().Take(now, id, limit, std::move(answer));
      },
      std::move(reply));
}

void LetterShards::Write(DeadLettersRequest request, Reply<int64_t> reply) {
  const PartitionIndex partition = shards_->PartitionOf(request.id);
  shards_->Ask<int64_t>(
      partition,
      [request = std::move(request)](ShareMachine& machine, const MachineTime& now,
                                     Reply<int64_t> answer) mutable {
        return machine.dead_letters().Write(now, std::move(request), std::move(answer));
      },
      std::move(reply));
}

void LetterShards::Postpone(const SharePartitionId& id, std::vector<Offset> jobs,
                            const absl::Status& why, Done done) {
  shards_->Tell(
      shards_->PartitionOf(id),
      [id, jobs = std::move(jobs), why](ShareMachine& machine, const MachineTime& now,
                                        Done answer) {
        return machine.dead_letters().Postpone(now, id, jobs, why, std::move(answer));
      },
      std::move(done));
}

void LetterShards::Mark(MarkRequest request, Reply<std::vector<Offset>> reply) {
  const PartitionIndex partition = shards_->PartitionOf(request.id);
  shards_->Ask<std::vector<Offset>>(
      partition,
      [request = std::move(request)](ShareMachine& machine, const MachineTime& now,
                                     Reply<std::vector<Offset>> answer) mutable {
        return machine.admin().Mark(now, std::move(request), std::move(answer));
      },
      std::move(reply));
}

void LetterShards::Marked(const SharePartitionId& id, std::vector<Offset> offsets,
                          Reply<std::vector<Offset>> reply) {
  shards_->Ask<std::vector<Offset>>(
      shards_->PartitionOf(id),
      [id, offsets = std::move(offsets)](ShareMachine& machine, const MachineTime&,
                                         Reply<std::vector<Offset>> answer) {
        return machine.admin().Marked(id, offsets, std::move(answer));
      },
      std::move(reply));
}

}  // namespace weir
