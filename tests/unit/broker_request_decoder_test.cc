#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/rpc/call_context.h"
#include "broker/rpc/decoded_size.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/log.pb.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

int64_t Decoded(const google::protobuf::Message& message) {
  const auto bytes = DecodedBytes(SharedBytes::FromString(message.SerializeAsString()),
                                  *message.GetDescriptor(), int64_t{1} << 40);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or(-1);
}

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

class RequestDecoderTest : public testing::Test {
 protected:
  absl::Status Decode(const std::string& bytes, google::protobuf::Message* request) {
    absl::StatusOr<Reservation> memory =
        DecodeRequest(Buffer(bytes), limits::kListRequestBytes, share_, request);
    if (!memory.ok()) return memory.status();
    reserved_ = memory->bytes();
    return absl::OkStatus();
  }

  MemoryShare share_{1'000'000};
  int64_t reserved_ = -1;
};

// As protobuf itself counts what a message holds.
TEST(DecodedBytesTest, IsNoLessThanWhatTheMessageTakes) {
  v1::FetchRequest fetch;
  for (int i = 0; i < 1'000; ++i) fetch.add_partitions();
  EXPECT_GE(Decoded(fetch), static_cast<int64_t>(fetch.SpaceUsedLong() - sizeof(fetch)));
  for (int i = 0; i < 1'000; ++i) {
    fetch.mutable_partitions(i)->set_topic("a topic with a name of its own");
    fetch.mutable_partitions(i)->set_max_bytes(1);
  }
  EXPECT_GE(Decoded(fetch), static_cast<int64_t>(fetch.SpaceUsedLong() - sizeof(fetch)));
#if !defined(__SANITIZE_THREAD__)  // the packaged protobuf lays maps out as without it
  v1::CreateTopicRequest create;
  for (int i = 0; i < 1'000; ++i) (*create.mutable_config())[std::to_string(i)] = "value";
  EXPECT_GE(Decoded(create), static_cast<int64_t>(create.SpaceUsedLong() - sizeof(create)));
#endif
  v1::ProduceRequest produce;
  for (int i = 0; i < 1'000; ++i) {
    v1::Record* const record = produce.mutable_records()->add_records();
    record->set_key("");
    record->add_headers()->set_key("k");
  }
  EXPECT_GE(Decoded(produce), static_cast<int64_t>(produce.SpaceUsedLong() - sizeof(produce)));
}

TEST(DecodedBytesTest, CountsWhatNobodyKnows) {
  v1::FetchRequest known;
  v1::FetchRequest request;
  auto* const unknown = request.GetReflection()->MutableUnknownFields(&request);
  for (int i = 0; i < 1'000; ++i) {
    unknown->AddVarint(99, 1);
    unknown->AddVarint(v1::FetchRequest::kPartitionsFieldNumber, 1);  // of another type than ours
    unknown->AddLengthDelimited(98, "bytes");
  }
  EXPECT_GE(Decoded(request),
            static_cast<int64_t>(request.SpaceUsedLong() - known.SpaceUsedLong()));
}

TEST(DecodedBytesTest, TellsWhatIsNoSuchMessage) {
  for (const std::string bytes :
       {"\xff", "\x0a\x05", "\x0a\x02\x0a\x05", "\x0a\x03\x10\xff", "\x0b\x0c"}) {
    const auto decoded = DecodedBytes(SharedBytes::FromString(bytes),
                                      *v1::FetchRequest::descriptor(), int64_t{1} << 40);
    EXPECT_EQ(ReasonOf(decoded.status()), Reason::kInvalidRequest) << testing::PrintToString(bytes);
  }
}

TEST_F(RequestDecoderTest, GivesTheRequestAndTheMemoryForIt) {
  v1::FetchRequest sent;
  sent.add_partitions()->set_topic("orders");
  v1::FetchRequest request;
  ASSERT_TRUE(Decode(sent.SerializeAsString(), &request).ok());
  EXPECT_EQ(request.SerializeAsString(), sent.SerializeAsString());
  EXPECT_GE(reserved_, Decoded(sent));
  EXPECT_EQ(share_.used(), 0);
}

TEST_F(RequestDecoderTest, AsManyPartitionsAsAreAllowedFit) {
  v1::ListOffsetsRequest sent;
  for (int i = 0; i < limits::kFetchPartitions; ++i) {
    auto* const query = sent.add_queries();
    query->set_topic(std::string(limits::kTopicNameLength, 't'));
    query->set_partition(99'999);
    query->set_timestamp_ms(1'700'000'000'000);
  }
  v1::ListOffsetsRequest request;
  ASSERT_TRUE(Decode(sent.SerializeAsString(), &request).ok());
  EXPECT_EQ(request.queries_size(), limits::kFetchPartitions);
}

TEST_F(RequestDecoderTest, RefusesWhatIsTooLarge) {
  v1::FetchRequest request;
  const absl::Status status = Decode(std::string(limits::kListRequestBytes + 1, '\0'), &request);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidRequest);
  EXPECT_THAT(std::string(status.message()), HasSubstr("4194305 bytes"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 4194304"));
}

TEST_F(RequestDecoderTest, RefusesWhatWouldBeTooLargeBeforeItIsDecoded) {
  std::string many;
  while (static_cast<int64_t>(many.size()) < limits::kListRequestBytes)
    many += std::string("\x0a\x00", 2);
  v1::FetchRequest request;
  const absl::Status status = Decode(many, &request);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidRequest);
  EXPECT_THAT(std::string(status.message()), HasSubstr("so many elements"));
  EXPECT_EQ(request.partitions_size(), 0);
  EXPECT_EQ(reserved_, -1);
}

TEST_F(RequestDecoderTest, RefusesWhatDoesNotFitTheBudgetBeforeItIsDecoded) {
  const Reservation others = *share_.TryReserve(999'900);
  v1::FetchRequest sent;
  sent.add_partitions()->set_topic("orders");
  v1::FetchRequest request;
  EXPECT_EQ(ReasonOf(Decode(sent.SerializeAsString(), &request)), Reason::kOverMemoryBudget);
  EXPECT_EQ(request.partitions_size(), 0);
}

TEST_F(RequestDecoderTest, RefusesTextThatIsNone) {
  v1::CreateTopicRequest request;
  EXPECT_EQ(ReasonOf(Decode("\x0a\x02\xff\xfe", &request)), Reason::kInvalidRequest);
  EXPECT_EQ(share_.used(), 0);
}

}  // namespace
}  // namespace weir
