#include "broker/rpc/job_encoding.h"

#include <google/protobuf/io/coded_stream.h>

#include <memory>
#include <string>
#include <utility>

#include "broker/rpc/record_encoding.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

using google::protobuf::io::CodedOutputStream;

static_assert(int{v1::WorkResponse::kDeliveriesFieldNumber} ==
              int{v1::AcquireResponse::kDeliveriesFieldNumber});

// Tag and length of a record in the list, at most.
constexpr int64_t kListOverhead = 6;

v1::Delivery HeadOf(const JobDelivery& delivery) {
  v1::Delivery head;
  head.set_topic(delivery.topic);
  head.set_partition(delivery.partition.partition.value());
  return head;
}

void EncodeJobs(const AcquiredJobs& from, v1::AcquiredJobs* to) {
  to->set_first_offset(from.first.value());
  to->set_last_offset(from.last.value());
  to->set_delivery_count(from.delivery_count);
  to->mutable_lock_token()->set_epoch(from.token.epoch.value());
  to->mutable_lock_token()->set_counter(from.token.counter);
  to->set_lock_until_ms(from.lock_until_ms);
}

// Walks the batches of a delivery that hold jobs.
class HeldBatches {
 public:
  explicit HeldBatches(const JobDelivery& delivery)
      : rest_(delivery.buffer->read.read.batches.view()), jobs_(delivery.jobs) {}

  // The next batch in which jobs lie; [first_job, end_job) are those that do. False: no more.
  bool Next() {
    while (!rest_.empty() && first_job < jobs_.size()) {
      header = DecodeBatchHeader(rest_.data());
      batch = rest_.substr(0, static_cast<size_t>(header.size_bytes()));
      rest_.remove_prefix(batch.size());
      while (first_job < jobs_.size() && jobs_[first_job].last < header.base_offset) ++first_job;
      end_job = first_job;
      while (end_job < jobs_.size() && jobs_[end_job].first <= header.last_offset()) ++end_job;
      if (end_job > first_job) return true;
    }
    return false;
  }

  RecordBatchHeader header;
  absl::string_view batch;
  size_t first_job = 0;
  size_t end_job = 0;

 private:
  absl::string_view rest_;
  const std::vector<AcquiredJobs>& jobs_;
};

// Puts the records of one batch into deliveries.
class PlainEncoder {
 public:
  PlainEncoder(const JobDelivery& delivery, int64_t max_bytes, PlainJobs* out)
      : delivery_(delivery), max_bytes_(max_bytes), out_(*out) {}

  void Add(const HeldBatches& held) {
    std::vector<std::pair<size_t, v1::Record>> records;  // with their jobs
    absl::Status status = BatchCrc(held.batch) == held.header.crc
                              ? Decode(held, &records)
                              : absl::DataLossError("its CRC-32C does not match");
    if (!status.ok()) {
      // A batch that ends badly is not to be trusted at all.
      out_.why = std::move(status);
      for (size_t job = held.first_job; job < held.end_job; ++job) {
        AcquiredJobs jobs = delivery_.jobs[job];
        jobs.first = std::max(jobs.first, held.header.base_offset);
        jobs.last = std::min(jobs.last, held.header.last_offset());
        out_.unreadable.push_back(jobs);
      }
      return;
    }
    for (auto& [job, record] : records) Put(delivery_.jobs[job], std::move(record));
  }

 private:
  absl::Status Decode(const HeldBatches& held,
                      std::vector<std::pair<size_t, v1::Record>>* records) const {
    RecordReader reader(held.batch);
    RecordView view;
    size_t job = held.first_job;
    while (reader.Next(&view)) {
      while (job < held.end_job && delivery_.jobs[job].last < view.offset) ++job;
      if (job == held.end_job || view.offset < delivery_.jobs[job].first) continue;
      records->emplace_back(job, v1::Record());
      EncodeRecord(view, &records->back().second);
    }
    return reader.status();
  }

