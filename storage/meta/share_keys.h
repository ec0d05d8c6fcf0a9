// ShareKeys: where the state store keeps what the machines of share groups hold. Every key begins
// with the number of the machine's internal partition, then with that of the share-partition there
// (from 1), so that each finds its own in one scan. Pure functions, any thread.
//
//   kShares    P 0                         the next number to give, i64
//              P s                         SharePartitionState
//              P s f <first>               a range of finished or parked offsets: its last, i64
//   kParked    P s o <offset>              where a parked job is: its due time, its turn and key
//              P s d <due> <offset>        ParkedJob that waits for its time
//              P s k <hash> <turn> <offset>  ParkedJob in the line of its key; one that holds its
//                                            key has turn 0 and no value
//              P s h <offset> <n>          AttemptEnd: how the job's nth attempt went
//
// P and n: four bytes; s, offsets, times and turns: eight; all big-endian. A hash has 16 bytes.
#ifndef WEIR_STORAGE_META_SHARE_KEYS_H_
#define WEIR_STORAGE_META_SHARE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// start <= key < end.
struct ShareKeyRange {
  std::string start;
  std::string end;
};

// A share-partition's place.
struct SharePlace {
  PartitionIndex shard;
  int64_t number = 0;
};

// Everything of the internal partition, in both families.
ShareKeyRange ShareKeysOf(PartitionIndex shard);
// Everything of the share-partition, in both families.
ShareKeyRange ShareKeysOf(const SharePlace& place);

std::string ShareNextNumberKey(PartitionIndex shard);
std::string ShareStateKey(const SharePlace& place);
std::string ShareFinishedKey(const SharePlace& place, Offset first);
// What a key of kShares names; nothing when it is none of these.
struct ShareKeyParts {
  int64_t number = 0;           // 0: the next number to give
  std::optional<Offset> first;  // of a finished range; nothing: the state
};
std::optional<ShareKeyParts> ParseShareKey(absl::string_view key);

std::string ParkedPlaceKey(const SharePlace& place, Offset offset);
std::string ParkedDueKey(const SharePlace& place, int64_t due_ms, Offset offset);
// `hash`: 16 bytes.
std::string ParkedLineKey(const SharePlace& place, absl::string_view hash, int64_t turn,
                          Offset offset);
std::string AttemptKey(const SharePlace& place, Offset offset, int32_t n);
// All of one kind: by offset, by due time, in lines, in the line of one key, of one job's attempts.
ShareKeyRange ParkedPlacesOf(const SharePlace& place, Offset from);
ShareKeyRange ParkedDueOf(const SharePlace& place);
ShareKeyRange ParkedLinesOf(const SharePlace& place);
ShareKeyRange ParkedLineOf(const SharePlace& place, absl::string_view hash);
ShareKeyRange AttemptsOf(const SharePlace& place, Offset offset);

// The offset at the end of a key by offset, by due time or of a line. The key is one of these.
Offset OffsetOfParkedKey(absl::string_view key);
// Of a key of a line: the 16 bytes, and the turn. The key is one of these.
absl::string_view HashOfLineKey(absl::string_view key);
int64_t TurnOfLineKey(absl::string_view key);

}  // namespace weir

#endif  // WEIR_STORAGE_META_SHARE_KEYS_H_
