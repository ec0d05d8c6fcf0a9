// FakeBroker: a broker for the client's tests. It speaks the real protocol over gRPC on a loopback
// port, keeps its logs in memory, checks every batch and keeps the real rules of producer
// sequences; and it fails in whatever way a test scripts. Any thread; guarded by mu_.
#ifndef WEIR_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
#define WEIR_TESTS_UNIT_CLIENT_FAKE_BROKER_H_

#include <grpcpp/server.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "storage/log/producer_state.h"
#include "storage/record/record_batch.h"
#include "weir/v1/log.pb.h"

namespace weir {

class FakeBroker {
 public:
  // One produce request as it came.
  struct Produced {
    int number = 0;  // from 0, over everything this broker has received
    int stream = 0;  // likewise
    std::string topic;
    int32_t partition = 0;
    RecordBatchHeader header;
  };
  // What happens to a produce request.
  struct Fate {
    bool apply = true;          // append it, if the rules of sequences allow it
    bool answer = true;         // otherwise nothing is heard of it
    bool break_stream = false;  // after that, instead of an answer
    absl::Status refusal;       // answered instead of applying it
  };
  static Fate Normal() { return {}; }
  static Fate Refuse(absl::Status why) { return {.apply = false, .refusal = std::move(why)}; }
  static Fate LoseRequest() { return {.apply = false, .break_stream = true}; }
  static Fate LoseAnswer() { return {.break_stream = true}; }
  static Fate Swallow() { return {.apply = false, .answer = false}; }

  // What happens to one message of a FetchStream.
  enum class FetchFate { kSend, kBreak, kCorrupt };

  FakeBroker();
  ~FakeBroker();

  std::string address() const;
  // Like a kill and a restart on the same port; the logs stay.
  void Stop();
  void Start();

  void AddTopic(const std::string& name, int32_t partitions,
                const std::map<std::string, std::string>& config = {});
  void RemoveTopic(const std::string& name);
  // Appends a batch with one record for each of `values`.
  void Append(const std::string& topic, int32_t partition, const std::vector<std::string>& values);
  // Appends these bytes, whatever their records are.
  void AppendBatch(const std::string& topic, int32_t partition, std::string batch);
  void SetLogStart(const std::string& topic, int32_t partition, Offset start);

  void OnProduce(std::function<Fate(const Produced&)> script);
  void OnFetch(std::function<FetchFate(int message)> script);
  // The next call of this method ("InitProducer", ...) fails.
  void FailNext(const std::string& method, absl::Status why);
  // Answers to produces wait for Release.
  void Hold();
  void Release();
  void BreakStreams();

  // Waits until so many produce requests have come, ever.
  void AwaitProduced(int count);
  void AwaitFetchStreams(int open);

  std::vector<Produced> produced() const;
  // The values of a partition's records in their order.
  std::vector<std::string> Values(const std::string& topic, int32_t partition) const;
  std::vector<std::string> Keys(const std::string& topic, int32_t partition) const;
  Offset EndOf(const std::string& topic, int32_t partition) const;
  int calls(const std::string& method) const;
  // Everything that was wrong with what came: bad batches, too many in flight.
  std::vector<std::string> complaints() const;

 private:
  class Log;
  class Admin;
  class ProduceReactor;
  class FetchReactor;
  struct PartitionState {
    std::vector<std::string> batches;
    Offset start;
    Offset end;
    ProducerState producers;
    int unanswered = 0;
  };
  struct TopicState {
    std::vector<PartitionState> partitions;
    std::map<std::string, std::string> config;
  };

  absl::Status CountCall(const std::string& method) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  PartitionState* Find(const std::string& topic, int32_t partition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Missing(const std::string& topic, int32_t partition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Fate Receive(int stream, const v1::ProduceRequest& request, v1::ProduceResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyBatch(PartitionState& partition, std::string batch, v1::ProduceResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<std::string> Decode(const std::string& topic, int32_t partition, bool keys) const;

  mutable absl::Mutex mu_;
  std::map<std::string, TopicState> topics_ ABSL_GUARDED_BY(mu_);
  std::function<Fate(const Produced&)> on_produce_ ABSL_GUARDED_BY(mu_);
  std::function<FetchFate(int)> on_fetch_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::deque<absl::Status>> failures_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mu_);
  std::vector<Produced> produced_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> complaints_ ABSL_GUARDED_BY(mu_);
  std::set<ProduceReactor*> produce_streams_ ABSL_GUARDED_BY(mu_);
  std::set<FetchReactor*> fetch_streams_ ABSL_GUARDED_BY(mu_);
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  int streams_ ABSL_GUARDED_BY(mu_) = 0;
  int fetch_messages_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int64_t, int32_t> epochs_ ABSL_GUARDED_BY(mu_);  // by producer id

  std::unique_ptr<Log> log_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
