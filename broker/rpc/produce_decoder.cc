#include "broker/rpc/produce_decoder.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/decoded_size.h"
#include "broker/rpc/wire_bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// A reference keeps a whole network buffer (8 KiB and more) alive; for less than this a copy is the
// smaller burden.
constexpr size_t kCopiedBelow = 4096;

constexpr uint64_t LengthDelimitedTag(int field) { return static_cast<uint64_t>(field) << 3 | 2; }
constexpr uint64_t kRecordBatchTag =
    LengthDelimitedTag(v1::ProduceRequest::kRecordBatchFieldNumber);
constexpr uint64_t kRecordsTag = LengthDelimitedTag(v1::ProduceRequest::kRecordsFieldNumber);
constexpr uint64_t kClientTagTag = uint64_t{v1::ProduceRequest::kClientTagFieldNumber}
                                   << 3;  // a varint
// The decoded request; then the batches that are made of it, and what is answered for each record.
constexpr int64_t kTimesDecoded = 2;

// Only of the message itself, not of those inside it.
absl::Status RefuseUnknownFields(const google::protobuf::Message& message) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  if (unknown.empty()) return absl::OkStatus();
  return MakeError(Reason::kUnsupportedField,
                   absl::StrCat("this broker does not know field ", unknown.field(0).number(),
                                " of ", message.GetTypeName()));
}

absl::Status RefuseUnknown(const v1::ProduceRequest& request) {
  WEIR_RETURN_IF_ERROR(RefuseUnknownFields(request));
  if (!v1::Durability_IsValid(request.durability())) {
    return MakeError(Reason::kUnsupportedField,
                     absl::StrCat("this broker does not know durability ",
                                  static_cast<int>(request.durability())));
  }
  WEIR_RETURN_IF_ERROR(RefuseUnknownFields(request.records()));
  for (const v1::Record& record : request.records().records()) {
    WEIR_RETURN_IF_ERROR(RefuseUnknownFields(record));
    for (const v1::Header& header : record.headers())
      WEIR_RETURN_IF_ERROR(RefuseUnknownFields(header));
  }
  return absl::OkStatus();
}

}  // namespace

ProduceDecoder::ProduceDecoder(const grpc::ByteBuffer* buffer)
    : buffer_(buffer), message_(ShareBuffer(*buffer)) {}

absl::Status ProduceDecoder::Look() {
  WEIR_RETURN_IF_ERROR(FindFields());
  const int64_t batch = batch_.has_value() ? static_cast<int64_t>(batch_->size) : 0;
  WEIR_ASSIGN_OR_RETURN(const int64_t decoded,
                        DecodedBytes(message_, *v1::ProduceRequest::descriptor(),
                                     limits::kDecodedProduceBytes + batch));
  memory_bytes_ = static_cast<int64_t>(message_.size()) + kTimesDecoded * (decoded - batch);
  return absl::OkStatus();
}

absl::Status ProduceDecoder::FindFields() {
  bool records = false;
  WireReader reader(message_);
  while (reader.ok() && !reader.AtEnd()) {
    const size_t field_begin = reader.position();
    const uint64_t tag = reader.ReadVarint();
    if (tag == kRecordBatchTag) {
      if (batch_.has_value())
        return MakeError(Reason::kInvalidRequest, "record_batch is given more than once");
      const uint64_t size = reader.ReadVarint();
      batch_ =
          Range{.tag = field_begin, .begin = reader.position(), .size = static_cast<size_t>(size)};
      reader.Skip(size);
    } else if (tag == kClientTagTag) {
      client_tag_ = reader.ReadVarint();
    } else {
      records |= tag == kRecordsTag;
      reader.SkipValue(tag);
    }
  }
  if (!reader.ok()) return NotA(*v1::ProduceRequest::descriptor());
  if (batch_.has_value() && records) {
    return MakeError(Reason::kInvalidRequest,
                     "records and record_batch are both given; a request carries one of them");
  }
  return absl::OkStatus();
}

absl::StatusOr<DecodedProduce> ProduceDecoder::Decode() const {
  DecodedProduce decoded;
  bool whole = false;
  if (batch_.has_value()) {
    const size_t batch_end = batch_->begin + batch_->size;
    std::string others(batch_->tag + message_.size() - batch_end, '\0');
    message_.CopyTo(0, batch_->tag, others.data());
    message_.CopyTo(batch_end, message_.size() - batch_end, others.data() + batch_->tag);
    whole = decoded.fields.ParseFromString(others);
    decoded.record_batch = message_.Sub(batch_->begin, batch_->size);
    if (batch_->size < kCopiedBelow)
      decoded.record_batch = SharedBytes::FromString(decoded.record_batch->ToString());
  } else {
    whole = FromByteBuffer(*buffer_, &decoded.fields);
  }
  if (!whole) return NotA(*v1::ProduceRequest::descriptor());
  WEIR_RETURN_IF_ERROR(RefuseUnknown(decoded.fields));
  return decoded;
}

}  // namespace weir
