// Gauges: what the metrics page reads from the broker's parts each time it is asked for: the state
// of memory, disk, journal and waiters, the partitions of every topic, consumer groups and share
// groups. Any thread.
#ifndef WEIR_BROKER_GAUGES_H_
#define WEIR_BROKER_GAUGES_H_

#include <functional>

#include "broker/groups.h"
#include "broker/limits/admission.h"
#include "broker/limits/disk_watermark.h"
#include "broker/metrics/metrics.h"
#include "broker/partition/partition_manager.h"
#include "broker/rpc/call_registry.h"
#include "broker/runtime/waiters.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/log/log_manager.h"

namespace weir {

// All outlive the metrics' collectors.
struct GaugeSources {
  const Clock* clock = nullptr;
  const Waiters* waiters = nullptr;
  const CallRegistry* calls = nullptr;
  MemoryBudget* memory = nullptr;
  const DiskWatermark* watermark = nullptr;
  const TopicCatalog* catalog = nullptr;
  PartitionManager* partitions = nullptr;
  LogManager* logs = nullptr;
  Groups* groups = nullptr;  // null: there are none, since the broker is read-only
  bool read_only = false;
  std::function<bool()> ready;
  std::function<bool()> retention_paused;
};

void AddGauges(const GaugeSources& from, Metrics* metrics);

}  // namespace weir

#endif  // WEIR_BROKER_GAUGES_H_
