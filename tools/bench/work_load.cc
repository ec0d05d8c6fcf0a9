#include "tools/bench/work_load.h"

#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "weir/admin.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(2);  // for each million jobs
constexpr absl::Duration kLook = absl::Seconds(1);
constexpr absl::Duration kCountPause = absl::Milliseconds(100);

}  // namespace

absl::StatusOr<std::unique_ptr<WorkGroup>> WorkGroup::Create(
    BenchBroker& broker, const std::string& topic, std::map<std::string, std::string> config) {
  std::unique_ptr<WorkGroup> group(new WorkGroup(broker, absl::StrCat(topic, "-work")));
  GroupAdmin admin(group->client_);
  WEIR_RETURN_IF_ERROR(admin.CreateShare(
      {.group = group->name_, .reads = {.topics = {topic}}, .config = std::move(config)}));
  WEIR_ASSIGN_OR_RETURN(const GroupAdmin::Description made, admin.Describe(group->name_));
  group->dead_letters_ = made.dead_letter_topic;
  return group;
}

WorkGroup::~WorkGroup() {
  GroupAdmin(client_).Delete(name_).IgnoreError();
  if (!dead_letters_.empty()) Admin(client_).DeleteTopic(dead_letters_).IgnoreError();
}

absl::StatusOr<WorkGroup::Counts> WorkGroup::Count() {
  WEIR_ASSIGN_OR_RETURN(const GroupAdmin::Description group, GroupAdmin(client_).Describe(name_));
  Counts counts;
  for (const GroupAdmin::SharePartitionDescription& partition : group.share_partitions) {
    counts.delayed += partition.delayed;
    counts.blocked += partition.blocked;
  }
  return counts;
}

absl::Status WorkGroup::AwaitCounts(const std::function<bool(const Counts&)>& enough,
                                    absl::Duration longest) {
  const absl::Duration end = Clock::Real().Monotonic() + longest;
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const Counts counts, Count());
    if (enough(counts)) return absl::OkStatus();
    if (Clock::Real().Monotonic() > end) {
      return absl::DeadlineExceededError(absl::StrCat(
          "only ", counts.delayed, " jobs are delayed and ", counts.blocked, " blocked"));
    }
    absl::Notification never;
    never.WaitForNotificationWithTimeout(kCountPause);
  }
}

void WorkGroup::Reconnect(BenchBroker& broker) { client_ = broker.NewClient(); }

absl::StatusOr<WorkerCounters> DoJobs(BenchBroker& broker, const WorkPlan& plan,
                                      Worker::Handler handler) {
  const Client client = broker.NewClient();
  std::atomic<int64_t> done = 0;
  absl::Notification all;
  Worker worker(client, {.group = plan.group, .concurrency = plan.threads}, [&](const Job& job) {
    JobResult result = handler(job);
    if (result.outcome == JobResult::Outcome::kAccept &&
        done.fetch_add(1, std::memory_order_relaxed) + 1 == plan.jobs)
      all.Notify();
    return result;
  });
  for (absl::Duration waited; !all.WaitForNotificationWithTimeout(kLook); waited += kLook) {
    const absl::Status ended = worker.Wait(absl::ZeroDuration());
    if (!absl::IsDeadlineExceeded(ended)) return ended;
    if (waited > kPatience * (1 + plan.jobs / 1'000'000)) {
      return absl::DeadlineExceededError(
          absl::StrCat("only ", done.load(), " of ", plan.jobs,
                       " jobs were done: ", worker.last_error().ToString()));
    }
  }
  WEIR_RETURN_IF_ERROR(worker.Stop());
  WorkerCounters counters = worker.counters();
  if (counters.accepted != plan.jobs) {
    return absl::InternalError(
        absl::StrCat(counters.accepted, " jobs of ", plan.jobs, " were accepted, ",
                     counters.lock_lost, " lost their lock, ", counters.refused, " were refused"));
  }
  return counters;
}

}  // namespace weir
