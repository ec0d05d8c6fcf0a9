#include "storage/record/record_reader.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/compression.h"
#include "storage/record/varint.h"

namespace weir {

RecordReader::RecordReader(absl::string_view batch) { status_ = Open(batch); }

absl::Status RecordReader::Open(absl::string_view batch) {
  if (batch.size() < kBatchHeaderBytes) {
    return MakeError(Reason::kCorruptBatch,
                     absl::StrCat(batch.size(), " bytes are no record batch"));
  }
  header_ = DecodeBatchHeader(batch.data());
  // Compaction leaves holes, and the reader cannot know where it has been.
  WEIR_RETURN_IF_ERROR(
      ValidateBatchHeader(header_, limits::kDecompressedBatch, /*compacted=*/true));
  if (header_.size_bytes() != static_cast<int64_t>(batch.size())) {
    return MakeError(Reason::kCorruptBatch,
                     absl::StrCat("the header gives the batch ", header_.size_bytes(),
                                  " bytes, there are ", batch.size()));
  }
  section_ = batch.substr(kBatchHeaderBytes);
  if (header_.compression() != Compression::kNone) {
    WEIR_RETURN_IF_ERROR(Decompress(header_.compression(), section_, &decompressed_));
    section_ = decompressed_.view();
  }
  at_ = section_.data();
  end_ = at_ + section_.size();
  return absl::OkStatus();
}

bool RecordReader::Next(RecordView* record) {
  if (index_ == header_.record_count || !status_.ok()) [[unlikely]]
    return End();
  int32_t length = 0;
  const char* at = ReadVarint(at_, end_, &length);
  if (at == nullptr) return Fail("its length is cut off or no varint");
  if (length < 0 || length > end_ - at) {
    return Fail(absl::StrCat("its length ", length, " is outside 0 to ", end_ - at,
                             ", what the batch has left"));
  }
  const char* const end = at + length;
  if (at == end) return Fail("it has no attributes");
  ++at;  // attributes: none are defined

  int64_t timestamp_delta = 0;
  at = ReadVarint(at, end, &timestamp_delta);
  if (at == nullptr) return Fail("its timestamp delta is cut off or no varint");
  int32_t offset_delta = 0;
  at = ReadVarint(at, end, &offset_delta);
  if (at == nullptr) return Fail("its offset delta is cut off or no varint");
  if (offset_delta < next_delta_ || offset_delta > header_.last_offset_delta) {
    return Fail(absl::StrCat("its offset delta ", offset_delta, " is outside ", next_delta_, " to ",
                             header_.last_offset_delta));
  }
  at_ = at;
  if (!ReadNullable("key", end, &record->key) || !ReadNullable("value", end, &record->value) ||
      !ReadHeaders(end, &record->headers)) {
    return false;
  }
  if (at_ != end) return Fail(absl::StrCat("it has ", end - at_, " bytes behind its last header"));

  record->offset = header_.base_offset + offset_delta;
  // Unsigned, since hostile deltas may wrap around.
  record->timestamp_ms =
      header_.timestamp_type() == TimestampType::kLogAppendTime
          ? header_.max_timestamp_ms
          : static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp_ms) +
                                 static_cast<uint64_t>(timestamp_delta));
  next_delta_ = int64_t{offset_delta} + 1;
  ++index_;
  return true;
}

bool RecordReader::ReadNullable(absl::string_view name, const char* end,
                                std::optional<absl::string_view>* bytes) {
  int32_t length = 0;
  const char* const at = ReadVarint(at_, end, &length);
  if (at == nullptr)
    return Fail(absl::StrCat("the length of its ", name, " is cut off or no varint"));
  if (length < -1 || length > end - at) {
    return Fail(absl::StrCat("the length of its ", name, ", ", length, ", is outside -1 to ",
                             end - at, ", what the record has left"));
  }
  if (length == -1) {
    bytes->reset();
    at_ = at;
  } else {
    *bytes = absl::string_view(at, static_cast<size_t>(length));
    at_ = at + length;
  }
  return true;
}

bool RecordReader::ReadHeaders(const char* end, HeaderList* headers) {
  int32_t count = 0;
  const char* const first = ReadVarint(at_, end, &count);
  if (first == nullptr) return Fail("its header count is cut off or no varint");
  constexpr int32_t kMost = limits::kHeadersPerRecord + limits::kHeadersOfWeir;
  if (count < 0 || count > kMost)
    return Fail(absl::StrCat("its header count ", count, " is outside 0 to ", kMost));
  at_ = first;
  for (int32_t i = 0; i < count; ++i) {
    std::optional<absl::string_view> key;
    std::optional<absl::string_view> value;
    if (!ReadNullable("header key", end, &key)) return false;
    if (!key.has_value()) return Fail("the key of a header is null");
    if (!ReadNullable("header value", end, &value)) return false;
  }
  *headers = HeaderList(absl::string_view(first, static_cast<size_t>(at_ - first)),
                        static_cast<size_t>(count));
  return true;
}

bool RecordReader::End() {
  if (status_.ok() && at_ != end_) {
    status_ = MakeError(
        Reason::kCorruptBatch,
        absl::StrCat(end_ - at_, " bytes follow the last of ", header_.record_count, " records"));
  }
  return false;
}

bool RecordReader::Fail(absl::string_view what) {
  status_ = MakeError(Reason::kCorruptBatch,
                      absl::StrCat("record ", index_, " of ", header_.record_count, ": ", what));
  return false;
}

}  // namespace weir
