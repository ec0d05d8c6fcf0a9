#include "storage/log/sparse_index.h"

#include <algorithm>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Chunk: crc32c u32 | kind u8 | count u32 | body. The CRC covers the segment's base offset and
// everything behind itself, so that another segment's index is never taken.
enum ChunkKind : uint8_t { kEntries = 1, kSeal = 2 };
constexpr size_t kChunkHead = 9;
constexpr size_t kEntryBytes = 16;
constexpr size_t kSealBytes = 32;

uint32_t ChunkCrc(Offset base, absl::string_view behind_crc) {
  char seed[8];
  StoreLittle(seed, base.value());
  return Crc32c(behind_crc, Crc32c(absl::string_view(seed, sizeof(seed))));
}

void AppendChunk(Offset base, ChunkKind kind, uint32_t count, absl::string_view body,
                 std::string* out) {
  const size_t start = out->size();
  AppendLittle<uint32_t>(out, 0);
  AppendLittle<uint8_t>(out, kind);
  AppendLittle(out, count);
  out->append(body.data(), body.size());
  StoreLittle(out->data() + start, ChunkCrc(base, absl::string_view(*out).substr(start + 4)));
}

}  // namespace

void SparseIndex::Add(const RecordBatchHeader& header, FilePosition position) {
  const bool due = entries_.empty()
                       ? position.value() >= limits::kIndexInterval
                       : position.value() - entries_.back().position >= limits::kIndexInterval;
  if (due) {
    entries_.push_back({static_cast<uint32_t>(header.base_offset - base_),
                        static_cast<uint32_t>(position.value()), max_timestamp_ms_});
  }
  max_timestamp_ms_ = std::max(max_timestamp_ms_, header.max_timestamp_ms);
}

bool SparseIndex::TruncateTo(FilePosition end) {
  const size_t before = entries_.size();
  while (!entries_.empty() && entries_.back().position >= end.value()) entries_.pop_back();
  const bool changed = entries_.size() != before || (seal_ && seal_->end > end);
  if (changed) seal_.reset();
  // What is known of the batches behind the last entry may come from some that are gone.
  max_timestamp_ms_ = entries_.empty() ? INT64_MIN : entries_.back().max_timestamp_before_ms;
  return changed;
}

SparseIndex::Place SparseIndex::PlaceBefore(size_t entry) const {
  if (entry == 0) return {FilePosition{0}, base_};
  return {FilePosition{entries_[entry - 1].position}, base_ + entries_[entry - 1].relative_offset};
}

SparseIndex::Place SparseIndex::Floor(Offset offset) const {
  const int64_t relative = offset - base_;
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), relative,
                       [](int64_t at, const Entry& entry) { return at < entry.relative_offset; });
  return PlaceBefore(static_cast<size_t>(after - entries_.begin()));
}

SparseIndex::Place SparseIndex::FloorByTime(int64_t timestamp_ms) const {
  // max_timestamp_before_ms never falls: the last entry before which everything is older is the
  // place to begin.
  const auto after = std::partition_point(
      entries_.begin(), entries_.end(),
      [&](const Entry& entry) { return entry.max_timestamp_before_ms < timestamp_ms; });
  return PlaceBefore(static_cast<size_t>(after - entries_.begin()));
}

SparseIndex::Place SparseIndex::last_place() const { return PlaceBefore(entries_.size()); }

void SparseIndex::EncodeTo(size_t first, std::string* out) const {
  if (first < entries_.size()) {
    std::string body;
    body.reserve((entries_.size() - first) * kEntryBytes);
    for (size_t i = first; i < entries_.size(); ++i) {
      AppendLittle(&body, entries_[i].relative_offset);
      AppendLittle(&body, entries_[i].position);
      AppendLittle(&body, entries_[i].max_timestamp_before_ms);
    }
    AppendChunk(base_, kEntries, static_cast<uint32_t>(entries_.size() - first), body, out);
  }
  if (seal_) {
    std::string body;
    AppendLittle(&body, seal_->end.value());
    AppendLittle(&body, seal_->next_offset.value());
    AppendLittle(&body, seal_->max_timestamp_ms);
    AppendLittle(&body, seal_->append_time_ms);
    AppendChunk(base_, kSeal, 1, body, out);
  }
}

bool SparseIndex::DecodeChunk(absl::string_view* bytes, FilePosition end) {
  if (bytes->size() < kChunkHead) return false;
  ByteReader head(*bytes);
  const uint32_t crc = head.Read<uint32_t>();
  const uint8_t kind = head.Read<uint8_t>();
  const uint32_t count = head.Read<uint32_t>();
  const uint64_t body_size = kind == kEntries ? uint64_t{count} * kEntryBytes : kSealBytes;
  if ((kind != kEntries && kind != kSeal) || head.rest().size() < body_size) return false;
  if (ChunkCrc(base_, bytes->substr(4, kChunkHead - 4 + body_size)) != crc) return false;
  ByteReader body(head.ReadBytes(body_size));
  if (kind == kSeal) {
    Seal seal;
    seal.end = FilePosition{body.Read<int64_t>()};
    seal.next_offset = Offset{body.Read<int64_t>()};
    seal.max_timestamp_ms = body.Read<int64_t>();
    seal.append_time_ms = body.Read<int64_t>();
    if (seal.end == end) seal_ = seal;
  }
  for (uint32_t i = 0; kind == kEntries && i < count; ++i) {
    Entry entry;
    entry.relative_offset = body.Read<uint32_t>();
    entry.position = body.Read<uint32_t>();
    entry.max_timestamp_before_ms = body.Read<int64_t>();
    if (entry.position >= end.value()) return false;
    if (!entries_.empty() &&
        (entries_.back().position >= entry.position ||
         entries_.back().relative_offset >= entry.relative_offset ||
         entries_.back().max_timestamp_before_ms > entry.max_timestamp_before_ms)) {
      return false;
    }
    entries_.push_back(entry);
    max_timestamp_ms_ = entry.max_timestamp_before_ms;
  }
  bytes->remove_prefix(kChunkHead + body_size);
  return true;
}

SparseIndex SparseIndex::Decode(Offset segment_base, absl::string_view bytes, FilePosition end) {
  SparseIndex index(segment_base);
  while (index.DecodeChunk(&bytes, end)) {
  }
  return index;
}

}  // namespace weir
