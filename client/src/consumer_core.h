// Consumer::Core: the working parts of a Consumer. It has no thread of its own: Poll looks up
// positions and opens streams, gRPC's threads bring what they fetch, and a bounded amount of that
// waits for the next Poll. Held by shared_ptr, also by the calls and streams that are on their way.
// Any thread; guarded by mu_, which is never held while calling gRPC.
#ifndef WEIR_CLIENT_SRC_CONSUMER_CORE_H_
#define WEIR_CLIENT_SRC_CONSUMER_CORE_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "client/src/channel.h"
#include "client/src/fetch_stream.h"
#include "client/src/fetched_partition.h"
#include "storage/base/clock.h"
#include "weir/consumer.h"
#include "weir/v1/log.pb.h"

namespace weir {

class Consumer::Core : public client::FetchStream::Listener,
                       public std::enable_shared_from_this<Consumer::Core> {
 public:
  Core(std::shared_ptr<client::Channel> channel, ConsumerOptions options)
      : channel_(std::move(channel)), options_(std::move(options)) {}

  absl::Status Assign(AssignedPartition assigned) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Unassign(absl::string_view topic, PartitionIndex partition) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Seek(absl::string_view topic, PartitionIndex partition, Position position)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<RecordSet> Poll(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  std::optional<Offset> position(absl::string_view topic, PartitionIndex partition) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<Offset> high_watermark(absl::string_view topic, PartitionIndex partition) const
      ABSL_LOCKS_EXCLUDED(mu_);
  bool CaughtUp() const ABSL_LOCKS_EXCLUDED(mu_);
  bool AtEnd() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status last_error() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Partition = client::FetchedPartition;
  using FetchStream = client::FetchStream;
  using Name = std::pair<std::string, int32_t>;
  using Partitions = std::vector<std::shared_ptr<Partition>>;
  // Something that has to be done outside of the lock.
  using Errand = absl::AnyInvocable<void()>;

  // Polling (consumer_core.cc).
  Partition* Find(absl::string_view topic, PartitionIndex partition) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  RecordSet TakeFrom(Partition& partition, std::vector<Errand>* errands)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Lets go of its stream and of what it has fetched ahead.
  void Reset(Partition& partition, std::vector<Errand>* errands) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void List(const std::shared_ptr<Partition>& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Fail(const std::shared_ptr<Partition>& partition, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AllDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What Poll returns, if there is anything now.
  std::optional<absl::StatusOr<RecordSet>> NextResult(std::vector<Errand>* errands)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasIdle() const ABSL_LOCKS_EXCLUDED(mu_);

  // Fetching (consumer_fetch.cc).
  // What can be begun now; `next`: when something more can (monotonic).
  std::vector<Errand> NextErrands(absl::Duration now, bool connected, absl::Duration* next)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LookUp(const Partitions& partitions) ABSL_LOCKS_EXCLUDED(mu_);
  void OnLookedUp(const Partitions& partitions, const absl::StatusOr<std::string>& answer)
      ABSL_LOCKS_EXCLUDED(mu_);
  void TakeLookup(const std::shared_ptr<Partition>& partition,
                  const v1::ListOffsetsResponse::Result& high_watermark,
                  const v1::ListOffsetsResponse::Result* start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes one caught-up stream give way to a partition that waits for its turn.
  Errand GiveWay(absl::Duration now, absl::Duration* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Errand OpenStream(const std::shared_ptr<Partition>& partition, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Errand CloseStream(Partition& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnFetched(FetchStream* stream, client::FetchAnswer answer,
                 const absl::Status& corrupt) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(FetchStream* stream, const absl::Status& status) override ABSL_LOCKS_EXCLUDED(mu_);
  bool MayFetchMore(const Partition& partition) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Retry(Partition& partition, Partition::State state, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t FetchBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<client::Channel> channel_;
  const ConsumerOptions options_;
  Clock& clock_ = Clock::Real();

  mutable absl::Mutex mu_;
  absl::CondVar changed_;
  absl::flat_hash_map<Name, std::shared_ptr<Partition>> partitions_ ABSL_GUARDED_BY(mu_);
  std::deque<std::shared_ptr<Partition>> listed_
      ABSL_GUARDED_BY(mu_);  // have something for Poll, next one first
  std::deque<std::shared_ptr<Partition>> idle_ ABSL_GUARDED_BY(mu_);  // kLookup or kReady
  std::deque<std::shared_ptr<Partition>> streaming_
      ABSL_GUARDED_BY(mu_);  // kStreaming, oldest first
  std::deque<std::shared_ptr<Partition>> parked_
      ABSL_GUARDED_BY(mu_);  // whose streams wait for room
  int64_t buffered_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_CLIENT_SRC_CONSUMER_CORE_H_
