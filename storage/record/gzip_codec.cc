#include <zlib.h>

#include <algorithm>
#include <memory>

#include "storage/base/check.h"
#include "storage/record/codecs.h"

namespace weir {
namespace {

constexpr int kWindowBitsGzip =
    15 + 16;  // the largest window; 16 asks for gzip's header and trailer instead of zlib's

class Deflater {
 public:
  explicit Deflater(int level) : level_(level) {
    WEIR_CHECK(deflateInit2(&stream_, level, Z_DEFLATED, kWindowBitsGzip, /*memLevel=*/8,
                            Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  int level() const { return level_; }

  void Run(absl::string_view input, ByteBuffer* out) {
    WEIR_CHECK(deflateReset(&stream_) == Z_OK);
    const size_t bound = deflateBound(&stream_, input.size());
    // zlib only reads through next_in, which it declares without const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out->Room(bound));
    stream_.avail_out = static_cast<uInt>(bound);
    WEIR_CHECK(deflate(&stream_, Z_FINISH) == Z_STREAM_END);
    out->set_size(out->size() + bound - stream_.avail_out);
  }

 private:
  z_stream stream_{};
  int level_;
};

class Inflater {
 public:
  Inflater() { WEIR_CHECK(inflateInit2(&stream_, kWindowBitsGzip) == Z_OK); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  absl::Status Run(absl::string_view input, BoundedOutput* out) {
    WEIR_CHECK(inflateReset(&stream_) == Z_OK);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    out->Expect(4 * input.size());
    int result = Z_OK;
    while (result == Z_OK && !out->overflowed()) {
      out->Grow();
      const auto room = static_cast<uInt>(out->room());
      stream_.next_out = reinterpret_cast<Bytef*>(out->at());
      stream_.avail_out = room;
      result = inflate(&stream_, Z_NO_FLUSH);
      out->Advance(room - stream_.avail_out);
    }
    if (out->overflowed()) return absl::OkStatus();
    if (result == Z_BUF_ERROR) return CorruptSection("gzip", "the stream is cut off");
    if (result != Z_STREAM_END)
      return CorruptSection("gzip", stream_.msg != nullptr ? stream_.msg : zError(result));
    if (stream_.avail_in != 0) return CorruptSection("gzip", "bytes follow the end of the stream");
    return absl::OkStatus();
  }

 private:
  z_stream stream_{};
};

}  // namespace

void GzipCompress(std::optional<int> level, absl::string_view input, ByteBuffer* out) {
  thread_local std::unique_ptr<Deflater> deflater;
  const int effective = std::clamp(level.value_or(6), Z_BEST_SPEED, Z_BEST_COMPRESSION);
  if (deflater == nullptr || deflater->level() != effective)
    deflater = std::make_unique<Deflater>(effective);
  deflater->Run(input, out);
}

absl::Status GzipDecompress(absl::string_view input, BoundedOutput* out) {
  thread_local Inflater inflater;
  return inflater.Run(input, out);
}

}  // namespace weir
