// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by ISA-L's hardware routines. Pure functions, any
// thread.
#ifndef WEIR_STORAGE_BASE_CRC32C_H_
#define WEIR_STORAGE_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir {

// The CRC of `bytes`. With `seed` = the CRC of what came before, the CRC of both together.
uint32_t Crc32c(absl::string_view bytes, uint32_t seed = 0);

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_CRC32C_H_
