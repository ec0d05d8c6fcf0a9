// ShareContext: what the parts of the machine of share groups share. One strand.
#ifndef WEIR_BROKER_SHARE_SHARE_CONTEXT_H_
#define WEIR_BROKER_SHARE_SHARE_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/runtime/state_machine.h"
#include "broker/runtime/state_reader.h"
#include "broker/share/share_counters.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_settings.h"
#include "broker/share/share_table.h"
#include "broker/share/share_types.h"

namespace weir {

struct ShareSession {
  std::string worker;
};

struct ShareContext {
  explicit ShareContext(PartitionIndex shard) : table(shard) {}

  // A share-partition with the settings of its group.
  struct Known {
    ShareEntry* entry = nullptr;
    std::shared_ptr<const ShareSettings> settings;
  };
  // UNKNOWN_GROUP: there is no such share group, or it is another than that of the state;
  // UNKNOWN_PARTITION: the share-partition is not open.
  absl::StatusOr<Known> Find(const SharePartitionId& id) const;

  ShareTable table;
  ShareCounters counters;
  absl::flat_hash_map<ShareSessionId, ShareSession> sessions;
  // Tokens up to this counter, and those of earlier epochs, were given in an earlier life of the
  // machine's memory: nobody knows any more for which jobs.
  int64_t forgotten_counter = 0;
  int64_t last_counter = 0;  // of a token; goes on over reloads

  LeaderEpoch epoch;
  const ShareSettingsView* settings = nullptr;
  ShareListener* listener = nullptr;
  MachineTimers* timers = nullptr;
  const StateReader* reader = nullptr;
  std::function<uint64_t()> random;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_CONTEXT_H_
