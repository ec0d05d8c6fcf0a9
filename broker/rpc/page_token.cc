#include "broker/rpc/page_token.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr size_t kChecksumBytes = 4;

// A token is base64 of a checksum over listing and position, then the position.
uint32_t Checksum(absl::string_view listing, absl::string_view position) {
  return Crc32c(absl::StrCat(listing.size(), ":", listing, position));
}

}  // namespace

std::string EncodePageToken(absl::string_view listing, absl::string_view position) {
  std::string bytes;
  AppendLittle(&bytes, Checksum(listing, position));
  absl::StrAppend(&bytes, position);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<std::string> DecodePageToken(absl::string_view listing, absl::string_view token) {
  if (token.empty()) return std::string();
  std::string bytes;
  if (absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() >= kChecksumBytes) {
    std::string position = bytes.substr(kChecksumBytes);
    // Written once more, and not only its checksum: base64 has many ways to say the same.
    if (EncodePageToken(listing, position) == token) return position;
  }
  return MakeError(Reason::kInvalidPageToken,
                   absl::StrCat("'", absl::CHexEscape(token.substr(0, 100)),
                                "' is not a page token of this listing"));
}

std::string EncodeNamedPosition(const NamedPosition& position) {
  return absl::StrCat(position.topic, "/", position.partition);  // names have no slash
}

absl::StatusOr<NamedPosition> DecodeNamedPosition(absl::string_view position) {
  NamedPosition decoded;
  if (position.empty()) return decoded;
  const std::vector<absl::string_view> parts = absl::StrSplit(position, '/');
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &decoded.partition))
    return MakeError(Reason::kInvalidPageToken, "the page token does not name a partition");
  decoded.topic = std::string(parts[0]);
  return decoded;
}

absl::StatusOr<int32_t> PageSize(int32_t asked) {
  if (asked < 0) {
    return MakeError(
        Reason::kInvalidRequest,
        absl::StrCat("page_size is ", asked, "; it must be 0 to ", limits::kPageSizeLargest));
  }
  return asked == 0 ? limits::kPageSizeLargest : std::min(asked, limits::kPageSizeLargest);
}

}  // namespace weir
