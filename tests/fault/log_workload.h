// A mixed workload on one LogWorld: produces of all kinds, checkpoints, rolls, delete-records,
// topic deletion; the same for the same seed.
#ifndef WEIR_TESTS_FAULT_LOG_WORKLOAD_H_
#define WEIR_TESTS_FAULT_LOG_WORKLOAD_H_

#include <optional>
#include <utility>
#include <vector>

#include "tests/support/log_world.h"
#include "tests/support/sim_random.h"

namespace weir {

class LogWorkload {
 public:
  explicit LogWorkload(uint64_t seed) : random_(seed) {}

  // Creates the topics of the first start.
  static void Begin(LogWorld* world) {
    world->CreateTopic(LogWorld::Topic(1));
    world->CreateTopic(LogWorld::Topic(2));
  }

  // Other topics come and go.
  static bool Stays(TopicId topic) {
    return topic == LogWorld::Topic(1) || topic == LogWorld::Topic(2);
  }

  // One thing that users or the broker do.
  void Step(LogWorld* world) {
    const TopicPartition id = Any();
    switch (random_.Below(16)) {
      case 0:
        world->SendTogether(
            {{LogWorld::Topic(1), PartitionIndex{0}}, {LogWorld::Topic(2), PartitionIndex{1}}},
            1 + static_cast<int32_t>(random_.Below(3)));
        break;
      case 1:
        world->Checkpoint();
        break;
      case 2: {
        world->Pump();
        for (const TopicPartition& some :
             {id, Any()}) {  // of two partitions they move in one round
          const auto log = world->GetLog(some);
          if (!log.ok()) break;
          const int64_t end = (*log)->high_watermark().value();
          world->DeleteRecords(some, Offset{end - static_cast<int64_t>(random_.Below(
                                                      static_cast<uint64_t>(end / 2 + 1)))});
        }
        break;
      }
      case 3:
        world->clock().Advance(absl::Minutes(20));
        break;
      case 4:
        world->Look(id);
        break;
      case 5:
        CreateOrDelete(world);
        break;
      case 6:
      case 7:
        SendAtomic(world);
        break;
      default:
        world->Send(id, 1 + static_cast<int32_t>(random_.Below(5)),
                    random_.Below(4) == 0 ? Durability::kWritten : Durability::kDurable);
    }
    if (random_.Below(3) == 0) world->Pump();
  }

  // What other threads do while a checkpoint runs; to be called before each of its operations.
  void Meanwhile(LogWorld* world) {
    if (!world->in_checkpoint() || meanwhile_ || random_.Below(3) != 0) return;
    meanwhile_ = true;
    world->Send(Any(), 1 + static_cast<int32_t>(random_.Below(8)));
    world->log().RunCommitter();
    meanwhile_ = false;
  }

 private:
  TopicPartition Any() {
    return {LogWorld::Topic(1 + static_cast<int>(random_.Below(2))),
            PartitionIndex{static_cast<int32_t>(random_.Below(2))}};
  }
  // An append to some of the partitions, all or nothing, that may move the log start of another.
  void SendAtomic(LogWorld* world) {
    std::vector<TopicPartition> ids;
    for (const int topic : {1, 2}) {
      for (const int32_t partition : {0, 1}) {
        if (random_.Below(3) != 0)
          ids.push_back({LogWorld::Topic(topic), PartitionIndex{partition}});
      }
    }
    if (ids.empty()) ids.push_back(Any());
    std::optional<std::pair<TopicPartition, Offset>> start;
    const TopicPartition moved = Any();
    const auto log = world->GetLog(moved);
    if (log.ok() && random_.Below(2) == 0) {
      const LogBounds bounds = (*log)->bounds();
      const auto length = static_cast<uint64_t>(bounds.high_watermark - bounds.log_start);
      // Now and then everything that is there.
      const uint64_t step = random_.Below(4) == 0 ? length : random_.Below(length / 2 + 1);
      start = {moved, bounds.log_start + static_cast<int64_t>(step)};
    }
    world->SendAtomic(ids, 1 + static_cast<int32_t>(random_.Below(3)), start);
  }
  // A topic beside the others comes, with something in it, or goes again.
  void CreateOrDelete(LogWorld* world) {
    const TopicId topic = LogWorld::Topic(passing_);
    if (passing_exists_) {
      world->DeleteTopic(topic).IgnoreError();
      ++passing_;
    } else {
      world->CreateTopic(topic);
      for (int i = 0; i < 3; ++i) world->Send({topic, PartitionIndex{i % 2}}, 2 + i);
    }
    passing_exists_ = !passing_exists_;
  }

  SimRandom random_;
  bool meanwhile_ = false;
  int passing_ = 10;
  bool passing_exists_ = false;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_LOG_WORKLOAD_H_
