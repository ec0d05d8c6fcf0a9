#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>

#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/codecs.h"

namespace weir {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

void ZstdCompress(std::optional<int> level, absl::string_view input, ByteBuffer* out) {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context;
  if (context == nullptr) context.reset(ZSTD_createCCtx());
  WEIR_CHECK(context != nullptr);
  const int effective =
      std::clamp(level.value_or(ZSTD_CLEVEL_DEFAULT), ZSTD_minCLevel(), ZSTD_maxCLevel());
  const size_t bound = ZSTD_compressBound(input.size());
  char* const to = out->Room(bound);
  const size_t written =
      ZSTD_compressCCtx(context.get(), to, bound, input.data(), input.size(), effective);
  WEIR_CHECK(!ZSTD_isError(written));
  out->set_size(out->size() + written);
  // The highest levels want hundreds of MiB, too much to leave with every thread.
  if (ZSTD_sizeof_CCtx(context.get()) > limits::kCodecContextKept) context.reset();
}

// In one pass into memory that is large enough, found by trying: zstd's streaming would first
// allocate the window that the frame's header asks for, up to 128 MiB, on the word of a few hostile
// bytes.
absl::Status ZstdDecompress(absl::string_view input, BoundedOutput* out) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  WEIR_CHECK(context != nullptr);
  const unsigned long long content = ZSTD_getFrameContentSize(input.data(), input.size());
  if (content == ZSTD_CONTENTSIZE_ERROR) return CorruptSection("zstd", "there is no frame");
  const bool known = content != ZSTD_CONTENTSIZE_UNKNOWN;
  size_t expected = known ? content : 4 * input.size();
  if (known && content > out->bound()) out->Refuse();
  while (!out->overflowed()) {
    out->Expect(std::max<size_t>(expected, 4096));
    const size_t written =
        ZSTD_decompressDCtx(context.get(), out->at(), out->room(), input.data(), input.size());
    if (!ZSTD_isError(written)) {
      out->Advance(written);
      return absl::OkStatus();
    }
    if (ZSTD_getErrorCode(written) != ZSTD_error_dstSize_tooSmall) {
      return CorruptSection("zstd", ZSTD_getErrorName(written));
    }
    if (out->room() > out->bound()) out->Refuse();
    expected = 4 * out->room();
  }
  return absl::OkStatus();
}

}  // namespace weir
