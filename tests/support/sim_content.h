// SimContent: the bytes of a simulated file, in immutable blocks that copies share, so that a copy
// costs one pointer per 4 KiB. A value without any notion of sync or crash (that is SimFile). Not
// thread-safe; copies are independent.
#ifndef WEIR_TESTS_SUPPORT_SIM_CONTENT_H_
#define WEIR_TESTS_SUPPORT_SIM_CONTENT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

class SimContent {
 public:
  static constexpr int64_t kBlock = 4096;

  int64_t size() const { return size_; }
  // How many blocks hold bytes that were written; the others are holes and read as zeros.
  int64_t allocated_blocks() const { return allocated_; }
  // How many blocks a write of [position, position + length) would add.
  int64_t MissingBlocks(int64_t position, int64_t length) const;

  // Fills `to` from `position`; returns how many bytes there were.
  size_t Read(int64_t position, absl::Span<char> to) const;
  // Extends the size as needed; a gap reads as zeros.
  void Write(int64_t position, absl::string_view bytes);
  // Cuts, or extends with zeros.
  void Resize(int64_t size);

 private:
  using Block = std::array<char, kBlock>;

  void WriteInBlock(size_t block, size_t offset, absl::string_view bytes);

  int64_t size_ = 0;
  int64_t allocated_ = 0;
  // Null, or past the end of the vector: a hole. Bytes of the last block past size_ are zero.
  std::vector<std::shared_ptr<const Block>> blocks_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_CONTENT_H_
