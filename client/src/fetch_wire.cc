#include "client/src/fetch_wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <utility>

#include "client/src/sound_batch.h"
#include "storage/base/error.h"
#include "storage/record/record_batch.h"
#include "weir/v1/log.pb.h"

namespace weir::client {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using Response = v1::FetchStreamResponse;

constexpr uint32_t Varint(int field) { return static_cast<uint32_t>(field) << 3; }
constexpr uint32_t Bytes(int field) { return Varint(field) | 2; }

absl::Status Malformed() {
  return MakeError(Reason::kInternal,
                   "the broker's answer is no weir.v1.FetchStreamResponse with record batches");
}

bool ReadOffset(CodedInputStream* in, Offset* offset) {
  uint64_t value;
  if (!in->ReadVarint64(&value)) return false;
  *offset = Offset(static_cast<int64_t>(value));
  return true;
}

// Parsed by hand, since a generated message would copy the batches.
bool Parse(absl::string_view bytes, FetchAnswer* answer) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  for (;;) {
    const uint32_t tag = in.ReadTag();
    uint32_t size;
    switch (tag) {
      case 0:
        return in.ConsumedEntireMessage();
      case Varint(Response::kHighWatermarkFieldNumber):
        if (!ReadOffset(&in, &answer->high_watermark)) return false;
        break;
      case Varint(Response::kLogStartOffsetFieldNumber):
        if (!ReadOffset(&in, &answer->log_start_offset)) return false;
        break;
      case Varint(Response::kNextOffsetFieldNumber):
        if (!ReadOffset(&in, &answer->next_offset)) return false;
        break;
      case Bytes(Response::kRecordBatchesFieldNumber):
        if (!in.ReadVarint32(&size) ||
            size > bytes.size() - static_cast<size_t>(in.CurrentPosition()))
          return false;
        answer->batches = bytes.substr(static_cast<size_t>(in.CurrentPosition()), size);
        if (!in.Skip(static_cast<int>(size))) return false;
        break;
      case Bytes(Response::kRecordsFieldNumber):
        return false;
      default:  // of a newer broker
        if (!WireFormatLite::SkipField(&in, tag)) return false;
    }
  }
}

}  // namespace

std::string EncodeFetch(const std::string& topic, PartitionIndex partition, Offset offset,
                        int64_t max_bytes) {
  v1::FetchStreamRequest request;
  request.set_topic(topic);
  request.set_partition(partition.value());
  request.set_offset(offset.value());
  request.set_max_bytes(max_bytes);
  request.set_format(v1::RECORD_BATCH);
  return request.SerializeAsString();
}

absl::StatusOr<FetchAnswer> DecodeFetch(const SharedBytes& message) {
  FetchAnswer answer;
  absl::string_view bytes;
  if (message.pieces().size() == 1) {
    bytes = message.pieces()[0];
    answer.owner = std::make_shared<SharedBytes>(message);
  } else {
    // Batches are read in one piece; std::string would zero it first.
    std::shared_ptr<char[]> whole(new char[message.size()]);
    message.CopyTo(0, message.size(), whole.get());
    bytes = absl::string_view(whole.get(), message.size());
    answer.owner = std::move(whole);
  }
  if (!Parse(bytes, &answer)) return Malformed();
  return answer;
}

absl::Status KeepSoundBatches(FetchAnswer* answer) {
  absl::string_view rest = answer->batches;
  Offset end(-1);
  while (!rest.empty()) {
    const absl::StatusOr<RecordBatchHeader> header = CheckBatch(rest);
    if (!header.ok()) {
      answer->batches.remove_suffix(rest.size());
      answer->next_offset = end;
      return header.status();
    }
    rest.remove_prefix(static_cast<size_t>(header->size_bytes()));
    end = header->next_offset();
  }
  return absl::OkStatus();
}

}  // namespace weir::client
