// DueJobs: what happens in a share-partition by itself: locks expire, parked jobs fall due, keys
// get their turn. One timer for each share-partition. One strand.
#ifndef WEIR_BROKER_SHARE_DUE_JOBS_H_
#define WEIR_BROKER_SHARE_DUE_JOBS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/runtime/state_machine.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"

namespace weir {

// The timer runs at that time at the latest.
void WakeAt(const MachineTime& now, ShareContext* context, ShareEntry* entry, absl::Duration at);
// The same for a time of day.
void WakeAt(const MachineTime& now, ShareContext* context, ShareEntry* entry, int64_t at_ms);

// Parked jobs that are due become ready, as many as may be in memory, or get in the line of their
// key; dying ones wait to be taken. Keys that nobody has met since the reload get their turn.
absl::Status TakeDueJobs(const MachineTime& now, ShareContext* context,
                         const ShareContext::Known& known, ShareDraft* draft);

// Tells whoever waits for jobs, and who writes dead letters, when there are some.
void TellOfJobs(const ShareContext::Known& known, ShareDraft* draft);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DUE_JOBS_H_
