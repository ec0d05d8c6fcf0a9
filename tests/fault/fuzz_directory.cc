#include "tests/fault/fuzz_directory.h"

#include <algorithm>
#include <cstdint>

#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "tests/fault/fuzz_disk.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

enum What : uint8_t { kRecoveryPoint, kJournal, kSegment, kIndex };

std::string PathOf(uint8_t what, uint8_t number, const std::string& data) {
  const std::string partition = PartitionDirectory(
      data, {LogWorld::Topic(1 + (what >> 2 & 3)), PartitionIndex{what >> 4 & 3}});
  switch (what & 3) {
    case kRecoveryPoint:
      return RecoveryPointPath(data);
    case kJournal:
      return JournalPath(data, number & 3);
    case kSegment:
      return JoinPath(partition, SegmentName(Offset{number}));
    default:
      return JoinPath(partition, IndexName(Offset{number}));
  }
}

void Seal(uint8_t what, uint8_t number, std::string* content) {
  switch (what & 3) {
    case kRecoveryPoint:
      return SealRecoveryPoint(content);
    case kJournal:
      return SealJournal(content);
    case kSegment:
      return SealSegment(content);
    default:
      return SealIndex(Offset{number}, content);
  }
}

}  // namespace

std::vector<FuzzDirectoryFile> ParseFuzzDirectory(absl::string_view input,
                                                  const std::string& data) {
  std::vector<FuzzDirectoryFile> files;
  if (input.empty()) return files;
  const bool seal = (input[0] & 1) != 0;
  input.remove_prefix(1);
  while (input.size() >= 2 && files.size() < kFuzzDirectoryFiles) {
    const auto what = static_cast<uint8_t>(input[0]);
    const auto number = static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    FuzzDirectoryFile file{PathOf(what, number, data), FuzzFile(&input)};
    if (seal) Seal(what, number, &file.content);
    std::erase_if(files, [&](const auto& earlier) { return earlier.path == file.path; });
    files.push_back(std::move(file));
  }
  return files;
}

std::string ToFuzzDirectory(const SimFileSystem& disk, const std::string& data, bool seal) {
  std::string input(1, static_cast<char>(seal));
  size_t files = 0;
  // Every path that an input can name, rather than every file: so the two agree on what that is.
  std::vector<std::string> there = disk.AllFiles();
  for (int what = 0; what < 64; ++what) {
    for (int number = 0; number < 256; ++number) {
      const std::string path =
          PathOf(static_cast<uint8_t>(what), static_cast<uint8_t>(number), data);
      const auto found = std::find(there.begin(), there.end(), path);
      if (found == there.end()) continue;
      there.erase(found);
      WEIR_CHECK(++files <= kFuzzDirectoryFiles);
      input.push_back(static_cast<char>(what));
      input.push_back(static_cast<char>(number));
      input += ToFuzzFile(disk.ReadRaw(path));
    }
  }
  return input;
}

}  // namespace weir
