#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/rpc/produce_decoder.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// `bytes` as a message that arrived in pieces of `piece` bytes.
grpc::ByteBuffer Arrived(const std::string& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) slices.emplace_back(bytes.substr(at, piece));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

v1::ProduceRequest Request() {
  v1::ProduceRequest request;
  request.set_topic("orders");
  request.set_partition(3);
  request.set_durability(v1::WRITTEN);
  request.set_client_tag(77);
  return request;
}

absl::StatusOr<DecodedProduce> Decode(const grpc::ByteBuffer& buffer) {
  ProduceDecoder decoder(&buffer);
  if (absl::Status status = decoder.Look(); !status.ok()) return status;
  return decoder.Decode();
}

Reason ReasonOfDecoding(const std::string& bytes) {
  const auto decoded = Decode(Arrived(bytes, 4096));
  EXPECT_FALSE(decoded.ok());
  return ReasonOf(decoded.status()).value_or(Reason::kInternal);
}

class ProduceDecoderPieces : public testing::TestWithParam<size_t> {};

TEST_P(ProduceDecoderPieces, TheBatchComesOutWholeAndTheFieldsWithoutIt) {
  const std::string batch(10'000, 'b');
  v1::ProduceRequest request = Request();
  request.set_record_batch(batch);
  const auto decoded = Decode(Arrived(request.SerializeAsString(), GetParam()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_TRUE(decoded->record_batch.has_value());
  EXPECT_EQ(decoded->record_batch->ToString(), batch);
  EXPECT_EQ(decoded->fields.SerializeAsString(), Request().SerializeAsString());
}

TEST_P(ProduceDecoderPieces, FieldsBehindTheBatchAreReadToo) {
  v1::ProduceRequest first;
  first.set_record_batch("first bytes of the message");
  const auto decoded =
      Decode(Arrived(first.SerializeAsString() + Request().SerializeAsString(), GetParam()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->record_batch->ToString(), "first bytes of the message");
  EXPECT_EQ(decoded->fields.topic(), "orders");
}

TEST_P(ProduceDecoderPieces, PlainRecordsAreParsed) {
  v1::ProduceRequest request = Request();
  for (int i = 0; i < 100; ++i)
    request.mutable_records()->add_records()->set_value(std::string(50, 'v'));
  const auto decoded = Decode(Arrived(request.SerializeAsString(), GetParam()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_FALSE(decoded->record_batch.has_value());
  EXPECT_EQ(decoded->fields.records().records_size(), 100);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ProduceDecoderPieces, testing::Values(1, 2, 7, 4096, 1 << 20));

TEST(ProduceDecoderTest, ALargeBatchIsNotCopied) {
  const std::string batch(100'000, 'b');
  v1::ProduceRequest request = Request();
  request.set_record_batch(batch);
  const std::string bytes = request.SerializeAsString();
  const grpc::Slice slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE);
  const auto decoded = Decode(grpc::ByteBuffer(&slice, 1));
  ASSERT_TRUE(decoded.ok());
  const char* place = decoded->record_batch->pieces()[0].data();
  EXPECT_TRUE(place > bytes.data() && place < bytes.data() + bytes.size());
}

TEST(ProduceDecoderTest, TheBatchOutlivesTheMessage) {
  v1::ProduceRequest request;
  request.set_record_batch(std::string(100'000, 'b'));
  SharedBytes kept;
  {
    const auto decoded = Decode(Arrived(request.SerializeAsString(), 8192));
    ASSERT_TRUE(decoded.ok());
    kept = *decoded->record_batch;
  }
  EXPECT_EQ(kept.ToString(), request.record_batch());
}

TEST(ProduceDecoderTest, AnEmptyBatchIsABatch) {
  v1::ProduceRequest request;
  request.set_record_batch("");
  const auto decoded = Decode(Arrived(request.SerializeAsString(), 100));
  ASSERT_TRUE(decoded.ok());
  ASSERT_TRUE(decoded->record_batch.has_value());
  EXPECT_EQ(decoded->record_batch->size(), 0u);
}

TEST(ProduceDecoderTest, AnEmptyMessageIsAnEmptyRequest) {
  const auto decoded = Decode(grpc::ByteBuffer());
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(decoded->record_batch.has_value());
  EXPECT_EQ(decoded->fields.topic(), "");
}

TEST(ProduceDecoderTest, BrokenMessagesAreRefused) {
  v1::ProduceRequest request = Request();
  request.set_record_batch(std::string(200, 'b'));
  const std::string bytes = request.SerializeAsString();
  for (size_t size = 1; size < bytes.size(); ++size) {
    const auto decoded = Decode(Arrived(bytes.substr(0, size), 64));
    // Cut between two fields it is a message without the rest; anywhere else it is none.
    if (decoded.ok())
      EXPECT_FALSE(decoded->record_batch.has_value()) << size;
    else
      EXPECT_EQ(ReasonOf(decoded.status()), Reason::kInvalidRequest) << size;
  }
  EXPECT_EQ(ReasonOfDecoding(std::string(11, '\xff')), Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOfDecoding("\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Reason::kInvalidRequest);                                // 2^64-1 bytes
  EXPECT_EQ(ReasonOfDecoding("\x0b\x0c"), Reason::kInvalidRequest);  // a group
}

TEST(ProduceDecoderTest, TwoPayloadsAreRefused) {
  v1::ProduceRequest batch, records;
  batch.set_record_batch("b");
  records.mutable_records()->add_records()->set_value("v");
  EXPECT_EQ(ReasonOfDecoding(batch.SerializeAsString() + batch.SerializeAsString()),
            Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOfDecoding(batch.SerializeAsString() + records.SerializeAsString()),
            Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOfDecoding(records.SerializeAsString() + batch.SerializeAsString()),
            Reason::kInvalidRequest);
}

TEST(ProduceDecoderTest, MemoryIsForMessageAndRecordsButABatchIsNotCounted) {
  v1::ProduceRequest batch = Request();
  batch.set_record_batch(std::string(1'000'000, 'b'));
  const grpc::ByteBuffer with_batch = Arrived(batch.SerializeAsString(), 8192);
  ProduceDecoder by_reference(&with_batch);
  ASSERT_TRUE(by_reference.Look().ok());
  EXPECT_GE(by_reference.memory_bytes(), 1'000'000);
  EXPECT_LT(by_reference.memory_bytes(), 1'001'000);
  EXPECT_EQ(by_reference.client_tag(), 77u);

  v1::ProduceRequest records = Request();
  for (int i = 0; i < 1'000; ++i)
    records.mutable_records()->add_records()->set_value(std::string(1'000, 'v'));
  const grpc::ByteBuffer with_records = Arrived(records.SerializeAsString(), 8192);
  ProduceDecoder copied(&with_records);
  ASSERT_TRUE(copied.Look().ok());
  ASSERT_TRUE(copied.Decode().ok());
  EXPECT_GE(copied.memory_bytes(),
            3'000'000);  // the message, its records, the batches made of them
}

TEST(ProduceDecoderTest, WhatWouldTakeTooMuchMemoryIsRefusedAndItsTagIsKnown) {
  v1::ProduceRequest request = Request();
  for (int i = 0; i < 1'000'000; ++i) request.mutable_records()->add_records();
  const grpc::ByteBuffer buffer = Arrived(request.SerializeAsString(), 8192);
  ProduceDecoder decoder(&buffer);
  const absl::Status refused = decoder.Look();
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidRequest);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("100663296 bytes"));
  EXPECT_EQ(decoder.client_tag(), 77u);
}

TEST(ProduceDecoderTest, UnknownFieldsAtAnyDepthAreRefused) {
  v1::ProduceRequest top = Request();
  top.GetReflection()->MutableUnknownFields(&top)->AddVarint(99, 1);
  EXPECT_EQ(ReasonOfDecoding(top.SerializeAsString()), Reason::kUnsupportedField);

  v1::ProduceRequest in_record = Request();
  v1::Record* record = in_record.mutable_records()->add_records();
  record->GetReflection()->MutableUnknownFields(record)->AddLengthDelimited(50, "message id");
  EXPECT_EQ(ReasonOfDecoding(in_record.SerializeAsString()), Reason::kUnsupportedField);

  v1::ProduceRequest in_header = Request();
  v1::Header* header = in_header.mutable_records()->add_records()->add_headers();
  header->GetReflection()->MutableUnknownFields(header)->AddFixed32(9, 1);
  EXPECT_EQ(ReasonOfDecoding(in_header.SerializeAsString()), Reason::kUnsupportedField);

  v1::ProduceRequest durability;
  durability.set_durability(static_cast<v1::Durability>(9));
  EXPECT_EQ(ReasonOfDecoding(durability.SerializeAsString()), Reason::kUnsupportedField);
}

}  // namespace
}  // namespace weir
