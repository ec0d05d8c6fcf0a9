#include "storage/meta/data_directory_meta.h"

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/crc32c.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "weirmeta";
constexpr size_t kUuidBytes = 36;

std::string MetaPath(const std::string& directory) { return JoinPath(directory, "weir.meta"); }

std::string Encode(const DataDirectoryMeta& meta) {
  WEIR_CHECK(meta.broker_id.size() == kUuidBytes);
  std::string bytes(kMagic);
  AppendLittle(&bytes, kDataFormatLevel);
  AppendLittle(&bytes, meta.leader_epoch.value());
  bytes += meta.broker_id;
  AppendLittle(&bytes, uint64_t{0});
  AppendLittle(&bytes, Crc32c(bytes));
  return bytes;
}

absl::StatusOr<DataDirectoryMeta> Decode(const std::string& path, absl::string_view bytes) {
  ByteReader reader(bytes);
  const absl::string_view magic = reader.ReadBytes(kMagic.size());
  const auto level = reader.Read<uint32_t>();
  if (reader.ok() && magic == kMagic && level > kDataFormatLevel) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": the data directory has format level ", level,
                     ", this version of Weir knows levels up to ", kDataFormatLevel,
                     ". Start the version that wrote it."));
  }
  DataDirectoryMeta meta;
  meta.leader_epoch = LeaderEpoch{reader.Read<int32_t>()};
  meta.broker_id = std::string(reader.ReadBytes(kUuidBytes));
  reader.Read<uint64_t>();
  const size_t checked = bytes.size() - reader.rest().size();
  const auto crc = reader.Read<uint32_t>();
  if (!reader.ok() || magic != kMagic || !reader.rest().empty() ||
      crc != Crc32c(bytes.substr(0, checked))) {
    return absl::DataLossError(absl::StrCat(
        path,
        " is damaged. Restore it, or the data directory, from a backup; nothing was changed."));
  }
  return meta;
}

}  // namespace

absl::StatusOr<std::optional<DataDirectoryMeta>> ReadDataDirectoryMeta(
    FileSystem& fs, const std::string& directory) {
  const std::string path = MetaPath(directory);
  const absl::StatusOr<std::string> bytes = ReadFile(fs, path);
  if (bytes.ok()) return Decode(path, *bytes);
  if (!absl::IsNotFound(bytes.status())) return bytes.status();
  const absl::StatusOr<FileInfo> recovery_point = fs.Stat(JoinPath(directory, "recovery-point"));
  if (absl::IsNotFound(recovery_point.status())) return std::optional<DataDirectoryMeta>();
  if (!recovery_point.ok()) return recovery_point.status();
  return absl::DataLossError(
      absl::StrCat(path, " is missing, but there are logs beside it. Restore it, or the data ",
                   "directory, from a backup; nothing was changed."));
}

absl::Status WriteDataDirectoryMeta(FileSystem& fs, const std::string& directory,
                                    const DataDirectoryMeta& meta) {
  return ReplaceFile(fs, MetaPath(directory), Encode(meta));
}

}  // namespace weir
