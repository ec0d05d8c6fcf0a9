// Compression: the five codecs of a record section, in the framing that Kafka's clients use: gzip;
// snappy in xerial blocks; LZ4 frames of independent blocks; zstd. Each thread keeps its contexts,
// which cost far more to set up than a small batch to compress. Pure functions otherwise, any
// thread.
#ifndef WEIR_STORAGE_RECORD_COMPRESSION_H_
#define WEIR_STORAGE_RECORD_COMPRESSION_H_

#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/record/byte_buffer.h"
#include "storage/record/record_batch.h"

namespace weir {

// Kafka's names: none gzip snappy lz4 zstd. "unknown" for a number that is no codec.
absl::string_view CompressionName(Compression codec);

// A section of `compressed` bytes may decompress to so many: what tells a batch from a bomb. See
// limits.h.
size_t DecompressedBound(size_t compressed);

// Appends `input`, compressed, to `out`. False, and nothing appended, when that would save nothing,
// when it would come out so small that Decompress had to take it for a bomb, and for kNone.
// `level`: gzip 1 to 9, lz4 0 to 12, zstd -131072 to 22; others are moved to the nearest; absent is
// the codec's default (6, 0, 3); snappy has none.
bool Compress(Compression codec, std::optional<int> level, absl::string_view input,
              ByteBuffer* out);

// Appends `input`, decompressed, to `out`. CORRUPT_BATCH when `input` is not exactly what a
// compressor of `codec` writes, or when it grows past DecompressedBound(): then it is left at once,
// having never needed more memory than three times that and a few MiB of the codec's own.
// UNSUPPORTED_COMPRESSION for a number that is no codec. After an error `out` is unspecified.
absl::Status Decompress(Compression codec, absl::string_view input, ByteBuffer* out);

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_COMPRESSION_H_
