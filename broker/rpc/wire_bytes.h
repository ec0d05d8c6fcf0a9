// The bytes of a gRPC message without copying them: ShareBuffer, and WireReader, which walks a
// protobuf message over them. Pure functions and a value for one thread at a time.
#ifndef WEIR_BROKER_RPC_WIRE_BYTES_H_
#define WEIR_BROKER_RPC_WIRE_BYTES_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/bytes.h"

namespace weir {

// The message's bytes, kept alive by references to gRPC's own buffers.
SharedBytes ShareBuffer(const grpc::ByteBuffer& buffer);

// Walks bytes in pieces. After the first impossible read ok() is false and every further read gives
// nothing.
class WireReader {
 public:
  // `bytes` outlives the reader.
  explicit WireReader(const SharedBytes& bytes) : bytes_(bytes) { Skip(0); }

  bool ok() const { return ok_; }
  bool AtEnd() const { return position_ == bytes_.size(); }
  size_t position() const { return position_; }

  // A base-128 number of at most 64 bits.
  uint64_t ReadVarint();
  // There are `n` bytes more.
  bool CanSkip(uint64_t n) const { return ok_ && n <= bytes_.size() - position_; }
  // Passes over `n` bytes, all of which are there.
  void Skip(uint64_t n);
  // Passes over the value of a field with this tag, whatever it is. Groups are refused.
  void SkipValue(uint64_t tag);

 private:
  SharedBytes::Pieces::const_iterator piece() const {
    return bytes_.pieces().begin() + static_cast<ptrdiff_t>(piece_);
  }

  const SharedBytes& bytes_;
  size_t piece_ = 0;     // the piece that holds position_,
  size_t in_piece_ = 0;  // and where in it
  size_t position_ = 0;  // from the start of all
  bool ok_ = true;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WIRE_BYTES_H_
