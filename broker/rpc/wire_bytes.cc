#include "broker/rpc/wire_bytes.h"

#include <memory>
#include <utility>
#include <vector>

namespace weir {

SharedBytes ShareBuffer(const grpc::ByteBuffer& buffer) {
  auto slices = std::make_shared<std::vector<grpc::Slice>>();
  if (!buffer.Valid() || !buffer.Dump(slices.get()).ok()) return SharedBytes();
  SharedBytes::Pieces pieces(slices->size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    const grpc::Slice& slice = (*slices)[i];
    pieces[i] = absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return SharedBytes(std::move(pieces), std::move(slices));
}

uint64_t WireReader::ReadVarint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (!ok_ || AtEnd()) break;
    const auto byte = static_cast<unsigned char>((*piece())[in_piece_]);
    Skip(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

void WireReader::Skip(uint64_t n) {
  if (!CanSkip(n)) {
    ok_ = false;
    return;
  }
  position_ += n;
  in_piece_ += n;
  while (piece_ < bytes_.pieces().size() && in_piece_ >= piece()->size()) {
    in_piece_ -= piece()->size();
    ++piece_;
  }
}

void WireReader::SkipValue(uint64_t tag) {
  switch (tag & 7) {
    case 0:
      ReadVarint();
      return;
    case 1:
      Skip(8);
      return;
    case 2:
      Skip(ReadVarint());
      return;
    case 5:
      Skip(4);
      return;
    default:
      ok_ = false;
  }
}

}  // namespace weir
