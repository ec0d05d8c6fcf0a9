#include "broker/rpc/produce_decoder.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/wire_bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// A reference keeps a whole network buffer (8 KiB and more) alive; for less than this a copy is the
// smaller burden.
constexpr size_t kCopiedBelow = 4096;

constexpr uint64_t LengthDelimitedTag(int field) { return static_cast<uint64_t>(field) << 3 | 2; }
constexpr uint64_t kRecordBatchTag =
    LengthDelimitedTag(v1::ProduceRequest::kRecordBatchFieldNumber);
constexpr uint64_t kRecordsTag = LengthDelimitedTag(v1::ProduceRequest::kRecordsFieldNumber);

struct Range {
  size_t begin = 0;
  size_t size = 0;
};

absl::Status Malformed() {
  return MakeError(Reason::kInvalidRequest, "the message is not a weir.v1.ProduceRequest");
}

// Finds the record_batch field of the message; nothing when it has none.
absl::StatusOr<std::optional<Range>> FindRecordBatch(const SharedBytes& message,
                                                     size_t* tag_begin) {
  std::optional<Range> found;
  bool records = false;
  WireReader reader(message);
  while (reader.ok() && !reader.AtEnd()) {
    const size_t field_begin = reader.position();
    const uint64_t tag = reader.ReadVarint();
    if (tag == kRecordBatchTag) {
      if (found.has_value())
        return MakeError(Reason::kInvalidRequest, "record_batch is given more than once");
      const uint64_t size = reader.ReadVarint();
      found = Range{.begin = reader.position(), .size = static_cast<size_t>(size)};
      *tag_begin = field_begin;
      reader.Skip(size);
    } else {
      records |= tag == kRecordsTag;
      reader.SkipValue(tag);
    }
  }
  if (!reader.ok()) return Malformed();
  if (found.has_value() && records) {
    return MakeError(Reason::kInvalidRequest,
                     "records and record_batch are both given; a request carries one of them");
  }
  return found;
}

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

absl::Status DecodeProduce(const grpc::ByteBuffer& buffer, DecodedProduce* decoded) {
  const SharedBytes message = ShareBuffer(buffer);
  size_t tag_begin = 0;
  WEIR_ASSIGN_OR_RETURN(const std::optional<Range> batch, FindRecordBatch(message, &tag_begin));
  if (batch.has_value()) {
    const size_t batch_end = batch->begin + batch->size;
    std::string others(tag_begin + message.size() - batch_end, '\0');
    message.CopyTo(0, tag_begin, others.data());
    message.CopyTo(batch_end, message.size() - batch_end, others.data() + tag_begin);
    if (!decoded->fields.ParseFromString(others)) return Malformed();
    decoded->record_batch = message.Sub(batch->begin, batch->size);
    if (batch->size < kCopiedBelow)
      decoded->record_batch = SharedBytes::FromString(decoded->record_batch->ToString());
  } else if (!FromByteBuffer(buffer, &decoded->fields)) {
    return Malformed();
  }
  return RefuseUnknown(decoded->fields);
}

}  // namespace weir
