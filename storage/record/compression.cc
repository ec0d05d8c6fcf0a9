#include "storage/record/compression.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/codecs.h"

namespace weir {
namespace {

absl::Status DecompressInto(Compression codec, absl::string_view input, BoundedOutput* out) {
  switch (codec) {
    case Compression::kNone:
      break;
    case Compression::kGzip:
      return GzipDecompress(input, out);
    case Compression::kSnappy:
      return SnappyDecompress(input, out);
    case Compression::kLz4:
      return Lz4Decompress(input, out);
    case Compression::kZstd:
      return ZstdDecompress(input, out);
  }
  return MakeError(Reason::kUnsupportedCompression,
                   absl::StrCat("codec ", static_cast<int>(codec), " is none of 1 to 4"));
}

}  // namespace

absl::string_view CompressionName(Compression codec) {
  switch (codec) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kSnappy:
      return "snappy";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

size_t DecompressedBound(size_t compressed) {
  const size_t by_ratio =
      std::min<size_t>(compressed, limits::kDecompressedBatch) * limits::kDecompressionRatio;
  return std::clamp<size_t>(by_ratio, limits::kDecompressedAlways, limits::kDecompressedBatch);
}

bool Compress(Compression codec, std::optional<int> level, absl::string_view input,
              ByteBuffer* out) {
  const size_t start = out->size();
  switch (codec) {
    case Compression::kNone:
      return false;
    case Compression::kGzip:
      GzipCompress(level, input, out);
      break;
    case Compression::kSnappy:
      SnappyCompress(input, out);
      break;
    case Compression::kLz4:
      Lz4Compress(level, input, out);
      break;
    case Compression::kZstd:
      ZstdCompress(level, input, out);
      break;
  }
  const size_t compressed = out->size() - start;
  if (compressed < input.size() && input.size() <= DecompressedBound(compressed)) return true;
  out->set_size(start);
  return false;
}

absl::Status Decompress(Compression codec, absl::string_view input, ByteBuffer* out) {
  BoundedOutput output(out, DecompressedBound(input.size()));
  WEIR_RETURN_IF_ERROR(DecompressInto(codec, input, &output));
  if (!output.overflowed()) return absl::OkStatus();
  return CorruptSection(CompressionName(codec),
                        absl::StrCat(input.size(), " bytes decompress to more than ",
                                     output.bound(), ", the most that is allowed for them"));
}

absl::Status CorruptSection(absl::string_view codec, absl::string_view what) {
  return MakeError(Reason::kCorruptBatch, absl::StrCat("record section, ", codec, ": ", what));
}

}  // namespace weir
