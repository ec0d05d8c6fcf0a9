// Services: what the calls work with, made and wired by the server. Plain pointers; everything
// outlives the gRPC server.
#ifndef WEIR_BROKER_RPC_SERVICES_H_
#define WEIR_BROKER_RPC_SERVICES_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "broker/group/group_shards.h"
#include "broker/group/share_group_admin.h"
#include "broker/limits/admission.h"
#include "broker/limits/disk_watermark.h"
#include "broker/metrics/metrics.h"
#include "broker/partition/log_start_gate.h"
#include "broker/partition/partition_manager.h"
#include "broker/partition/produce.h"
#include "broker/partition/producer_identities.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/group_sessions.h"
#include "broker/runtime/waiters.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_shards.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/log/log_manager.h"

namespace weir {

class WorkerSessions;

// What the broker says about itself.
struct BrokerFacts {
  std::string version;
  std::string broker_id;
  LeaderEpoch leader_epoch;
  int64_t start_time_ms = 0;
  std::string data_dir;
  std::string read_only;  // why it takes no writes; empty: it does
};

struct Services {
  BrokerFacts facts;
  Clock* clock = nullptr;
  TopicCatalog* catalog = nullptr;
  PartitionManager* partitions = nullptr;
  ProducerIdentities* producers = nullptr;
  ProduceEngine* produce = nullptr;
  LogManager* logs = nullptr;
  // Null when the broker takes no writes: see CheckGroups().
  GroupShards* groups = nullptr;
  GroupSessions* sessions = nullptr;  // of groups' members
  ShareGroupAdmin* share_admin = nullptr;
  ShareDirectory* share_directory = nullptr;
  ShareShards* shares = nullptr;
  WorkerSessions* workers = nullptr;   // of share groups
  LogStartGate* log_starts = nullptr;  // null too when nobody is to be asked
  Waiters* waiters = nullptr;
  Executor* disk = nullptr;  // reads that wait for a disk
  Executor* admin =
      nullptr;  // changes of topics, and other calls that are rare and wait for a disk
  MemoryBudget* memory = nullptr;
  DiskWatermark* watermark = nullptr;
  Metrics* metrics = nullptr;
  CallRegistry* calls = nullptr;
  mutable std::atomic<int> waiting_admin_calls{0};  // queued on `admin`, or running
};

// OK when there are groups; otherwise DISK_LOW: a broker that takes no writes has none.
absl::Status CheckGroups(const Services& services);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_SERVICES_H_
