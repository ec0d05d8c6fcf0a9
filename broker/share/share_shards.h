// ShareShards: all share-partitions of the broker: the machine of each internal partition, with the
// shard that runs it beside the machine of groups. A share-partition belongs to one by the hash of
// its group, topic and number. It decides nothing about jobs. Any thread.
#ifndef WEIR_BROKER_SHARE_SHARE_SHARDS_H_
#define WEIR_BROKER_SHARE_SHARE_SHARDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "broker/runtime/reply.h"
#include "broker/runtime/shard.h"
#include "broker/share/share_machine.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

class ShareShards {
 public:
  // All outlive this.
  struct Options {
    int32_t partitions = 0;  // internal ones
    LeaderEpoch epoch;       // of this start of the broker
    const ShareSettingsView* settings = nullptr;
    // What happens in one internal partition.
    std::function<ShareListener*(PartitionIndex)> listener;
    std::function<uint64_t()> random;  // any 64 bits
  };
  // One handler; it gives its decision for `reply`'s answer.
  template <typename T>
  using Question = absl::AnyInvocable<Decision(ShareMachine&, const MachineTime&, Reply<T> reply)>;
  // The same for questions whose answer is only whether it was done.
  using Order = absl::AnyInvocable<Decision(ShareMachine&, const MachineTime&, Done done)>;

  // The machines, which no shard runs yet.
  explicit ShareShards(const Options& options);

  size_t size() const { return parts_.size(); }
  // For whoever has a shard run it.
  ShareMachine* machine(PartitionIndex partition) { return &PartOf(partition).machine; }
  // The shards that run them, by partition, which outlive all questions; before they load.
  void UseShards(const std::vector<Shard*>& shards);

  // Where the share-partition belongs, whether it is open or not.
  PartitionIndex PartitionOf(const SharePartitionId& id) const {
    return ShardOfSharePartition(id, static_cast<int32_t>(parts_.size()));
  }

  // Asks the machine of the internal partition; `reply` comes on its shard's strand: what it says,
  // or SHUTTING_DOWN, or why the shard is not to be used.
  template <typename T>
  void Ask(PartitionIndex partition, Question<T> question, Reply<T> reply) {
    Part& part = PartOf(partition);
    // One of the two is called.
    auto shared = std::make_shared<Reply<T>>(std::move(reply));
    part.shard->Submit(
        [&part, question = std::move(question), shared](const MachineTime& now) mutable {
          return question(part.machine, now,
                          [shared](absl::StatusOr<T> answer) { (*shared)(std::move(answer)); });
        },
        [shared](const absl::Status& refused) { (*shared)(refused); });
  }
  // The same, and waits for it: not on a strand.
  template <typename T>
  absl::StatusOr<T> AskAndWait(PartitionIndex partition, Question<T> question) {
    absl::StatusOr<T> answer = absl::UnknownError("");
    absl::Notification answered;
    Ask<T>(partition, std::move(question), [&](absl::StatusOr<T> given) {
      answer = std::move(given);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }
  void Tell(PartitionIndex partition, Order order, Done done);

 private:
  struct Part {
    explicit Part(ShareMachineOptions options) : machine(std::move(options)) {}
    ShareMachine machine;
    Shard* shard = nullptr;
  };

  Part& PartOf(PartitionIndex partition) { return *parts_[static_cast<size_t>(partition.value())]; }

  std::vector<std::unique_ptr<Part>> parts_;  // by partition
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_SHARDS_H_
