// ByteBuffer: bytes in one growing piece that are never zeroed before they are written, which
// std::string and std::vector insist on. Move-only. For one thread at a time.
#ifndef WEIR_STORAGE_RECORD_BYTE_BUFFER_H_
#define WEIR_STORAGE_RECORD_BYTE_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/base/check.h"

namespace weir {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept { *this = std::move(other); }
  // Leaves `other` empty; views of its bytes stay good and now belong to this buffer.
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  absl::string_view view() const { return absl::string_view(bytes_.get(), size_); }

  // Makes room for at least `capacity` bytes in all, exactly that many if it has to grow. Keeps the
  // bytes, moves them.
  void Reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    std::unique_ptr<char[]> larger(new char[capacity]);  // make_unique would zero it
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  // Makes room for `more` bytes behind the present ones, at least doubling when it grows. Gives the
  // place to write them.
  char* Room(size_t more) {
    if (capacity_ - size_ < more) [[unlikely]]
      Reserve(std::max(size_ + more, 2 * capacity_));
    return bytes_.get() + size_;
  }
  // At most capacity(). Bytes that this adds are whatever was written there.
  void set_size(size_t size) {
    WEIR_CHECK(size <= capacity_);
    size_ = size;
  }
  void Append(absl::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_BYTE_BUFFER_H_
