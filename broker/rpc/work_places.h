// WorkPlaces: the partitions that a share group reads, as the session of one worker sees them:
// where something may be had, where the session scans the log, and whose turn is next. Not
// thread-safe: guarded by its session.
#ifndef WEIR_BROKER_RPC_WORK_PLACES_H_
#define WEIR_BROKER_RPC_WORK_PLACES_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/partition/partition.h"
#include "broker/rpc/services.h"
#include "broker/runtime/waiters.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_requests.h"
#include "storage/base/types.h"

namespace weir {

struct WorkPlace {
  SharePartitionId id;
  PartitionIndex shard;
  std::string topic;
  std::shared_ptr<Partition> partition;
  bool ready = true;                // something may be had there
  bool signalled = false;           // the machine said so since it was asked last
  bool leased = false;              // this session scans it
  std::optional<Offset> scan_from;  // what the machine wants to know more of
  bool scan_rests = false;          // the log could not be read from there on, a moment ago
};
using WorkPlacePtr = std::shared_ptr<WorkPlace>;

class WorkPlaces {
 public:
  WorkPlaces(const Services* services, std::string group, ShareSessionId session)
      : services_(services), group_(std::move(group)), session_(session) {}

  // Brings the places up to what the group reads now. False: the group is no more.
  bool Refresh();
  // Keys of records count: order=key.
  bool keys() const { return reads_ != nullptr && reads_->settings.order == ShareOrder::kKey; }

  // Something may be had everywhere, also what could not be read, or in the one of the
  // share-partition: false when there is none.
  void SetAllReady();
  bool SetReady(const SharePartitionId& id);
  // The next one in turn where something may be had; null: none.
  WorkPlacePtr NextReady();

  // Records of the place's topic may have a time of delivery.
  bool TakesDelays(const WorkPlace& place) const;

  // The machine wants to know more, this session is the one that scans, and there is more that can
  // be read.
  bool CanScan(WorkPlace* place);
  void GiveUpLease(WorkPlace* place);
  void GiveUpLeases();
  // Share-partitions that somebody else may scan since this was called last: a session is to be
  // told.
  std::vector<SharePartitionId> TakeGivenUp() { return std::exchange(given_up_, {}); }

  // What the session waits for: logs that it scans, and from where on.
  std::vector<Waiters::Target> Awaited() const;
  // Those of them that have grown are ready.
  void NoteGrown();

 private:
  WorkPlacePtr MakePlace(const ShareSource& source) const;

  const Services* const services_;
  const std::string group_;
  const ShareSessionId session_;
  std::shared_ptr<const ShareGroup> reads_;  // what places_ was made of
  std::vector<WorkPlacePtr> places_;
  size_t turn_ = 0;  // which place comes next
  std::vector<SharePartitionId> given_up_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WORK_PLACES_H_
