// Reply and Done: how a machine's handler is answered. Types only.
#ifndef WEIR_BROKER_RUNTIME_REPLY_H_
#define WEIR_BROKER_RUNTIME_REPLY_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir {

// Called once, on the shard's strand, when everything that the answer tells is durable, or with why
// it is not.
template <typename T>
using Reply = absl::AnyInvocable<void(absl::StatusOr<T>)>;
using Done = absl::AnyInvocable<void(const absl::Status&)>;

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_REPLY_H_
