// JobEndings: what becomes of jobs whose lock ends without their being done: they wait to be tried
// again, or die. One strand.
#ifndef WEIR_BROKER_SHARE_JOB_ENDINGS_H_
#define WEIR_BROKER_SHARE_JOB_ENDINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/runtime/state_machine.h"
#include "broker/share/delivery_state.h"
#include "broker/share/lock_table.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"

namespace weir {

struct JobEnding {
  JobEvent event = JobEvent::kRelease;  // of a job in kAcquired, other than kAccept and kCancel
  std::string error;
  std::optional<int64_t> delay_ms;  // in place of the backoff
};

// Takes the locks of `jobs` away, and drafts what happens to the jobs. They have one session.
void EndAttempts(const MachineTime& now, ShareContext* context, const ShareContext::Known& known,
                 const std::vector<LockedJobs>& jobs, const JobEnding& ending, ShareDraft* draft);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_JOB_ENDINGS_H_
