// Page tokens: where the next page of a listing starts, opaque to callers. Pure functions, any
// thread.
#ifndef WEIR_BROKER_RPC_PAGE_TOKEN_H_
#define WEIR_BROKER_RPC_PAGE_TOKEN_H_

#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// `listing` names the call and whatever else must stay the same from page to page; `position` is
// where to go on.
std::string EncodePageToken(absl::string_view listing, absl::string_view position);

// The position; empty for an empty token, which asks for the first page. INVALID_PAGE_TOKEN when
// EncodePageToken did not make `token` for the same `listing`.
absl::StatusOr<std::string> DecodePageToken(absl::string_view listing, absl::string_view token);

// A position in a listing of partitions by topic and number: the last one that was shown.
struct NamedPosition {
  std::string topic;
  int32_t partition = -1;

  auto operator<=>(const NamedPosition&) const = default;
};
std::string EncodeNamedPosition(const NamedPosition& position);
// The one before all others for an empty text. INVALID_PAGE_TOKEN when it is none.
absl::StatusOr<NamedPosition> DecodeNamedPosition(absl::string_view position);

// How many entries a page has: `asked`, the largest when that is 0 or more than it. INVALID_REQUEST
// when it is negative.
absl::StatusOr<int32_t> PageSize(int32_t asked);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PAGE_TOKEN_H_
