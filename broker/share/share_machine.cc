#include "broker/share/share_machine.h"

#include <utility>

#include "broker/share/due_jobs.h"

namespace weir {

ShareMachine::ShareMachine(ShareMachineOptions options)
    : context_(options.shard),
      acquisition_(&context_),
      acknowledgement_(&context_),
      sessions_(&context_),
      dead_letters_(&context_),
      admin_(&context_),
      survey_(&context_) {
  context_.epoch = options.epoch;
  context_.settings = options.settings;
  context_.listener = options.listener;
  context_.random = std::move(options.random);
}

void ShareMachine::UseShard(MachineTimers* timers, const StateReader* reader) {
  context_.timers = timers;
  context_.reader = reader;
}

absl::Status ShareMachine::Load(const StateStore& store) {
  context_.sessions.clear();
  context_.forgotten_counter = context_.last_counter;
  return context_.table.Load(store);
}

absl::Status ShareMachine::Replay(const InternalRecord& record, std::vector<StateChange>* changes) {
  return context_.table.Replay(record, changes);
}

void ShareMachine::OnLoaded(const MachineTime& now) {
  for (const auto& [number, entry] : context_.table.entries()) {
    entry->window.scanned = entry->partition.start();
    if (entry->partition.parked() > 0) WakeAt(now, &context_, entry.get(), now.monotonic);
  }
  context_.listener->OnLocksForgotten();
}

}  // namespace weir
