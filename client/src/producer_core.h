// Producer::Core: the working parts of a Producer. Who does what:
// - The thread that calls Send copies the record into its partition's open batch.
// - Whoever finds a batch that may go while nothing is being written (that thread, or gRPC's after
// the last write or an answer)
//   seals and writes it: Pump. Only one pumps at a time, so batches leave in the order in which
//   they were taken.
// - gRPC's threads bring answers, which become outcomes.
// - The control thread connects, asks for the producer id and for topics, and looks after
// everything that is a matter of time. Outcomes are told in order by whoever finds that nobody else
// is telling them: Tell. Held by shared_ptr, also by the calls that are on their way. Any thread;
// guarded by mu_, which is never held while calling gRPC or user code.
#ifndef WEIR_CLIENT_SRC_PRODUCER_CORE_H_
#define WEIR_CLIENT_SRC_PRODUCER_CORE_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "client/src/batch.h"
#include "client/src/channel.h"
#include "client/src/partition_queue.h"
#include "client/src/topic.h"
#include "storage/base/clock.h"
#include "weir/producer.h"

namespace weir {

class Producer::Core : public std::enable_shared_from_this<Producer::Core> {
 public:
  // Start() before anything else.
  static std::shared_ptr<Core> Start(std::shared_ptr<client::Channel> channel,
                                     ProducerOptions options);
  ~Core();

