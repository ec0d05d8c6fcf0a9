// JobParcel: the jobs of one delivery with their records, by offset, and how far each has come. It
// knows nothing of the stream it came by. Any thread may claim jobs and say that one is accepted;
// the rest is guarded by whoever keeps it (WorkLedger).
#ifndef WEIR_CLIENT_SRC_JOB_PARCEL_H_
#define WEIR_CLIENT_SRC_JOB_PARCEL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"
#include "storage/record/record_view.h"
#include "weir/v1/share.pb.h"

namespace weir::client {

// Names one acquisition.
struct LockName {
  int32_t epoch = 0;
  int64_t counter = 0;

  bool operator==(const LockName&) const = default;
};

// Neighbouring jobs of one acquisition.
struct JobSpan {
  int64_t first = 0;
  int64_t last = 0;
  LockName lock;

  int64_t jobs() const { return last - first + 1; }
};

class JobParcel {
 public:
  // `delivery` is kept alive by `owner`. INTERNAL when its jobs make no sense: they overlap, or are
  // more than `most`. A job whose record is not there, or cannot be read, is in the parcel, but
  // nobody can claim it: see unreadable().
  static absl::StatusOr<std::shared_ptr<JobParcel>> Make(const v1::Delivery& delivery,
                                                         std::shared_ptr<const void> owner,
                                                         int64_t most);

  const std::shared_ptr<const std::string>& topic() const { return topic_; }
  PartitionIndex partition() const { return partition_; }
  size_t size() const { return jobs_.size(); }
  const RecordView& record(size_t job) const { return jobs_[job].record; }
  int32_t delivery_count(size_t job) const { return spans_[jobs_[job].span].delivery_count; }
  JobSpan SpanOf(size_t job) const;

  // A job that nobody has begun with: the caller does it. Nothing: there is none left. Any thread.
  std::optional<size_t> Claim();
  bool exhausted() const { return next_.load(std::memory_order_relaxed) >= jobs_.size(); }
  // A claimed job is done. True: tell the keeper (TakeAccepted); false: somebody has, and it has
  // not looked yet. Any thread.
  bool Accept(size_t job) {
    states_[job].store(State::kAccepted, std::memory_order_release);
    return !told_of_.exchange(true, std::memory_order_acq_rel);
  }
  // Past this (monotonic) whoever claims a job must not begin with it. Any thread.
  absl::Duration locked_until() const {
    return absl::Nanoseconds(locked_until_ns_.load(std::memory_order_relaxed));
  }
  void SetLockedUntil(absl::Duration at) {
    locked_until_ns_.store(absl::ToInt64Nanoseconds(at), std::memory_order_relaxed);
  }

  // Gives what was accepted since the last call, as spans, each once.
  void TakeAccepted(absl::FunctionRef<void(const JobSpan&)> take);
  // A claimed job has ended otherwise than accepted.
  void End(size_t job);
  // Nobody is to begin with those jobs of [first, last] that nobody has begun with: they end. Their
  // number.
  int64_t EndUnbegun(int64_t first, int64_t last);
  int64_t EndAllUnbegun();
  // The jobs that have not ended, as spans.
  void VisitOpen(absl::FunctionRef<void(const JobSpan&)> visit) const;
  size_t open() const { return open_; }

  // Jobs that cannot be done, as spans, and why; they have not ended until EndUnreadable.
  const std::vector<JobSpan>& unreadable() const { return unreadable_; }
  const absl::Status& read_status() const { return read_status_; }
  void EndUnreadable();

  // The keeper's: when to renew the locks (monotonic), and where it is among those to be renewed.
  absl::Duration renew_at;
  std::optional<std::list<std::shared_ptr<JobParcel>>::iterator> place;

 private:
  enum class State : uint8_t {
    kWaiting,
    kClaimed,
    kAccepted,    // and not taken
    kUnreadable,  // nobody can claim it
    kEnded,
  };
  struct Span {
    JobSpan jobs;
    int32_t delivery_count = 1;
    size_t begin = 0;  // of jobs_
  };
  struct Entry {
    RecordView record;  // its offset always, the rest when it was found
    uint32_t span = 0;
    bool found = false;
  };

  JobParcel() = default;
  absl::Status TakeSpans(const v1::Delivery& delivery, int64_t most);
  void ReadRecords(absl::string_view batches);
  void ReadBatch(absl::string_view batch, const RecordBatchHeader& header);
  void NoteUnreadable();
  // Visits the jobs that `wanted`, asked once for each, says, as spans.
  template <typename Wanted>
  void VisitSpans(Wanted wanted, absl::FunctionRef<void(const JobSpan&)> visit) const;
  State StateOf(size_t job) const { return states_[job].load(std::memory_order_acquire); }

  std::shared_ptr<const std::string> topic_;
  PartitionIndex partition_;
  std::shared_ptr<const void> owner_;
  std::vector<RecordReader> readers_;  // own what was decompressed
  std::vector<Span> spans_;            // by offset
  std::vector<Entry> jobs_;            // by offset
  std::unique_ptr<std::atomic<State>[]> states_;
  std::atomic<size_t> next_ = 0;       // to be claimed
  std::atomic<bool> told_of_ = false;  // its keeper knows that something was accepted
  std::atomic<int64_t> locked_until_ns_ = 0;
  size_t open_ = 0;       // have not ended
  size_t take_from_ = 0;  // all before it have ended
  std::vector<JobSpan> unreadable_;
  absl::Status read_status_;
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_JOB_PARCEL_H_
