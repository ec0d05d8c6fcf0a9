#include "tests/fault/machine_crash.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {

MachineImages::MachineImages(SimFileSystem* disk, const MachineLedger* ledger, uint64_t seed)
    : disk_(*disk), ledger_(*ledger), seed_(seed) {
  disk_.SetObserver([this](const Operation& operation) { Make(operation); });
}

MachineImages::~MachineImages() { disk_.SetObserver(nullptr); }

void MachineImages::Make(const Operation& operation) {
  if (IsRead(operation.kind)) return;
  absl::MutexLock lock(&mu_);
  const uint64_t number = images_.size();
  const CrashMode mode = number % 3 == 0   ? CrashMode::kDropUnsynced
                         : number % 3 == 1 ? CrashMode::kKeepAll
                                           : CrashMode::kRandom;
  images_.push_back({disk_.CrashImage(seed_ + number, mode), ledger_.counts(),
                     absl::StrCat("seed ", seed_, ", before operation ", number, " (",
                                  operation.ToString(), "), mode ", static_cast<int>(mode))});
}

std::vector<MachineImage> MachineImages::Take() {
  absl::MutexLock lock(&mu_);
  return std::exchange(images_, {});
}

}  // namespace weir
