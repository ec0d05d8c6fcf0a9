#include "storage/record/record_view.h"

#include "storage/base/check.h"
#include "storage/record/varint.h"

namespace weir {

std::vector<HeaderView> HeaderList::Decode() const {
  std::vector<HeaderView> headers(count_);
  const char* at = encoded_.data();
  const char* const end = at + encoded_.size();
  for (HeaderView& header : headers) {
    int32_t length = 0;
    at = ReadVarint(at, end, &length);
    WEIR_CHECK(at != nullptr && length >= 0 && length <= end - at);
    header.key = absl::string_view(at, static_cast<size_t>(length));
    at = ReadVarint(at + length, end, &length);
    WEIR_CHECK(at != nullptr && length <= end - at);
    if (length < 0) continue;
    header.value = absl::string_view(at, static_cast<size_t>(length));
    at += length;
  }
  return headers;
}

}  // namespace weir
