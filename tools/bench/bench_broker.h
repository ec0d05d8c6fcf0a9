// BenchBroker: the broker under measurement: one that runs already, or one of our own. One thread,
// except that NewClient() may be called from any.
#ifndef WEIR_TOOLS_BENCH_BENCH_BROKER_H_
#define WEIR_TOOLS_BENCH_BENCH_BROKER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/bench/broker_process.h"
#include "tools/bench/process_stats.h"
#include "weir/admin.h"
#include "weir/client.h"

namespace weir {

class BenchBroker {
 public:
  // A broker that runs. `http`: where its metrics are. Its processor time and memory are known when
  // it runs on this machine; which process it is, `pid` says or its data directory.
  static absl::StatusOr<BenchBroker> Attach(std::string address, std::string http,
                                            std::optional<pid_t> pid);
  // A new broker with an empty data directory.
  static absl::StatusOr<BenchBroker> Spawn(const BrokerProcess::Options& options);

  const std::string& address() const { return address_; }
  const std::string& http_address() const { return http_; }
  std::optional<pid_t> pid() const { return process_ != nullptr ? process_->pid() : pid_; }
  // Null when it is not ours.
  BrokerProcess* process() { return process_.get(); }
  // Another new broker of ours like this one, which lives as long as this. FAILED_PRECONDITION when
  // this is not ours.
  absl::StatusOr<BenchBroker*> SpawnTwin();
  // For a program that is about to end: kills what is ours and removes its files. Any thread.
  void Abandon() const;

  Client NewClient() const;
  // A topic with a name that no other has.
  absl::StatusOr<std::string> CreateTopic(int32_t partitions,
                                          std::map<std::string, std::string> config = {});
  absl::Status DeleteTopic(const std::string& topic);
  // What CreateTopic made and nobody deleted.
  absl::Status DeleteTopics();

  // Version, data directory, command line, machine.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Configuration();

 private:
  BenchBroker() = default;

  std::string address_;
  std::string http_;
  std::optional<pid_t> pid_;
  std::unique_ptr<BrokerProcess> process_;
  std::unique_ptr<BenchBroker> twin_;
  std::set<std::string> topics_;
  int64_t topics_made_ = 0;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BENCH_BROKER_H_
