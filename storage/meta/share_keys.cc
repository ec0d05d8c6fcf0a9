#include "storage/meta/share_keys.h"

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"

namespace weir {
namespace {

constexpr size_t kShardBytes = 4;
constexpr size_t kPlaceBytes = kShardBytes + 8;
constexpr size_t kHashBytes = 16;
// Families of keys behind a place.
constexpr char kFinished = 'f';
constexpr char kPlace = 'o';
constexpr char kDue = 'd';
constexpr char kLine = 'k';
constexpr char kAttempt = 'h';

void Append(std::string* key, int64_t number) {
  char bytes[sizeof(number)];
  StoreBig(bytes, number);
  key->append(bytes, sizeof(bytes));
}

std::string Shard(PartitionIndex shard) {
  char bytes[kShardBytes];
  StoreBig(bytes, shard.value());
  return std::string(bytes, sizeof(bytes));
}

std::string Place(const SharePlace& place) {
  std::string key = Shard(place.shard);
  Append(&key, place.number);
  return key;
}

std::string Place(const SharePlace& place, char kind) {
  std::string key;
  key.reserve(kPlaceBytes + 1 + 2 * sizeof(int64_t) + kHashBytes);
  key = Place(place);
  key.push_back(kind);
  return key;
}

// Everything that begins with `prefix`.
ShareKeyRange Prefixed(std::string prefix) {
  std::string end = prefix;
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {.start = std::move(prefix), .end = std::move(end)};
}

}  // namespace

ShareKeyRange ShareKeysOf(PartitionIndex shard) { return Prefixed(Shard(shard)); }

ShareKeyRange ShareKeysOf(const SharePlace& place) { return Prefixed(Place(place)); }

std::string ShareNextNumberKey(PartitionIndex shard) { return Place({shard, 0}); }

std::string ShareStateKey(const SharePlace& place) { return Place(place); }

std::string ShareFinishedKey(const SharePlace& place, Offset first) {
  std::string key = Place(place, kFinished);
  Append(&key, first.value());
  return key;
}

std::optional<ShareKeyParts> ParseShareKey(absl::string_view key) {
  if (key.size() < kPlaceBytes) return std::nullopt;
  ShareKeyParts parts{.number = LoadBig<int64_t>(key.data() + kShardBytes), .first = {}};
  if (parts.number < 0) return std::nullopt;
  key.remove_prefix(kPlaceBytes);
  if (key.empty()) return parts;
  if (key.size() != 1 + sizeof(int64_t) || key[0] != kFinished || parts.number == 0)
    return std::nullopt;
  parts.first = Offset{LoadBig<int64_t>(key.data() + 1)};
  return parts;
}

std::string ParkedPlaceKey(const SharePlace& place, Offset offset) {
  std::string key = Place(place, kPlace);
  Append(&key, offset.value());
  return key;
}

std::string ParkedDueKey(const SharePlace& place, int64_t due_ms, Offset offset) {
  std::string key = Place(place, kDue);
  Append(&key, due_ms);
  Append(&key, offset.value());
  return key;
}

std::string ParkedLineKey(const SharePlace& place, absl::string_view hash, int64_t turn,
                          Offset offset) {
  std::string key = Place(place, kLine);
  key.append(hash.data(), hash.size());
  Append(&key, turn);
  Append(&key, offset.value());
  return key;
}

std::string AttemptKey(const SharePlace& place, Offset offset, int32_t n) {
  std::string key = Place(place, kAttempt);
  Append(&key, offset.value());
  char number[sizeof(n)];
  StoreBig(number, n);
  key.append(number, sizeof(number));
  return key;
}

ShareKeyRange ParkedPlacesOf(const SharePlace& place, Offset from) {
  ShareKeyRange range = Prefixed(Place(place, kPlace));
  range.start = ParkedPlaceKey(place, from);
  return range;
}

ShareKeyRange ParkedDueOf(const SharePlace& place) { return Prefixed(Place(place, kDue)); }

ShareKeyRange ParkedLinesOf(const SharePlace& place) { return Prefixed(Place(place, kLine)); }

ShareKeyRange ParkedLineOf(const SharePlace& place, absl::string_view hash) {
  return Prefixed(absl::StrCat(Place(place, kLine), hash));
}

ShareKeyRange AttemptsOf(const SharePlace& place, Offset offset) {
  std::string prefix = Place(place, kAttempt);
  Append(&prefix, offset.value());
  return Prefixed(std::move(prefix));
}

Offset OffsetOfParkedKey(absl::string_view key) {
  return Offset{LoadBig<int64_t>(key.data() + key.size() - sizeof(int64_t))};
}

absl::string_view HashOfLineKey(absl::string_view key) {
  return key.substr(kPlaceBytes + 1, kHashBytes);
}

int64_t TurnOfLineKey(absl::string_view key) {
  return LoadBig<int64_t>(key.data() + kPlaceBytes + 1 + kHashBytes);
}

}  // namespace weir
