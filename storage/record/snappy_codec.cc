// Snappy itself knows no streams; the xerial framing that Java clients wrap around it is: magic,
// version and compatible version (16 bytes in all), then blocks of a big-endian length and so many
// bytes of snappy.
#include <snappy.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/record/codecs.h"

namespace weir {
namespace {

constexpr absl::string_view kXerialMagic("\x82SNAPPY\0", 8);
constexpr int32_t kXerialVersion = 1;
constexpr size_t kXerialHeaderBytes = 16;
constexpr size_t kXerialBlockBytes = 32 * 1024;  // what Java's writer puts into one block

absl::Status DecompressBlock(absl::string_view block, BoundedOutput* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return CorruptSection("snappy", "the length in front of a block is cut off or no varint");
  }
  if (size > out->bound() - out->size()) {
    out->Refuse();
    return absl::OkStatus();
  }
  out->Expect(out->size() + size);
  if (!snappy::RawUncompress(block.data(), block.size(), out->at())) {
    return CorruptSection("snappy", "a block does not decompress to the length it names");
  }
  out->Advance(size);
  return absl::OkStatus();
}

}  // namespace

void SnappyCompress(absl::string_view input, ByteBuffer* out) {
  out->Append(kXerialMagic);
  char versions[8];
  StoreBig(versions, kXerialVersion);
  StoreBig(versions + 4, kXerialVersion);
  out->Append(absl::string_view(versions, sizeof(versions)));
  while (!input.empty()) {
    const size_t take = std::min(input.size(), kXerialBlockBytes);
    char* const to = out->Room(sizeof(int32_t) + snappy::MaxCompressedLength(take));
    size_t compressed = 0;
    snappy::RawCompress(input.data(), take, to + sizeof(int32_t), &compressed);
    StoreBig(to, static_cast<int32_t>(compressed));
    out->set_size(out->size() + sizeof(int32_t) + compressed);
    input.remove_prefix(take);
  }
}

absl::Status SnappyDecompress(absl::string_view input, BoundedOutput* out) {
  // Clients that are not Java's may leave the framing away.
  if (!absl::StartsWith(input, kXerialMagic)) return DecompressBlock(input, out);
  if (input.size() < kXerialHeaderBytes)
    return CorruptSection("snappy", "the xerial header is cut off");
  const auto compatible = LoadBig<int32_t>(input.data() + 12);
  if (compatible > kXerialVersion) {
    return CorruptSection(
        "snappy", absl::StrCat("xerial version ", compatible, " is newer than ", kXerialVersion));
  }
  input.remove_prefix(kXerialHeaderBytes);
  out->Expect(4 * input.size());
  while (!input.empty() && !out->overflowed()) {
    if (input.size() < sizeof(int32_t))
      return CorruptSection("snappy", "a xerial block's length is cut off");
    const auto length = LoadBig<int32_t>(input.data());
    input.remove_prefix(sizeof(int32_t));
    if (length < 0 || static_cast<size_t>(length) > input.size()) {
      return CorruptSection("snappy",
                            absl::StrCat("a xerial block's length ", length, " is outside 0 to ",
                                         input.size(), ", what is left"));
    }
    if (absl::Status status = DecompressBlock(input.substr(0, static_cast<size_t>(length)), out);
        !status.ok()) {
      return status;
    }
    input.remove_prefix(static_cast<size_t>(length));
  }
  return absl::OkStatus();
}

}  // namespace weir
