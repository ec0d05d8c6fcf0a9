// ShareMachine: the share-partitions of one internal partition as a state machine: which jobs are
// handed out to whom, tried again, finished or dead. It puts the parts together; the parts have the
// handlers. All of them are called on the shard's strand, through Shard::Submit:
//
//   shard.Submit([&machine, request, reply = std::move(reply)](const MachineTime& now) mutable {
//                  return machine.acquisition().Acquire(now, std::move(request), std::move(reply));
//                }, refused);
//
// What survives is what records say (ShareTable): which offsets are finished and which jobs are
// parked. Who holds what is found anew after a reload: then all locks are forgotten, and every job
// that is neither finished nor parked is available again, with its attempt not counted.
//
// The machine shares its internal partition with the machine of group heads (CombinedMachine); its
// kinds of records begin at kFirstShareRecordKind, its timers' keys with '/'.
#ifndef WEIR_BROKER_SHARE_SHARE_MACHINE_H_
#define WEIR_BROKER_SHARE_SHARE_MACHINE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "broker/runtime/state_machine.h"
#include "broker/runtime/state_reader.h"
#include "broker/share/acknowledgement.h"
#include "broker/share/acquisition.h"
#include "broker/share/dead_letters.h"
#include "broker/share/share_admin.h"
#include "broker/share/share_context.h"
#include "broker/share/share_sessions.h"
#include "broker/share/share_settings.h"
#include "broker/share/share_survey.h"
#include "storage/base/types.h"

namespace weir {

struct ShareMachineOptions {
  PartitionIndex shard;                         // the number of the internal partition
  LeaderEpoch epoch;                            // of this start of the broker
  const ShareSettingsView* settings = nullptr;  // outlives the machine
  ShareListener* listener = nullptr;  // outlives the machine and what its shard still answers
  std::function<uint64_t()> random;   // any 64 bits
};

class ShareMachine : public StateMachine {
 public:
  explicit ShareMachine(ShareMachineOptions options);

  // Of the shard that runs the machine; before it loads it.
  void UseShard(MachineTimers* timers, const StateReader* reader);

  absl::Status Load(const StateStore& store) override;
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override;
  void OnLoaded(const MachineTime& now) override;

  Acquisition& acquisition() { return acquisition_; }
  Acknowledgement& acknowledgement() { return acknowledgement_; }
  ShareSessions& sessions() { return sessions_; }
  DeadLetters& dead_letters() { return dead_letters_; }
  ShareAdmin& admin() { return admin_; }
  const ShareSurvey& survey() const { return survey_; }

  const ShareTable& table() const { return context_.table; }

 private:
  ShareContext context_;
  Acquisition acquisition_;
  Acknowledgement acknowledgement_;
  ShareSessions sessions_;
  DeadLetters dead_letters_;
  ShareAdmin admin_;
  const ShareSurvey survey_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_MACHINE_H_
