// Members: a group of many members: how long it takes until all have joined and partitions are
// shared out evenly, whether it stays sound while members leave and join without end, how long it
// takes to settle then, and after one clean leave.
#include <atomic>
#include <random>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/group_members.h"
#include "tools/bench/load.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

constexpr int kMembers = 1'000;
constexpr int32_t kPartitions = 1'000;
constexpr int kLeaves = 10;
constexpr int64_t kCommitsPerSecond = 200;
constexpr absl::Duration kLongest = absl::Minutes(2);  // for anything to settle

absl::Duration Now() { return Clock::Real().Monotonic(); }

class MembersCase : public BenchCase {
 public:
  explicit MembersCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.members == 0) settings_.members = kMembers;
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"members", absl::StrCat(settings_.members, ", all in this process, a stream each")},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"churn", absl::StrCat(settings_.churn, " leaves and joins per second, for ",
                                   absl::FormatDuration(settings_.churn_time))},
            {"commits", absl::StrCat(kCommitsPerSecond,
                                     " calls per second at most, each of a member in turn")},
            {"joined_seconds", "until all members have their even share"},
            {"settled_seconds", "from the last leave or join to even shares"},
            {"latency", "from a clean leave of one member to even shares of the others, of " +
                            absl::StrCat(kLeaves, " leaves")},
            {"double_owned", "times that a member was given what another still held"},
            {"refused", "commits of partitions that the member held all the while"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    return absl::OkStatus();
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    const std::string group = absl::StrCat(topic_, "-group-", runs_++);
    Measures measures;
    {
      GroupMembers members(broker, group, topic_, settings_.partitions);
      BrokerWatch watch(broker);
      WEIR_RETURN_IF_ERROR(JoinAll(members, &measures));
      std::atomic<bool> done = false;
      int64_t commits = 0;
      WEIR_RETURN_IF_ERROR(RunThreads(2, [&](int thread) -> absl::Status {
        if (thread == 1) {
          commits = Commit(members, done);
          return absl::OkStatus();
        }
        absl::Status status = Churn(members, &measures);
        if (status.ok()) status = LeaveOneByOne(members, &measures);
        done = true;
        return status;
      }));
      watch.Stop();
      WEIR_RETURN_IF_ERROR(members.error());
      measures.push_back({"commits", static_cast<double>(commits), "offsets"});
      measures.push_back({"refused", static_cast<double>(members.refused()), "offsets"});
      measures.push_back(
          {"double_owned", static_cast<double>(members.ownership().doubles()), "partitions"});
      watch.AppendTo(&measures);
    }
    WEIR_RETURN_IF_ERROR(GroupAdmin(broker.NewClient()).Delete(group));
    return measures;
  }

 private:
  // How long it takes until shares are even, from `since`.
  static absl::StatusOr<absl::Duration> Settle(const GroupMembers& members, absl::Duration since) {
    if (!members.ownership().AwaitEven(kLongest)) {
      WEIR_RETURN_IF_ERROR(members.error());
      return absl::DeadlineExceededError(
          absl::StrCat("the group has not settled within ", absl::FormatDuration(kLongest)));
    }
    return Now() - since;
  }

  absl::Status JoinAll(GroupMembers& members, Measures* measures) const {
    const absl::Duration start = Now();
    for (int i = 0; i < settings_.members; ++i) members.Join();
    WEIR_ASSIGN_OR_RETURN(const absl::Duration joined, Settle(members, start));
    measures->push_back({"joined_seconds", absl::ToDoubleSeconds(joined), "s"});
    return absl::OkStatus();
  }

  absl::Status Churn(GroupMembers& members, Measures* measures) {
    if (settings_.churn == 0) return absl::OkStatus();
    Pacer pacer(settings_.churn);
    const absl::Duration start = Now();
    int64_t changes = 0;
    for (; Now() - start < settings_.churn_time; ++changes) {
      pacer.WaitForNext();
      if (changes % 2 == 0) {
        members.Leave(AnyOf(members));
      } else {
        members.Join();
      }
    }
    const absl::Duration calm = Now();
    WEIR_ASSIGN_OR_RETURN(const absl::Duration settled, Settle(members, calm));
    measures->push_back({"changes_per_second",
                         static_cast<double>(changes) / absl::ToDoubleSeconds(calm - start),
                         "leaves and joins/s"});
    measures->push_back({"settled_seconds", absl::ToDoubleSeconds(settled), "s"});
    return absl::OkStatus();
  }

  absl::Status LeaveOneByOne(GroupMembers& members, Measures* measures) {
    Histogram latencies;
    for (int i = 0; i < kLeaves && settings_.members > 1; ++i) {
      const absl::Duration start = Now();
      members.Leave(AnyOf(members));
      WEIR_ASSIGN_OR_RETURN(const absl::Duration settled, Settle(members, start));
      latencies.Add(settled);
      members.Join();
      WEIR_RETURN_IF_ERROR(Settle(members, Now()).status());
    }
    AppendLatencies(latencies, measures);
    return absl::OkStatus();
  }

  // Has one member after another commit, until `done` and until some have; how many offsets.
  static int64_t Commit(GroupMembers& members, const std::atomic<bool>& done) {
    Pacer pacer(kCommitsPerSecond);
    int64_t commits = 0;
    while (!done || commits == 0) {
      for (const int member : members.members()) {
        if (done && commits > 0) break;
        pacer.WaitForNext();
        commits += members.Commit(member);
      }
    }
    return commits;
  }

  int AnyOf(const GroupMembers& members) {
    const std::vector<int> all = members.members();
    return all[std::uniform_int_distribution<size_t>(0, all.size() - 1)(random_)];
  }

  BenchSettings settings_;
  std::string topic_;
  int runs_ = 0;
  std::minstd_rand random_{12345};  // the same members every time
};

}  // namespace

std::unique_ptr<BenchCase> MakeMembersCase(const BenchSettings& settings) {
  return std::make_unique<MembersCase>(settings);
}

}  // namespace weir
