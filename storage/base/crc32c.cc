#include "storage/base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace weir {

uint32_t Crc32c(absl::string_view bytes, uint32_t seed) {
  uint32_t state = ~seed;
  while (!bytes.empty()) {
    const size_t n = std::min<size_t>(bytes.size(), 1 << 30);  // ISA-L takes an int
    // ISA-L only reads through the pointer, which it declares without const.
    state = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
                        static_cast<int>(n), state);
    bytes.remove_prefix(n);
  }
  return ~state;
}

}  // namespace weir
