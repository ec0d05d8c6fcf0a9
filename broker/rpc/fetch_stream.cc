#include "broker/rpc/fetch_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/fetch_encoding.h"
#include "broker/rpc/record_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Messages stay this small until the reader has taken kProvenBytes without a pause of kStall.
constexpr int64_t kFirstChunk = 8 * limits::kKiB;
constexpr int64_t kProvenBytes = 256 * limits::kKiB;
constexpr absl::Duration kStall = absl::Seconds(1);

}  // namespace

FetchStream::FetchStream(const Services* services, grpc::CallbackServerContext* context,
                         const grpc::ByteBuffer* request)
    : services_(services), context_(context) {
  absl::Status status = services_->calls->Enter(this);
  if (status.ok()) status = Start(*request);
  if (!status.ok()) End(status);
}

absl::Status FetchStream::Start(const grpc::ByteBuffer& request) {
  WEIR_ASSIGN_OR_RETURN(memory_, DecodeRequest(request, limits::kSmallRequestBytes,
                                               services_->memory->calls(), &request_));
  if (!v1::FetchFormat_IsValid(request_.format())) {
    return MakeError(Reason::kUnsupportedField,
                     absl::StrCat("this broker does not know format ", int{request_.format()}));
  }
  if (request_.max_bytes() < 0) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_bytes is ", request_.max_bytes(), "; it must be 0 or more"));
  }
  const int64_t most =
      request_.format() == v1::RECORDS ? limits::kPlainFetchBytes : limits::kFetchBytesLargest;
  max_bytes_ =
      std::min(request_.max_bytes() == 0 ? limits::kFetchBytesDefault : request_.max_bytes(), most);
  chunk_bytes_ = std::min(max_bytes_, kFirstChunk);
  position_ = Offset{request_.offset()};
  WEIR_ASSIGN_OR_RETURN(
      PartitionManager::Found found,
      services_->partitions->Find(request_.topic(), PartitionIndex{request_.partition()}));
  reader_ = std::make_shared<TailReader>(found.partition, position_, services_->waiters,
                                         services_->disk, &services_->memory->fetch());
  {
    absl::MutexLock lock(&mu_);
    to_cancel_ = reader_;
  }
  if (stopping_) reader_->Cancel();  // Stop may have come before there was a reader
  found.partition->WithLog(
      [this](absl::StatusOr<std::shared_ptr<PartitionLog>> log) { OnLog(std::move(log)); });
  return absl::OkStatus();
}

void FetchStream::OnLog(absl::StatusOr<std::shared_ptr<PartitionLog>> log) {
  if (!log.ok()) return End(log.status());
  until_ =
      request_.until_end() ? (*log)->high_watermark() : Offset{std::numeric_limits<int64_t>::max()};
  StartSendInitialMetadata();  // so that a reader who waits at the end knows that it does
  ReadNext();
}

void FetchStream::ReadNext() {
  reader_->Next({.max_bytes = chunk_bytes_, .until = until_, .keep_bytes = keep_bytes_},
                [this](absl::StatusOr<PartitionRead> read) { OnRead(std::move(read)); });
}

void FetchStream::OnRead(absl::StatusOr<PartitionRead> read) {
  if (!read.ok())
    return End(absl::IsCancelled(read.status()) && stopping_ ? ShuttingDown() : read.status());
  if (read->read.batches.size == 0) return End(absl::OkStatus());  // `until_` is reached
  services_->metrics->CountFetched(static_cast<int64_t>(read->read.batches.size));
  absl::StatusOr<grpc::ByteBuffer> message = Encode(*std::move(read));
  if (!message.ok()) return End(message.status());
  if (keep_bytes_ > 0) return ReadNext();  // once more, with memory for it
  message_.Swap(&*message);
  write_started_ = services_->clock->Monotonic();
  StartWrite(&message_);
}

absl::StatusOr<grpc::ByteBuffer> FetchStream::Encode(PartitionRead read) {
  v1::FetchStreamResponse head;
  head.set_high_watermark(read.read.high_watermark.value());
  head.set_log_start_offset(read.read.log_start.value());
  if (request_.format() == v1::RECORDS) return EncodeRecords(std::move(head), std::move(read));
  position_ = read.read.next_offset;
  head.set_next_offset(position_.value());
  return EncodeStreamMessage(head, std::move(read));
}

absl::StatusOr<grpc::ByteBuffer> FetchStream::EncodeRecords(v1::FetchStreamResponse head,
                                                            PartitionRead read) {
  PlainRecords plain =
      DecodePlainRecords(read.read.batches.view(), position_, read.read.next_offset, max_bytes_);
  if (plain.records.records_size() == 0) return plain.status;
  // Compressed batches become more; the message is held until the reader has taken it.
  if (!read.memory.TryGrow(plain.bytes)) {
    keep_bytes_ = plain.bytes;
    reader_->Seek(position_);
    return grpc::ByteBuffer();
  }
  keep_bytes_ = 0;
  read.memory.Shrink(plain.bytes);
  message_memory_ = std::move(read.memory);
  position_ = plain.next_offset;
  reader_->Seek(position_);
  head.set_next_offset(position_.value());
  *head.mutable_records() = std::move(plain.records);
  return ToByteBuffer(head);
}

void FetchStream::OnWriteDone(bool ok) {
  const int64_t bytes = static_cast<int64_t>(message_.Length());
  message_.Clear();
  message_memory_.Release();
  if (!ok) return End(absl::CancelledError("the reader has gone"));
  const absl::Duration took = services_->clock->Monotonic() - write_started_;
  services_->metrics->CountCall(Call::kFetchStream, took, absl::OkStatus());
  sent_bytes_ = took < kStall ? sent_bytes_ + bytes : 0;
  chunk_bytes_ =
      std::min(max_bytes_,
               sent_bytes_ < kProvenBytes ? kFirstChunk : std::max(kFirstChunk, 2 * chunk_bytes_));
  ReadNext();
}

void FetchStream::End(const absl::Status& status) {
  if (!status.ok()) services_->metrics->CountError(status);
  Finish(EndStatus(context_, status));
}

void FetchStream::Stop() {
  stopping_ = true;
  OnCancel();
}

void FetchStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (to_cancel_ != nullptr) to_cancel_->Cancel();
}

void FetchStream::OnDone() {
  message_memory_.Release();
  memory_.Release();
  services_->calls->Leave(this);
  delete this;
}

}  // namespace weir
