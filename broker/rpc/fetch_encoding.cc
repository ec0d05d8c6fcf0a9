#include "broker/rpc/fetch_encoding.h"

#include <google/protobuf/io/coded_stream.h>

#include <memory>
#include <string>
#include <utility>

namespace weir {
namespace {

using google::protobuf::io::CodedOutputStream;

// For less than this a copy costs less than another slice.
constexpr size_t kCopiedBelow = 2048;

// Tag and length of a length-delimited field.
void AppendFieldHead(int field, size_t size, std::string* to) {
  uint8_t bytes[15];
  uint8_t* end = CodedOutputStream::WriteTagToArray(static_cast<uint32_t>(field) << 3 | 2, bytes);
  end = CodedOutputStream::WriteVarint64ToArray(size, end);
  to->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(end - bytes));
}

// The batches as a slice that frees them, and their reservation, when gRPC is done with it.
grpc::Slice ToSlice(PartitionRead read) {
  if (read.read.batches.size < kCopiedBelow)
    return grpc::Slice(read.read.batches.data.get(), read.read.batches.size);
  auto* const kept = new PartitionRead(std::move(read));
  return grpc::Slice(
      kept->read.batches.data.get(), kept->read.batches.size,
      [](void* p) { delete static_cast<PartitionRead*>(p); }, kept);
}

}  // namespace

grpc::ByteBuffer EncodeStreamMessage(const v1::FetchStreamResponse& head, PartitionRead read) {
  std::string prefix = head.SerializeAsString();
  AppendFieldHead(v1::FetchStreamResponse::kRecordBatchesFieldNumber, read.read.batches.size,
                  &prefix);
  const grpc::Slice slices[] = {grpc::Slice(prefix), ToSlice(std::move(read))};
  return grpc::ByteBuffer(slices, 2);
}

void FetchResponseEncoder::Add(const v1::PartitionRecords& head) {
  std::string bytes;
  AppendFieldHead(v1::FetchResponse::kPartitionsFieldNumber, head.ByteSizeLong(), &bytes);
  head.AppendToString(&bytes);
  slices_.emplace_back(bytes);
}

Reservation FetchResponseEncoder::Add(const v1::PartitionRecords& head, PartitionRead read) {
  if (read.read.batches.size == 0) {
    Add(head);
    return Reservation();
  }
  std::string inner = head.SerializeAsString();
  AppendFieldHead(v1::PartitionRecords::kRecordBatchesFieldNumber, read.read.batches.size, &inner);
  std::string bytes;
  AppendFieldHead(v1::FetchResponse::kPartitionsFieldNumber, inner.size() + read.read.batches.size,
                  &bytes);
  slices_.emplace_back(bytes + inner);
  Reservation copied;
  if (read.read.batches.size < kCopiedBelow) copied = std::move(read.memory);
  slices_.push_back(ToSlice(std::move(read)));
  return copied;
}

grpc::ByteBuffer FetchResponseEncoder::Finish() {
  return grpc::ByteBuffer(slices_.data(), slices_.size());
}

}  // namespace weir
