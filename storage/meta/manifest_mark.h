// ManifestMark: the small file `manifest-mark` beside RocksDB's own, which says up to where each of
// its manifests is flushed. RocksDB takes the first record of a manifest that does not verify for
// the torn end of it, or for damage, by chance: a crash can so stop an open, and damage be
// forgotten together with everything behind it. With the mark the two are told apart exactly: below
// it everything must verify, behind it nothing was acknowledged. Pure functions, any thread.
//
// Format: text. A line for each manifest: its name, a blank, its flushed bytes. Last a line of
// `crc `, and the CRC-32C of what is before it as eight hexadecimal digits.
#ifndef WEIR_STORAGE_META_MANIFEST_MARK_H_
#define WEIR_STORAGE_META_MANIFEST_MARK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

inline constexpr absl::string_view kManifestMarkName = "manifest-mark";
inline constexpr absl::string_view kManifestPrefix = "MANIFEST-";

// By the manifest's name.
using ManifestMark = std::map<std::string, uint64_t>;

std::string EncodeManifestMark(const ManifestMark& mark);
// Nothing when `bytes` is not what EncodeManifestMark gives.
std::optional<ManifestMark> DecodeManifestMark(absl::string_view bytes);

// The manifest that CURRENT, with this content, names; nothing when that makes no sense.
std::optional<std::string> CurrentManifest(absl::string_view current);

}  // namespace weir

#endif  // WEIR_STORAGE_META_MANIFEST_MARK_H_
