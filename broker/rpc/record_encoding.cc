#include "broker/rpc/record_encoding.h"

#include <google/protobuf/stubs/common.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

// False: the header is no time of delivery, or not the first.
bool SetDeliverAt(const HeaderView& header, v1::Record* record) {
  if (header.key != kDeliverAtHeader || record->has_deliver_at_ms()) return false;
  const std::optional<int64_t> time = DecodeHeaderNumber(header.value.value_or(""));
  if (time.has_value()) record->set_deliver_at_ms(*time);
  return time.has_value();
}

}  // namespace

// The batch format takes any bytes for a header's key, protobuf only UTF-8: a stub of another
// language would refuse the whole message.
std::string ToUtf8(absl::string_view text) {
  const google::protobuf::StringPiece piece(text.data(), text.size());
  if (google::protobuf::internal::IsStructurallyValidUTF8(piece)) return std::string(text);
  std::string valid(text.size(), '\0');
  const char* const made =
      google::protobuf::internal::UTF8CoerceToStructurallyValid(piece, valid.data(), '?');
  return std::string(made, text.size());
}

void EncodeHeaders(absl::Span<const HeaderView> headers, v1::Record* to) {
  for (const HeaderView& header : headers) {
    if (SetDeliverAt(header, to)) continue;
    v1::Header* added = to->add_headers();
    added->set_key(ToUtf8(header.key));
    if (header.value.has_value()) added->set_value(header.value->data(), header.value->size());
  }
}

void EncodeRecord(const RecordView& from, v1::Record* to) {
  to->set_offset(from.offset.value());
  to->set_timestamp_ms(from.timestamp_ms);
  if (from.key.has_value()) to->set_key(from.key->data(), from.key->size());
  if (from.value.has_value()) to->set_value(from.value->data(), from.value->size());
  if (!from.headers.empty()) EncodeHeaders(from.headers.Decode(), to);
}

namespace {

// Tag and length in the list, at most.
constexpr int64_t kListOverhead = 6;

// Adds the batch's records to `out`. False: there is no room for the next one, or out->status says
// what is wrong.
bool AddBatch(absl::string_view batch, Offset from, int64_t max_bytes, int64_t max_first,
              PlainRecords* out) {
  RecordReader reader(batch);
  RecordView view;
  const int before = out->records.records_size();
  const int64_t bytes_before = out->bytes;
  while (reader.Next(&view)) {
    if (view.offset < from) continue;
    v1::Record* record = out->records.add_records();
    EncodeRecord(view, record);
    const int64_t size = static_cast<int64_t>(record->ByteSizeLong()) + kListOverhead;
    if (out->bytes + size > max_bytes && (out->records.records_size() > 1 || size > max_first)) {
      out->records.mutable_records()->RemoveLast();
      out->next_offset = view.offset;
      return false;
    }
    out->bytes += size;
  }
  if (reader.status().ok()) return true;
  // A batch that ends badly is not to be trusted at all.
  out->records.mutable_records()->DeleteSubrange(before, out->records.records_size() - before);
  out->bytes = bytes_before;
  out->status = reader.status();
  return false;
}

}  // namespace

PlainRecords DecodePlainRecords(absl::string_view batches, Offset from, Offset next,
                                int64_t max_bytes, int64_t max_first) {
  PlainRecords out;
  out.next_offset = from;
  while (!batches.empty()) {
    const RecordBatchHeader header = DecodeBatchHeader(batches.data());
    const absl::string_view batch = batches.substr(0, static_cast<size_t>(header.size_bytes()));
    batches.remove_prefix(batch.size());
    bool more = false;
    if (BatchCrc(batch) != header.crc) {
      out.status = absl::DataLossError("its CRC-32C does not match");
    } else {
      more = AddBatch(batch, from, max_bytes, max_first, &out);
    }
    if (!out.status.ok()) {
      out.status = MakeError(
          Reason::kPartitionDamaged,
          absl::StrCat("the batch of offsets ", header.base_offset.value(), " to ",
                       header.last_offset().value(), " cannot be read: ", out.status.message(),
                       "; reading can go on at offset ", header.next_offset().value()));
      if (out.records.records_size() == 0) out.next_offset = header.next_offset();
    }
    if (!more) return out;
    out.next_offset = header.next_offset();
  }
  out.next_offset = next;
  return out;
}

}  // namespace weir
