// ScanJobs: what the machine of a share group must know of stored batches before it can hand their
// records out as jobs. Batches are opened only when single records matter. Pure function, any
// thread.
#ifndef WEIR_BROKER_SHARE_JOB_SCAN_H_
#define WEIR_BROKER_SHARE_JOB_SCAN_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "broker/share/share_scan.h"
#include "storage/base/types.h"

namespace weir {

struct JobScanOptions {
  bool keys = false;    // order=key: the keys of records count
  bool delays = false;  // the topic takes records that are to be delivered later
  int64_t now_ms = 0;   // of day
};

// `batches`: whole batches, one behind the other, as the log gave them for a read from `from`.
// Every batch's CRC is checked; one that fails, or that must be opened and cannot be, is a range
// that is not readable. The scan ends early, perhaps within a batch, when it has listed as many
// records as a scan may.
ShareScan ScanJobs(absl::string_view batches, Offset from, const JobScanOptions& options);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_JOB_SCAN_H_
