// Turns the errors of the wire into absl::Status: weir.v1.Error of an item, and the status and
// trailer of a whole call. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_WIRE_STATUS_H_
#define WEIR_CLIENT_SRC_WIRE_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "weir/v1/common.pb.h"

namespace weir::client {

inline constexpr char kErrorTrailer[] = "weir-error-bin";

// The Status that the broker made this Error from. A reason that this library does not know becomes
// UNAVAILABLE when the broker says that a retry may help, otherwise FAILED_PRECONDITION (no effect)
// or UNKNOWN; its name is in the message.
absl::Status StatusOf(const v1::Error& error);

// The end of a call: `code` and `message` are gRPC's, `trailer` the value of weir-error-bin or
// empty.
absl::Status StatusOfCall(int code, absl::string_view message, absl::string_view trailer);

// The same call may succeed later: the table says so, or the transport failed.
bool MayBeTriedAgain(const absl::Status& status);
// It will not, whatever is asked: the broker has no such call, or refuses this caller. (Neither
// holds for INTERNAL and the like.)
bool IsPermanent(const absl::Status& status);
// `status`, which has ended an attempt before anything was done, as an error that says so
// (EffectOf).
absl::Status Certain(const absl::Status& status);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_WIRE_STATUS_H_
