// ShareSessions: workers' sessions in one internal partition. A session is known here from its
// first acquisition on, and until it ends; whoever runs the streams tells every machine in which it
// has acquired (all of them, if it does not know). One strand.
#ifndef WEIR_BROKER_SHARE_SHARE_SESSIONS_H_
#define WEIR_BROKER_SHARE_SHARE_SESSIONS_H_

#include "broker/share/delivery_state.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_requests.h"

namespace weir {

class ShareSessions {
 public:
  explicit ShareSessions(ShareContext* context) : context_(context) {}

  // The worker's stream broke. Unless it is resumed within limits::kSessionResumeMs its jobs go
  // back through backoff, counted, to be handed out alone.
  Decision Break(const MachineTime& now, ShareSessionId session);
  // The worker is back in time: its locks are as they were, and run on.
  Decision Resume(const MachineTime& now, ShareSessionId session);
  // Half-closed, cancelled, or the broker is stopping: its jobs go back uncounted, now. `done` when
  // that is durable. The session is none any more.
  Decision Close(const MachineTime& now, ShareSessionId session, Done done);

 private:
  // Its jobs go back, in every share-partition.
  ShareDraft End(const MachineTime& now, ShareSessionId session, JobEvent event);

  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_SESSIONS_H_
