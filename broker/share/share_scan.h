// ShareScan: what the reader of a log tells the machine of what lies there: the contract between
// the two. The machine never reads a topic's log.
//
// How scanning goes. The machine says from where it wants to know more (Acquired::scan_from). The
// reader reads the log from there up to the high watermark, as far as it likes (a fetch of some
// hundred KiB is right: it hands the same bytes to workers), and brings what it saw with the next
// AcquireRequest. It keeps no place of its own: after a reload of the machine, or when a scan was
// lost, the machine asks again from where it needs it. A scan that does not continue where the
// machine is counts for the part behind that.
//
// What has to be looked into. Batch bounds are enough unless a record is special:
// - order=key: every record that has a key is listed with its hash (a key of no bytes is a key).
// - a record whose header `weir-deliver-at` lies in the future is listed with that time; any other
//   may be left out.
// So for order=none a batch is decoded only when it may hold such headers. Kafka's batch has no
// room to say so, and a reader must not open every batch for the few. Therefore the topic says it:
// the produce path refuses `deliver_at` in a topic that is not set to take it, and readers decode
// only the batches of topics that are (whether a topic takes delays is part of what DescribeTopic
// shows).
#ifndef WEIR_BROKER_SHARE_SHARE_SCAN_H_
#define WEIR_BROKER_SHARE_SHARE_SCAN_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

struct ScannedRange {
  Offset first;
  Offset last;
  // False: one batch that fails its CRC or cannot be decoded. It becomes one dead letter.
  bool readable = true;
};

// A record of which the machine must know more than that it is there.
struct ScannedRecord {
  Offset offset;
  std::optional<KeyHash> key;  // with order=key; nothing: it has no key
  int64_t deliver_at_ms = 0;   // of day; 0: at once
};

struct ShareScan {
  Offset from;  // everything from here
  Offset to;    // to here, exclusive, was looked at
  // What is there: neighbouring batches may be one range. Ascending, within from and to. Offsets
  // between them hold no record (the log begins behind `from`, or was damaged): they are nobody's
  // job, and count as expired.
  std::vector<ScannedRange> ranges;
  std::vector<ScannedRecord> records;  // ascending, within readable ranges
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_SCAN_H_
