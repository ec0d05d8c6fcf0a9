// The messages of Work as bytes. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_WORK_WIRE_H_
#define WEIR_CLIENT_SRC_WORK_WIRE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/bytes.h"
#include "weir/v1/share.pb.h"

namespace weir::client {

inline constexpr char kWork[] = "/weir.v1.ShareService/Work";

// INTERNAL when the message is no WorkResponse. The batches in it are copied once, from the pieces
// in which they came.
absl::StatusOr<std::shared_ptr<const v1::WorkResponse>> DecodeWork(const SharedBytes& message);

// `text` as a message may carry it: what is no UTF-8 becomes U+FFFD, and it is cut between
// characters at `most` bytes.
std::string WireText(absl::string_view text, size_t most);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_WORK_WIRE_H_
