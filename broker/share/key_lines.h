// KeyLines: with order=key, who is next of each key, as far as memory has it: the job that holds
// the key (available, handed out, or parked until it is tried again) and the jobs in line behind
// it. Keys whose only job waits in the store are not here: HeldKeys knows whether there may be
// some. Not of the log. Not thread-safe.
#ifndef WEIR_BROKER_SHARE_KEY_LINES_H_
#define WEIR_BROKER_SHARE_KEY_LINES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

class KeyLines {
 public:
  // The job that holds the key; nothing when memory knows of none.
  std::optional<Offset> HolderOf(const KeyHash& key) const;
  // The job holds its key from now on; nobody else does.
  void Hold(const KeyHash& key, Offset job);
  // The job goes to the end of the line; somebody holds the key.
  void LineUp(const KeyHash& key, Offset job);
  // Nobody holds the key any more; somebody did. Who is first in line stays there.
  void Release(const KeyHash& key);

  // Of a job that is in line or holds its key.
  std::optional<KeyHash> KeyOf(Offset job) const;
  bool IsInLine(Offset job) const;
  bool HasLine(const KeyHash& key) const { return FirstInLine(key).has_value(); }
  std::optional<Offset> FirstInLine(const KeyHash& key) const;
  size_t LineOf(const KeyHash& key) const;  // jobs in its line
  // Takes the first out of the line.
  void PopLine(const KeyHash& key);
  // Takes all but the first `keep` out of the line, and gives them.
  std::vector<Offset> CutLine(const KeyHash& key, size_t keep);
  // Takes a job out of the middle of its line.
  void LeaveLine(Offset job);

  // The first jobs in any line from an offset on, by offset. Looks at all.
  std::vector<Offset> LinedUp(Offset from, size_t limit) const;
  size_t jobs() const { return jobs_.size(); }
  size_t in_line() const { return in_line_; }

 private:
  static constexpr Offset kNobody{-1};
  struct Key {
    KeyHash hash;
    Offset holder = kNobody;
    Offset first = kNobody;  // of the line
    Offset last = kNobody;
    uint32_t in_line = 0;
  };
  struct Job {
    uint32_t key = 0;  // in keys_
    bool in_line = false;
    Offset next = kNobody;  // in line
  };

  const Key* Find(const KeyHash& key) const;
  uint32_t FindOrAdd(const KeyHash& key);
  void DropIfEmpty(uint32_t index);

  absl::flat_hash_map<KeyHash, uint32_t> by_hash_;
  std::vector<Key> keys_;
  std::vector<uint32_t> free_;  // of keys_
  absl::flat_hash_map<Offset, Job> jobs_;
  size_t in_line_ = 0;
};

// HeldKeys: whether the store may have parked jobs in the line of a key. Exact for some ten
// thousand keys, from then on a counting filter of fixed size, which may say yes for no reason:
// then the store is asked in vain. Kept by replay.
class HeldKeys {
 public:
  bool MaybeHeld(const KeyHash& key) const;
  void Add(const KeyHash& key);
  void Remove(const KeyHash& key);  // it was added

 private:
  uint8_t& Counter(const KeyHash& key);

  absl::flat_hash_map<uint64_t, uint32_t> exact_;  // jobs, by half of the hash
  std::vector<uint8_t> filter_;                    // in its place when not empty; 255 stays
};

// LineBegins: where the line that the store has of a key begins, at the earliest, of the keys that
// were looked at last. Without it every look would pass over all that was taken out of the line
// before, which the store still has as deleted. Kept by replay.
class LineBegins {
 public:
  struct Place {
    int64_t turn = 0;
    Offset job;

    auto operator<=>(const Place&) const = default;
  };

  Place Of(const KeyHash& key) const;
  // Nobody in the line stands before the place.
  void Note(const KeyHash& key, const Place& first);
  // Somebody comes to the line.
  void OnStored(const KeyHash& key, const Place& place);

 private:
  absl::flat_hash_map<KeyHash, Place> begins_;  // bounded
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_KEY_LINES_H_
