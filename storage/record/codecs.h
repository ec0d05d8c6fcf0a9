// The codecs one by one, for compression.cc alone, which chooses among them and turns what they say
// into the caller's terms. Any thread; each thread has its own contexts.
#ifndef WEIR_STORAGE_RECORD_CODECS_H_
#define WEIR_STORAGE_RECORD_CODECS_H_

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/record/byte_buffer.h"

namespace weir {

// Where a decompressor writes: grows `buffer` step by step as bytes really come, so that a lying
// size costs nothing, and stops it one byte past the bound, where a bomb is certain.
class BoundedOutput {
 public:
  BoundedOutput(ByteBuffer* buffer, size_t bound)
      : buffer_(buffer), start_(buffer->size()), bound_(bound) {}

  // How many bytes may come in all, and how many have.
  size_t bound() const { return bound_; }
  size_t size() const { return buffer_->size() - start_; }
  bool overflowed() const { return refused_ || size() > bound_; }

  // Makes room for `expected` bytes in all, or for the most that may come.
  void Expect(size_t expected) {
    if (expected > size() + room())
      buffer_->Reserve(start_ + std::min(std::max(expected, 2 * size()), bound_ + 1));
  }
  // Room of at least one byte unless overflowed().
  void Grow() {
    if (room() == 0) Expect(std::max<size_t>(2 * size(), 4096));
  }
  char* at() { return buffer_->data() + buffer_->size(); }
  size_t room() const { return std::min(buffer_->capacity() - start_, bound_ + 1) - size(); }
  void Advance(size_t written) { buffer_->set_size(buffer_->size() + written); }
  // Counts as overflowed from now on: the input itself says that more is to come than may.
  void Refuse() { refused_ = true; }

 private:
  ByteBuffer* buffer_;
  size_t start_;
  size_t bound_;
  bool refused_ = false;
};

// Each appends to its output. A failure to compress can only be a defect or a lack of memory and
// aborts.
void GzipCompress(std::optional<int> level, absl::string_view input, ByteBuffer* out);
void SnappyCompress(absl::string_view input, ByteBuffer* out);
void Lz4Compress(std::optional<int> level, absl::string_view input, ByteBuffer* out);
void ZstdCompress(std::optional<int> level, absl::string_view input, ByteBuffer* out);

// Each stops when the output has overflowed, which it leaves to the caller to report; CORRUPT_BATCH
// for anything else that is wrong with the input.
absl::Status GzipDecompress(absl::string_view input, BoundedOutput* out);
absl::Status SnappyDecompress(absl::string_view input, BoundedOutput* out);
absl::Status Lz4Decompress(absl::string_view input, BoundedOutput* out);
absl::Status ZstdDecompress(absl::string_view input, BoundedOutput* out);

// The CORRUPT_BATCH of all of them.
absl::Status CorruptSection(absl::string_view codec, absl::string_view what);

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_CODECS_H_
