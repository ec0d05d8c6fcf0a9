// SimFile: one file of the simulated disk: what programs read (the page cache), what is on the
// disk, and the effects between the two that no sync has covered. It knows no names and no failing
// operations. Not thread-safe; copies are independent.
//
// The fault model of a file's data, after ext4 and XFS but never kinder:
// - Sync brings everything written before it to the disk, the size too. It does not bring the
// file's name (SimTree).
// - Power loss with unsynced effects leaves any mixture. Disks write sectors of 512 bytes whole and
// in any order, so each
//   sector holds, independently of all others, what it held on the disk or after any one of the
//   writes since; a write is thus there, missing or torn, whatever became of the writes before it.
//   A sector is one moment of the page cache: two writes into the same sector never appear with the
//   later one alone.
// - Sizes and truncations come from the file system's journal: in their order, up to any point,
// independently of data. So
//   a file may be as long as it was at any moment since the sync; bytes that are missing below its
//   size are zeros.
// - A truncation frees blocks. While it is not on the disk, no later write into the freed blocks
// can be there either; once it
//   is, nothing older behind the cut shows again. The block that the cut goes through is zeroed
//   behind it like a write.
// - A failed sync (FailSync) marks the dirty pages clean and drops them: reads still give the
// bytes, but they are not on
//   the disk, and no later sync writes them. The size, being metadata, still gets there with the
//   next good sync, over zeros.
#ifndef WEIR_TESTS_SUPPORT_SIM_FILE_H_
#define WEIR_TESTS_SUPPORT_SIM_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sim_content.h"
#include "tests/support/sim_random.h"

namespace weir {

// What power loss leaves of effects that were not synced.
enum class CrashMode {
  kDropUnsynced,  // nothing
  kKeepAll,       // everything (but never what a failed sync lost)
  kRandom,        // any mixture the fault model allows, by the seed
};

class SimFile {
 public:
  static constexpr int64_t kSector = 512;

  SimFile() = default;
  explicit SimFile(SimContent on_disk) : cached_(on_disk), on_disk_(std::move(on_disk)) {}

  // What reads give.
  const SimContent& content() const { return cached_; }
  void Write(int64_t position, std::string bytes);
  void Truncate(int64_t size);
  void Sync();
  void FailSync();

  // What is on the disk when the power goes now.
  SimContent AfterCrash(CrashMode mode, SimRandom& random) const;

 private:
  // A write of `bytes` at `position`, or (bytes null) a truncation at `position`.
  struct Effect {
    int64_t position = 0;
    std::shared_ptr<const std::string> bytes;
    int64_t size_after = 0;  // the file's size once it has happened
    bool lost = false;       // a failed sync dropped the bytes

    bool is_truncation() const { return bytes == nullptr; }
    // The bytes of the disk that it changes without freeing or adding any.
    int64_t begin() const { return position; }
    int64_t end() const;
  };

  void ApplyAll(SimContent& to) const;
  SimContent WithSomeEffects(SimRandom& random) const;

  SimContent cached_;
  SimContent on_disk_;
  std::vector<Effect> unsynced_;  // oldest first
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_FILE_H_
