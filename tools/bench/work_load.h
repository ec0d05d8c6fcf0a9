// What the cases of share groups have in common: a group of their own, and a worker that does so
// many jobs.
#ifndef WEIR_TOOLS_BENCH_WORK_LOAD_H_
#define WEIR_TOOLS_BENCH_WORK_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/bench/bench_broker.h"
#include "weir/client.h"
#include "weir/group_admin.h"
#include "weir/worker.h"

namespace weir {

// A new share group that reads a topic from its start. Goes with this object, and with it what
// belongs to it. One thread.
class WorkGroup {
 public:
  static absl::StatusOr<std::unique_ptr<WorkGroup>> Create(
      BenchBroker& broker, const std::string& topic, std::map<std::string, std::string> config);
  ~WorkGroup();
  WorkGroup(const WorkGroup&) = delete;
  WorkGroup& operator=(const WorkGroup&) = delete;

  const std::string& name() const { return name_; }

  // Jobs of all its partitions together.
  struct Counts {
    int64_t delayed = 0;
    int64_t blocked = 0;
  };
  absl::StatusOr<Counts> Count();
  // Looks again and again until it says so.
  absl::Status AwaitCounts(const std::function<bool(const Counts&)>& enough,
                           absl::Duration longest);
  // After the broker has begun anew.
  void Reconnect(BenchBroker& broker);

 private:
  WorkGroup(BenchBroker& broker, std::string name)
      : client_(broker.NewClient()), name_(std::move(name)) {}

  Client client_;
  const std::string name_;
  std::string dead_letters_;
};

struct WorkPlan {
  std::string group;
  int64_t jobs = 0;  // to be accepted by `handler`; nobody else takes any
  int threads = 0;   // that run it; 0: inline
};

// Until the handler has accepted so many jobs and the broker has confirmed them.
absl::StatusOr<WorkerCounters> DoJobs(BenchBroker& broker, const WorkPlan& plan,
                                      Worker::Handler handler);

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_WORK_LOAD_H_
