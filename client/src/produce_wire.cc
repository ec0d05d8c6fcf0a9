#include "client/src/produce_wire.h"

#include <google/protobuf/io/coded_stream.h>

#include "client/src/wire_status.h"
#include "storage/base/error.h"
#include "weir/v1/log.pb.h"

namespace weir::client {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr uint32_t kRecordBatchTag =
    v1::ProduceRequest::kRecordBatchFieldNumber << 3 | 2;  // length-delimited
static_assert(kRecordBatchTag < 0x80, "the tag is one byte");

v1::Durability OnWire(std::optional<Durability> durability) {
  if (!durability.has_value()) return v1::DURABILITY_UNSPECIFIED;
  return *durability == Durability::kDurable ? v1::DURABLE : v1::WRITTEN;
}

}  // namespace

std::string EncodeProduceHead(const ProduceHead& head) {
  v1::ProduceRequest request;
  request.set_topic(head.topic.data(), head.topic.size());
  request.set_partition(head.partition.value());
  request.set_durability(OnWire(head.durability));
  request.set_client_tag(head.client_tag);
  std::string bytes = request.SerializeAsString();
  uint8_t length[10];
  const uint8_t* const end = CodedOutputStream::WriteVarint64ToArray(head.batch_bytes, length);
  bytes.push_back(static_cast<char>(kRecordBatchTag));
  bytes.append(reinterpret_cast<const char*>(length), static_cast<size_t>(end - length));
  return bytes;
}

absl::StatusOr<ProduceAnswer> DecodeProduceAnswer(const SharedBytes& message) {
  v1::ProduceResponse response;
  const bool parsed =
      message.pieces().size() == 1
          ? response.ParseFromArray(message.pieces()[0].data(), static_cast<int>(message.size()))
          : response.ParseFromString(message.ToString());
  if (!parsed)
    return MakeError(Reason::kInternal, "the broker's answer is no weir.v1.ProduceResponse");
  ProduceAnswer answer;
  answer.client_tag = response.client_tag();
  answer.duplicate = response.duplicate();
  if (response.has_error()) {
    answer.base_offset = StatusOf(response.error());
  } else {
    answer.base_offset = Offset(response.base_offset());
  }
  return answer;
}

}  // namespace weir::client