  absl::Status Send(const ProducerRecord& record, DeliveryCallback callback)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<RecordPosition> SendAndWait(const ProducerRecord& record) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Flush(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Close(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);
  ProducerCounters counters() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status last_error() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Batch = client::Batch;
  using PartitionQueue = client::PartitionQueue;
  using Topic = client::Topic;
  class Connection;

  Core(std::shared_ptr<client::Channel> channel, ProducerOptions options);

  // Sending (producer_core.cc). Add gives the record's place in its batch; a caller that `waits`
  // gets the batch as well.
  struct Added {
    std::shared_ptr<Batch> batch;
    int32_t index = 0;
  };
  absl::StatusOr<Added> Add(const ProducerRecord& record, DeliveryCallback callback, bool waits)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Topic*> FindTopic(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckDeliverAt(Topic& topic, int64_t deliver_at_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status AwaitDescription(Topic& topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status AwaitRoom(int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  PartitionQueue& QueueOf(Topic& topic, const ProducerRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsFull(const PartitionQueue& queue, size_t record_bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Want(Topic& topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OpenBatch(PartitionQueue& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What lingers goes now.
  void Hurry() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveUpAll() ABSL_LOCKS_EXCLUDED(mu_);

  // The connection (producer_connection.cc).
  void List(PartitionQueue& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayPump() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return connected_ && !writing_ && !pumping_ && !listed_.empty();
  }
  void Pump() ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<Batch> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnWritten() ABSL_LOCKS_EXCLUDED(mu_);
  void OnAnswer(Connection& connection, const SharedBytes& message) ABSL_LOCKS_EXCLUDED(mu_);
  void OnClosed(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void Disconnect() ABSL_LOCKS_EXCLUDED(mu_);
  // After something has happened to `queue`: outcomes, and what may be sent now.
  void Settle(PartitionQueue& queue, PartitionQueue::Outcomes outcomes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Conclude(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell() ABSL_LOCKS_EXCLUDED(mu_);

  // The control thread (producer_control.cc).
  void Control() ABSL_LOCKS_EXCLUDED(mu_);
  // The control thread looks around at `at` (monotonic) at the latest.
  void WakeControl(absl::Duration at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Does what is due and says when something will be next.
  absl::Duration RunTimers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration ExpireBatches(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasIdentity() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WantsIdentity() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WantsConnection() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Something that has to be done outside of the lock; empty when nothing has to.
  using Errand = absl::AnyInvocable<void()>;
  Errand NextErrand() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Connect() ABSL_LOCKS_EXCLUDED(mu_);
  void AskIdentity(const client::ProducerIdentity& old) ABSL_LOCKS_EXCLUDED(mu_);
  void OnIdentity(const absl::StatusOr<client::ProducerIdentity>& identity)
      ABSL_LOCKS_EXCLUDED(mu_);
  void AskTopic(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);
  void OnTopic(const std::string& name, const absl::StatusOr<std::string>& answer)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Nothing that waits now will be written.
  void FailAll(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveUp(const std::shared_ptr<Batch>& batch, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<client::Channel> channel_;
  const ProducerOptions options_;
  const PartitionQueue::Rules rules_;
  Clock& clock_ = Clock::Real();
  const std::shared_ptr<client::BuilderPool> pool_ = std::make_shared<client::BuilderPool>();
  std::thread control_;

  mutable absl::Mutex mu_;
  bool used_ ABSL_GUARDED_BY(mu_) = false;      // there has been a record
  bool closed_ ABSL_GUARDED_BY(mu_) = false;    // no further records
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;  // the control thread is to end
  absl::Status fatal_ ABSL_GUARDED_BY(mu_);     // why no record will ever be written again
  absl::Status first_error_ ABSL_GUARDED_BY(mu_);
  ProducerCounters counters_ ABSL_GUARDED_BY(mu_);

  absl::flat_hash_map<std::string, std::unique_ptr<Topic>> topics_ ABSL_GUARDED_BY(mu_);
  Topic* last_topic_ ABSL_GUARDED_BY(mu_) = nullptr;  // of the last record
  // Their descriptions are to be asked for. A topic in here is not dropped.
  std::deque<Topic*> wanted_topics_ ABSL_GUARDED_BY(mu_);
  absl::CondVar described_;

  std::deque<std::shared_ptr<Batch>> unfinished_
      ABSL_GUARDED_BY(mu_);  // whose outcome is not told, oldest first
  uint64_t last_ordinal_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<std::shared_ptr<Batch>> lingering_ ABSL_GUARDED_BY(mu_);  // oldest first
  int waiting_for_room_ ABSL_GUARDED_BY(mu_) = 0;
  absl::CondVar room_;

  std::deque<PartitionQueue*> listed_ ABSL_GUARDED_BY(mu_);     // may have something to send
  std::deque<PartitionQueue*> epochless_ ABSL_GUARDED_BY(mu_);  // wait for the next epoch
  std::multimap<absl::Duration, PartitionQueue*> resting_
      ABSL_GUARDED_BY(mu_);  // until (monotonic)

  std::shared_ptr<Connection> connection_ ABSL_GUARDED_BY(mu_);
  bool connected_ ABSL_GUARDED_BY(mu_) = false;  // connection_ takes writes
  bool writing_ ABSL_GUARDED_BY(mu_) = false;    // it has a write that OnWritten has not followed
  bool pumping_ ABSL_GUARDED_BY(mu_) = false;    // somebody seals a batch and writes it
  absl::flat_hash_map<uint64_t, std::shared_ptr<Batch>> in_flight_
      ABSL_GUARDED_BY(mu_);  // by ordinal
  absl::Duration progress_at_
      ABSL_GUARDED_BY(mu_);  // of the last answer, or since when something is in flight
  bool ever_connected_ ABSL_GUARDED_BY(mu_) = false;
  int connect_failures_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration connect_at_ ABSL_GUARDED_BY(mu_);
  absl::Status last_trouble_ ABSL_GUARDED_BY(mu_);  // why nothing could be sent

  client::ProducerIdentity identity_ ABSL_GUARDED_BY(mu_);
  bool asking_identity_ ABSL_GUARDED_BY(mu_) = false;
  bool renew_identity_ ABSL_GUARDED_BY(mu_) =
      false;  // the broker gives no further epoch of the old one
  int identity_failures_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration ask_identity_at_ ABSL_GUARDED_BY(mu_);

  std::deque<std::shared_ptr<Batch>> outcomes_ ABSL_GUARDED_BY(mu_);  // to be told
  bool telling_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar progress_;  // outcomes were told, or the connection has ended

  absl::Duration control_until_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  absl::CondVar control_wake_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_SRC_PRODUCER_CORE_H_
