// Bytes on disk and wire: fixed-width integers at unaligned places, and SharedBytes, bytes in
// pieces that somebody keeps alive. Pure functions and immutable values, any thread.
#ifndef WEIR_STORAGE_BASE_BYTES_H_
#define WEIR_STORAGE_BASE_BYTES_H_

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace weir {

// Record batches are big-endian (Kafka's order); Weir's own formats are little-endian. T: any
// integer type.
template <std::integral T>
T LoadBig(const char* from) {
  std::make_unsigned_t<T> value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<std::make_unsigned_t<T>>(static_cast<uint64_t>(value) << 8 |
                                                 static_cast<unsigned char>(from[i]));
  }
  return static_cast<T>(value);
}
template <std::integral T>
void StoreBig(char* to, T value) {
  auto rest = static_cast<std::make_unsigned_t<T>>(value);
  for (size_t i = sizeof(T); i-- > 0;) {
    to[i] = static_cast<char>(rest & 0xff);
    rest = static_cast<std::make_unsigned_t<T>>(static_cast<uint64_t>(rest) >> 8);
  }
}
static_assert(std::endian::native == std::endian::little,
              "LoadLittle and StoreLittle copy the machine's own order");
template <std::integral T>
T LoadLittle(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <std::integral T>
void StoreLittle(char* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}
template <std::integral T>
void AppendLittle(std::string* to, T value) {
  char bytes[sizeof(T)];
  StoreLittle(bytes, value);
  to->append(bytes, sizeof(T));
}

// Takes little-endian fields off the front of borrowed bytes. After the first short read `ok()` is
// false and every further read gives zeros, so a decoder checks once at the end.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : rest_(bytes) {}

  template <std::integral T>
  T Read() {
    if (rest_.size() < sizeof(T)) return Fail(), T{};
    const T value = LoadLittle<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  // Borrowed from the same bytes; empty when fewer than n are left.
  absl::string_view ReadBytes(size_t n) {
    if (rest_.size() < n) return Fail(), absl::string_view();
    const absl::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return bytes;
  }
  bool ok() const { return ok_; }
  absl::string_view rest() const { return rest_; }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }
  absl::string_view rest_;
  bool ok_ = true;
};

// Immutable bytes in one or more pieces, kept alive by `owner` (a network buffer, a string).
// Copying shares; nothing is ever copied out unless asked for.
class SharedBytes {
 public:
  using Pieces = absl::InlinedVector<absl::string_view, 4>;

  SharedBytes() = default;
  SharedBytes(Pieces pieces, std::shared_ptr<const void> owner)
      : pieces_(std::move(pieces)), owner_(std::move(owner)) {
    for (const absl::string_view piece : pieces_) size_ += piece.size();
  }
  static SharedBytes FromString(std::string bytes) {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    return SharedBytes(Pieces{*owner}, owner);
  }

  size_t size() const { return size_; }
  const Pieces& pieces() const { return pieces_; }

  // Copies `n` bytes from `position` to `to`. The range must lie within size().
  void CopyTo(size_t position, size_t n, char* to) const {
    for (const absl::string_view piece : pieces_) {
      if (n == 0) return;
      if (position >= piece.size()) {
        position -= piece.size();
        continue;
      }
      const size_t take = std::min(n, piece.size() - position);
      std::memcpy(to, piece.data() + position, take);
      to += take;
      n -= take;
      position = 0;
    }
  }
  // The `n` bytes from `position` on, shared. The range must lie within size().
  SharedBytes Sub(size_t position, size_t n) const {
    Pieces part;
    for (absl::string_view piece : pieces_) {
      if (n == 0) break;
      if (position >= piece.size()) {
        position -= piece.size();
        continue;
      }
      piece = piece.substr(position, n);
      position = 0;
      n -= piece.size();
      part.push_back(piece);
    }
    return SharedBytes(std::move(part), owner_);
  }
  std::string ToString() const {
    std::string all(size_, '\0');
    CopyTo(0, size_, all.data());
    return all;
  }

 private:
  Pieces pieces_;
  size_t size_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_BYTES_H_
