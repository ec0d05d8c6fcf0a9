// Zigzag varints, the numbers inside a record: seven bits a byte, lowest first, the high bit says
// that more follow; small numbers of either sign are short. Pure functions, any thread.
#ifndef WEIR_STORAGE_RECORD_VARINT_H_
#define WEIR_STORAGE_RECORD_VARINT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace weir {

inline constexpr size_t kMaxVarint32Bytes = 5;
inline constexpr size_t kMaxVarint64Bytes = 10;

constexpr uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

// How many bytes WriteVarint writes, 1 to 10: a ninth of a byte for each of its bits, without a
// division by seven.
constexpr size_t VarintBytes(int64_t value) {
  return (static_cast<size_t>(std::bit_width(ZigZag(value) | 1)) * 9 + 64) / 64;
}

// Returns the place behind what it wrote.
inline char* WriteVarint(int64_t value, char* to) {
  uint64_t rest = ZigZag(value);
  for (; rest >= 0x80; rest >>= 7) *to++ = static_cast<char>(rest | 0x80);
  *to++ = static_cast<char>(rest);
  return to;
}

// Reads a varint of at most the bytes that T (int32_t or int64_t) needs. Returns the place behind
// it; nullptr when the bytes end before it does or the number does not fit T, and leaves `value`
// alone.
template <typename T>
const char* ReadVarint(const char* from, const char* end, T* value) {
  constexpr size_t kMaxBytes = sizeof(T) == 4 ? kMaxVarint32Bytes : kMaxVarint64Bytes;
  constexpr uint64_t kLastByteMax = sizeof(T) == 4 ? 0x0f : 0x01;
  uint64_t bits = 0;
  for (size_t i = 0; i < kMaxBytes && from != end; ++i) {
    const uint64_t byte = static_cast<unsigned char>(*from++);
    if (i + 1 == kMaxBytes && byte > kLastByteMax) return nullptr;
    bits |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) [[likely]] {
      *value = static_cast<T>(UnZigZag(bits));
      return from;
    }
  }
  return nullptr;
}

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_VARINT_H_
