#include "broker/rpc/decoded_size.h"

#include <google/protobuf/wire_format_lite.h>

#include "absl/strings/str_cat.h"
#include "broker/rpc/wire_bytes.h"
#include "storage/base/error.h"

namespace weir {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// What an element costs beside its bytes: the object, its place in the list of its kind, and what
// the allocator adds. A little more than ours take (a v1::Record is 80 bytes, a std::string 32).
constexpr int64_t kMessageBytes = 128;
constexpr int64_t kStringBytes = 64;  // also an unknown field
constexpr int64_t kNumberBytes = 16;
constexpr int64_t kPackedNumberBytes = 8;  // for each byte of a list of them

constexpr uint32_t kLengthDelimited = 2;

// A value of this wire type is kept as an unknown field when the field is none or has another.
bool IsKnown(const FieldDescriptor* field, uint32_t wire_type) {
  using google::protobuf::internal::WireFormatLite;
  return field != nullptr &&
         WireFormatLite::WireTypeForFieldType(
             static_cast<WireFormatLite::FieldType>(field->type())) == static_cast<int>(wire_type);
}

class Walk {
 public:
  Walk(const SharedBytes& message, int64_t most) : reader_(message), most_(most) {}

  // Passes over a message of this type that ends at `end`. False: it is none, or costs too much.
  bool Message(const Descriptor& type, size_t end) {
    while (reader_.position() < end) {
      const uint64_t tag = reader_.ReadVarint();
      if (!Field(type.FindFieldByNumber(static_cast<int>(tag >> 3)), tag)) return false;
      if (reader_.position() > end || bytes_ > most_) return false;
    }
    return reader_.ok();
  }

  int64_t bytes() const { return bytes_; }

 private:
  bool Field(const FieldDescriptor* field, uint64_t tag) {
    const auto wire_type = static_cast<uint32_t>(tag & 7);
    const bool known = IsKnown(field, wire_type);
    if (wire_type != kLengthDelimited) {
      bytes_ += known ? kNumberBytes : kStringBytes;
      reader_.SkipValue(tag);
      return reader_.ok();
    }
    const uint64_t size = reader_.ReadVarint();
    if (!reader_.CanSkip(size)) return false;
    if (known && field->type() == FieldDescriptor::TYPE_MESSAGE) {
      bytes_ += kMessageBytes;
      return Message(*field->message_type(), reader_.position() + size);
    }
    reader_.Skip(size);
    const bool packed = field != nullptr && field->is_packable();
    bytes_ += kStringBytes + static_cast<int64_t>(size) * (packed ? kPackedNumberBytes : 1);
    return true;
  }

  WireReader reader_;
  const int64_t most_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<int64_t> DecodedBytes(const SharedBytes& message, const Descriptor& type,
                                     int64_t most) {
  Walk walk(message, most);
  const bool whole = walk.Message(type, message.size());
  if (walk.bytes() > most) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request of ", message.size(),
                                  " bytes has so many elements that it takes more than the ", most,
                                  " bytes of memory that a ", type.full_name(), " may take"));
  }
  if (!whole) return NotA(type);
  return walk.bytes();
}

absl::Status NotA(const Descriptor& type) {
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("the message is not a ", type.full_name()));
}

}  // namespace weir
