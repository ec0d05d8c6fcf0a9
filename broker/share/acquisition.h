// Acquisition: jobs are handed out. The handler takes what a reader has seen of the log, and gives
// the session what may be handed out now. One strand.
#ifndef WEIR_BROKER_SHARE_ACQUISITION_H_
#define WEIR_BROKER_SHARE_ACQUISITION_H_

#include "broker/share/share_context.h"
#include "broker/share/share_requests.h"

namespace weir {

class Acquisition {
 public:
  explicit Acquisition(ShareContext* context) : context_(context) {}

  // Up to max_jobs jobs: first those that fell due, the longest due first, then new ones by offset.
  // Each is the session's until it is acknowledged, its lock expires, or the session ends. Fewer
  // than asked for: OnAvailable tells when there is something again.
  //
  // Handing out is not written; but the answer waits for all that it depends on. A caller that can
  // no longer deliver what it got gives it back (kReleaseUncounted).
  //
  // UNKNOWN_GROUP: the group is not, or not that of the share-partition's state; UNKNOWN_PARTITION:
  // it was not opened (ShareAdmin::Open); INVALID_REQUEST. None has an effect.
  Decision Acquire(const MachineTime& now, AcquireRequest request, Reply<Acquired> reply);

 private:
  // What one acquisition is about.
  struct Call;

  // Hands out, up to what the call may have.
  void HandOut(Call* call);
  void HandOutAlone(Call* call);
  void HandOutReady(Call* call);
  void HandOutAvailable(Call* call);
  void Lock(Call* call, const OffsetRange& jobs, const ParkedJob* parked);
  // Whether the machine could use another scan, and if not, why.
  void SayWhatIsMissing(Call* call);

  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_ACQUISITION_H_
