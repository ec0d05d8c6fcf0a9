#include "broker/rpc/worker_checks.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "broker/rpc/share_admin_calls.h"
#include "broker/share/share_directory.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

absl::StatusOr<WorkerFacts> CheckWorker(const Services& services, const std::string& group,
                                        const std::string& worker, int64_t max_bytes) {
  if (worker.size() > limits::kWorkerNameBytes) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the worker's name has ", worker.size(), " bytes; at most ",
                                  limits::kWorkerNameBytes, " are allowed"));
  }
  if (max_bytes < 0) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_bytes is ", max_bytes, "; it must be 0 or more"));
  }
  std::shared_ptr<const ShareGroup> found = services.share_directory->FindGroup(group);
  // Rare, and short: a machine says which it is, none or a consumer group.
  if (found == nullptr) {
    WEIR_ASSIGN_OR_RETURN(found, RequireShareGroup(services, group));
  }
  return WorkerFacts{.max_bytes = std::min(max_bytes == 0 ? limits::kFetchBytesDefault : max_bytes,
                                           limits::kPlainFetchBytes),
                     .ack_timeout_ms = found->settings.ack_timeout_ms};
}

absl::Status CheckJobItems(int acknowledgements, int renewals) {
  const auto most = static_cast<int>(limits::kAckItems);
  if (acknowledgements <= most && renewals <= most) return absl::OkStatus();
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("there are ", acknowledgements, " acknowledgements and ", renewals,
                                " renewals; at most ", most, " of each are allowed"));
}

}  // namespace weir