  void Put(AcquiredJobs jobs, v1::Record record) {
    const int64_t size = static_cast<int64_t>(record.ByteSizeLong()) + kListOverhead;
    if (out_.deliveries.empty() || (filled_ > 0 && filled_ + size > max_bytes_)) {
      out_.deliveries.push_back(HeadOf(delivery_));
      filled_ = 0;
    }
    filled_ += size;
    out_.bytes += size;
    v1::Delivery& to = out_.deliveries.back();
    const int64_t offset = record.offset();
    v1::AcquiredJobs* const last =
        to.jobs_size() == 0 ? nullptr : to.mutable_jobs(to.jobs_size() - 1);
    const bool continues = last != nullptr && last->last_offset() + 1 == offset &&
                           last->lock_token().counter() == jobs.token.counter &&
                           last->lock_token().epoch() == jobs.token.epoch.value() &&
                           last->delivery_count() == jobs.delivery_count;
    if (continues) {
      last->set_last_offset(offset);
    } else {
      jobs.first = jobs.last = Offset(offset);
      EncodeJobs(jobs, to.add_jobs());
    }
    *to.add_records() = std::move(record);
  }

  const JobDelivery& delivery_;
  const int64_t max_bytes_;
  PlainJobs& out_;
  int64_t filled_ = 0;  // bytes of the last delivery
};

// Tag and length of a length-delimited field.
void AppendFieldHead(int field, size_t size, std::string* to) {
  uint8_t bytes[15];
  uint8_t* end = CodedOutputStream::WriteTagToArray(static_cast<uint32_t>(field) << 3 | 2, bytes);
  end = CodedOutputStream::WriteVarint64ToArray(size, end);
  to->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(end - bytes));
}

// Bytes of the buffer, which lives as long as they do.
grpc::Slice ToSlice(const std::shared_ptr<const JobBuffer>& buffer, absl::string_view bytes) {
  auto* const kept = new std::shared_ptr<const JobBuffer>(buffer);
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* p) { delete static_cast<std::shared_ptr<const JobBuffer>*>(p); }, kept);
}

}  // namespace

PlainJobs EncodePlainJobs(const JobDelivery& delivery, int64_t max_bytes) {
  PlainJobs out;
  PlainEncoder encoder(delivery, max_bytes, &out);
  HeldBatches held(delivery);
  while (held.Next()) encoder.Add(held);
  return out;
}

void AddAcknowledgement(const JobDelivery& delivery, const AcquiredJobs& jobs,
                        v1::AcknowledgeType type, absl::string_view error,
                        google::protobuf::RepeatedPtrField<v1::Acknowledgement>* to) {
  v1::Acknowledgement& item = *to->Add();
  item.set_topic(delivery.topic);
  item.set_partition(delivery.partition.partition.value());
  item.set_first_offset(jobs.first.value());
  item.set_last_offset(jobs.last.value());
  item.mutable_lock_token()->set_epoch(jobs.token.epoch.value());
  item.mutable_lock_token()->set_counter(jobs.token.counter);
  item.set_type(type);
  item.set_error(std::string(error.substr(0, limits::kJobErrorBytes)));
}

void AppendBatchJobs(const JobDelivery& delivery, std::vector<grpc::Slice>* slices) {
  std::vector<absl::string_view> pieces;  // neighbouring batches are one
  size_t size = 0;
  HeldBatches held(delivery);
  while (held.Next()) {
    size += held.batch.size();
    if (!pieces.empty() && pieces.back().data() + pieces.back().size() == held.batch.data()) {
      pieces.back() =
          absl::string_view(pieces.back().data(), pieces.back().size() + held.batch.size());
    } else {
      pieces.push_back(held.batch);
    }
  }
  v1::Delivery head = HeadOf(delivery);
  for (const AcquiredJobs& jobs : delivery.jobs) EncodeJobs(jobs, head.add_jobs());
  std::string inner = head.SerializeAsString();
  AppendFieldHead(v1::Delivery::kRecordBatchesFieldNumber, size, &inner);
  std::string prefix;
  AppendFieldHead(v1::WorkResponse::kDeliveriesFieldNumber, inner.size() + size, &prefix);
  slices->emplace_back(prefix + inner);
  for (const absl::string_view piece : pieces) slices->push_back(ToSlice(delivery.buffer, piece));
}

}  // namespace weir
