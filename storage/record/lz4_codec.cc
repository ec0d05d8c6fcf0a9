#include <lz4frame.h>
#include <lz4hc.h>

#include <algorithm>
#include <memory>

#include "storage/base/check.h"
#include "storage/record/codecs.h"

namespace weir {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

std::unique_ptr<LZ4F_dctx, FreeContext> NewContext() {
  LZ4F_dctx* context = nullptr;
  WEIR_CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
  return std::unique_ptr<LZ4F_dctx, FreeContext>(context);
}

}  // namespace

void Lz4Compress(std::optional<int> level, absl::string_view input, ByteBuffer* out) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Kafka's reader refuses linked blocks
  preferences.frameInfo.contentSize = input.size();
  preferences.compressionLevel = std::clamp(level.value_or(0), 0, LZ4HC_CLEVEL_MAX);
  const size_t bound = LZ4F_compressFrameBound(input.size(), &preferences);
  char* const to = out->Room(bound);
  const size_t written = LZ4F_compressFrame(to, bound, input.data(), input.size(), &preferences);
  WEIR_CHECK(!LZ4F_isError(written));
  out->set_size(out->size() + written);
}

absl::Status Lz4Decompress(absl::string_view input, BoundedOutput* out) {
  thread_local const std::unique_ptr<LZ4F_dctx, FreeContext> context = NewContext();
  LZ4F_resetDecompressionContext(context.get());
  LZ4F_frameInfo_t info;
  size_t taken = input.size();
  size_t more = LZ4F_getFrameInfo(context.get(), &info, input.data(), &taken);
  if (LZ4F_isError(more)) return CorruptSection("lz4", LZ4F_getErrorName(more));
  input.remove_prefix(taken);
  out->Expect(info.contentSize != 0 ? info.contentSize : 4 * input.size());

  while (more != 0 && !out->overflowed()) {
    out->Grow();
    size_t written = out->room();
    taken = input.size();
    more = LZ4F_decompress(context.get(), out->at(), &written, input.data(), &taken, nullptr);
    if (LZ4F_isError(more)) return CorruptSection("lz4", LZ4F_getErrorName(more));
    input.remove_prefix(taken);
    out->Advance(written);
    if (more != 0 && taken == 0 && written == 0)
      return CorruptSection("lz4", "the frame is cut off");
  }
  if (more == 0 && !input.empty())
    return CorruptSection("lz4", "bytes follow the end of the frame");
  return absl::OkStatus();
}

}  // namespace weir
