#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/job_encoding.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Batch(int64_t base, int count) {
  RecordBatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.Append(1, "k", absl::StrCat("value ", base + i));
  return builder.Finish({.base_offset = Offset(base)});
}

std::shared_ptr<const JobBuffer> Buffer(const std::string& batches, int64_t from, int64_t next) {
  JobBuffer buffer{.from = Offset(from), .next = Offset(next)};
  buffer.read.read.batches = {.data = std::make_unique<char[]>(batches.size()),
                              .size = batches.size()};
  std::memcpy(buffer.read.read.batches.data.get(), batches.data(), batches.size());
  return std::make_shared<const JobBuffer>(std::move(buffer));
}

AcquiredJobs Jobs(int64_t first, int64_t last, int64_t token = 1) {
  return {.first = Offset(first),
          .last = Offset(last),
          .delivery_count = 2,
          .token = {.epoch = LeaderEpoch{3}, .counter = token},
          .lock_until_ms = 99};
}

JobDelivery Delivery(std::shared_ptr<const JobBuffer> buffer, std::vector<AcquiredJobs> jobs) {
  return {.topic = "orders",
          .partition = {.topic = {}, .partition = PartitionIndex{4}},
          .jobs = std::move(jobs),
          .buffer = std::move(buffer)};
}

std::vector<int64_t> Offsets(const v1::Delivery& delivery) {
  std::vector<int64_t> offsets;
  for (const v1::Record& record : delivery.records()) offsets.push_back(record.offset());
  return offsets;
}

std::string Three() { return Batch(10, 5) + Batch(15, 5) + Batch(20, 5); }

TEST(JobEncodingTest, PlainJobsHaveTheirRecordsAndNoOthers) {
  const PlainJobs plain = EncodePlainJobs(
      Delivery(Buffer(Three(), 10, 25), {Jobs(12, 13), Jobs(22, 22, 7)}), 1'000'000);
  ASSERT_THAT(plain.deliveries, SizeIs(1));
  const v1::Delivery& delivery = plain.deliveries[0];
  EXPECT_EQ(delivery.topic(), "orders");
  EXPECT_EQ(delivery.partition(), 4);
  EXPECT_THAT(Offsets(delivery), ElementsAre(12, 13, 22));
  EXPECT_EQ(delivery.records(2).value(), "value 22");
  ASSERT_EQ(delivery.jobs_size(), 2);
  EXPECT_EQ(delivery.jobs(0).first_offset(), 12);
  EXPECT_EQ(delivery.jobs(0).last_offset(), 13);
  EXPECT_EQ(delivery.jobs(0).delivery_count(), 2);
  EXPECT_EQ(delivery.jobs(0).lock_until_ms(), 99);
  EXPECT_EQ(delivery.jobs(1).lock_token().epoch(), 3);
  EXPECT_EQ(delivery.jobs(1).lock_token().counter(), 7);
  EXPECT_THAT(plain.unreadable, IsEmpty());
}

TEST(JobEncodingTest, JobsOverSeveralBatchesStayTogether) {
  const PlainJobs plain =
      EncodePlainJobs(Delivery(Buffer(Three(), 10, 25), {Jobs(13, 21)}), 1'000'000);
  ASSERT_THAT(plain.deliveries, SizeIs(1));
  EXPECT_THAT(Offsets(plain.deliveries[0]), ElementsAre(13, 14, 15, 16, 17, 18, 19, 20, 21));
  ASSERT_EQ(plain.deliveries[0].jobs_size(), 1);
  EXPECT_EQ(plain.deliveries[0].jobs(0).first_offset(), 13);
  EXPECT_EQ(plain.deliveries[0].jobs(0).last_offset(), 21);
}

TEST(JobEncodingTest, WhatIsTooMuchForOneDeliveryIsSeveral) {
  const PlainJobs plain = EncodePlainJobs(Delivery(Buffer(Three(), 10, 25), {Jobs(10, 12)}), 1);
  ASSERT_THAT(plain.deliveries, SizeIs(3));
  EXPECT_THAT(Offsets(plain.deliveries[1]), ElementsAre(11));
  EXPECT_EQ(plain.deliveries[1].jobs(0).first_offset(), 11);
  EXPECT_EQ(plain.deliveries[1].jobs(0).last_offset(), 11);
  EXPECT_GT(plain.bytes, 0);
}

TEST(JobEncodingTest, JobsOfADamagedBatchAreToldApart) {
  std::string damaged = Batch(15, 5);
  damaged.back() ^= 1;
  const PlainJobs plain = EncodePlainJobs(
      Delivery(Buffer(Batch(10, 5) + damaged + Batch(20, 5), 10, 25), {Jobs(13, 21)}), 1'000'000);
  ASSERT_THAT(plain.deliveries, SizeIs(1));
  EXPECT_THAT(Offsets(plain.deliveries[0]), ElementsAre(13, 14, 20, 21));
  ASSERT_EQ(plain.deliveries[0].jobs_size(), 2);
  EXPECT_THAT(plain.unreadable, ElementsAre(Jobs(15, 19)));
  EXPECT_FALSE(plain.why.ok());
}

v1::WorkResponse Decode(const JobDelivery& delivery) {
  std::vector<grpc::Slice> slices;
  AppendBatchJobs(delivery, &slices);
  v1::WorkResponse response;
  EXPECT_TRUE(FromByteBuffer(grpc::ByteBuffer(slices.data(), slices.size()), &response));
  return response;
}

TEST(JobEncodingTest, BatchesComeAsTheyAreAndOnlyThoseThatHoldJobs) {
  const v1::WorkResponse response =
      Decode(Delivery(Buffer(Three(), 10, 25), {Jobs(11, 11), Jobs(23, 24)}));
  ASSERT_EQ(response.deliveries_size(), 1);
  const v1::Delivery& delivery = response.deliveries(0);
  EXPECT_EQ(delivery.record_batches(), Batch(10, 5) + Batch(20, 5));
  ASSERT_EQ(delivery.jobs_size(), 2);
  EXPECT_EQ(delivery.jobs(1).first_offset(), 23);
  EXPECT_EQ(delivery.partition(), 4);
}

TEST(JobEncodingTest, BatchesOutliveTheDelivery) {
  std::vector<grpc::Slice> slices;
  AppendBatchJobs(Delivery(Buffer(Three(), 10, 25), {Jobs(10, 24)}), &slices);
  v1::WorkResponse response;
  ASSERT_TRUE(FromByteBuffer(grpc::ByteBuffer(slices.data(), slices.size()), &response));
  EXPECT_EQ(response.deliveries(0).record_batches(), Three());
}

}  // namespace
}  // namespace weir
