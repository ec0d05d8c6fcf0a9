#include "tests/support/sim_content.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir {

int64_t SimContent::MissingBlocks(int64_t position, int64_t length) const {
  int64_t missing = 0;
  for (int64_t block = position / kBlock; block * kBlock < position + length; ++block) {
    const size_t i = static_cast<size_t>(block);
    if (i >= blocks_.size() || blocks_[i] == nullptr) ++missing;
  }
  return missing;
}

size_t SimContent::Read(int64_t position, absl::Span<char> to) const {
  if (position >= size_) return 0;
  const size_t n = std::min(to.size(), static_cast<size_t>(size_ - position));
  for (size_t done = 0; done < n;) {
    const int64_t at = position + static_cast<int64_t>(done);
    const size_t block = static_cast<size_t>(at / kBlock);
    const size_t offset = static_cast<size_t>(at % kBlock);
    const size_t take = std::min(n - done, static_cast<size_t>(kBlock) - offset);
    if (block < blocks_.size() && blocks_[block] != nullptr) {
      std::memcpy(to.data() + done, blocks_[block]->data() + offset, take);
    } else {
      std::memset(to.data() + done, 0, take);
    }
    done += take;
  }
  return n;
}

void SimContent::Write(int64_t position, absl::string_view bytes) {
  if (bytes.empty()) return;
  size_ = std::max(size_, position + static_cast<int64_t>(bytes.size()));
  while (!bytes.empty()) {
    const size_t offset = static_cast<size_t>(position % kBlock);
    const absl::string_view piece = bytes.substr(0, static_cast<size_t>(kBlock) - offset);
    WriteInBlock(static_cast<size_t>(position / kBlock), offset, piece);
    bytes.remove_prefix(piece.size());
    position += static_cast<int64_t>(piece.size());
  }
}

void SimContent::WriteInBlock(size_t block, size_t offset, absl::string_view bytes) {
  if (block >= blocks_.size()) blocks_.resize(block + 1);
  std::shared_ptr<const Block>& old = blocks_[block];
  if (old == nullptr) ++allocated_;
  static const auto* const zeros = new std::shared_ptr<const Block>(std::make_shared<Block>());
  if (bytes.size() == zeros->get()->size() &&
      std::memcmp(bytes.data(), zeros->get()->data(), bytes.size()) == 0) {
    old = *zeros;  // files that are written once with zeros take no memory
    return;
  }
  // Always a new block, never a change in place: other contents, also of other threads' disks,
  // share the old one.
  auto changed = old != nullptr ? std::make_shared<Block>(*old) : std::make_shared<Block>();
  std::memcpy(changed->data() + offset, bytes.data(), bytes.size());
  old = std::move(changed);
}

void SimContent::Resize(int64_t size) {
  if (size < size_) {
    const size_t keep = static_cast<size_t>((size + kBlock - 1) / kBlock);
    for (size_t i = keep; i < blocks_.size(); ++i) {
      if (blocks_[i] != nullptr) --allocated_;
    }
    if (keep < blocks_.size()) blocks_.resize(keep);
    const size_t tail = static_cast<size_t>(size % kBlock);
    if (tail != 0 && keep <= blocks_.size() && blocks_[keep - 1] != nullptr) {
      const Block zeros{};
      WriteInBlock(keep - 1, tail, absl::string_view(zeros.data(), zeros.size() - tail));
    }
  }
  size_ = size;
}

}  // namespace weir
