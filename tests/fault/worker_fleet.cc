#include "tests/fault/worker_fleet.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "tests/fault/job_report.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

constexpr char kStream[] = "stream";
constexpr char kCalls[] = "calls";

}  // namespace

const std::vector<JobGroup>& WorkerFleet::Groups() {
  static const auto& groups =
      *new std::vector<JobGroup>{{.name = "unordered", .keyed = false, .max_attempts = 4},
                                 {.name = "by-key", .keyed = true, .max_attempts = 3}};
  return groups;
}

WorkerFleet::WorkerFleet(std::string program, std::string address, JobLedger* ledger)
    : program_(std::move(program)),
      address_(std::move(address)),
      ledger_(ledger),
      fleet_([ledger](absl::string_view line) {
        const auto report = DecodeJobReport(line);
        WEIR_CHECK(report.has_value());
        ledger->Take(*report);
      }) {}

absl::Status WorkerFleet::Begin(const Client& client, const std::string& topic) {
  GroupAdmin admin(client);
  for (const JobGroup& group : Groups()) {
    // Workers by calls that are killed leave their locks behind. Those on streams never lose
    // theirs otherwise than by a break.
    WEIR_RETURN_IF_ERROR(admin.CreateShare(
        {.group = group.name,
         .reads = {.topics = {topic}},
         .config = {{"order", group.keyed ? "key" : "none"},
                    {"ack.timeout.ms", group.keyed ? "3600000" : "2000"},
                    {"max.delivery.attempts", absl::StrCat(group.max_attempts)},
                    {"retry.backoff.initial.ms", "10"},
                    {"retry.backoff.max.ms", "40"},
                    {"dlq.breaker.count", absl::StrCat(limits::kBreakerCountMost)}}}));
    Start(group, kStream);
    Start(group, kStream);
    if (!group.keyed) Start(group, kCalls);
  }
  return absl::OkStatus();
}

void WorkerFleet::Start(const JobGroup& group, const std::string& kind) {
  const int64_t number = fleet_.NextNumber();
  ledger_->Start(number, &group);
  fleet_.Start(number, {program_, kind, address_, group.name, absl::StrCat(number)});
  processes_.push_back({.number = number, .group = &group, .kind = kind});
}

void WorkerFleet::End(size_t index, bool kill) {
  const int64_t number = processes_[index].number;
  ledger_->NoteEnding(number, kill);
  kill ? fleet_.Kill(number) : fleet_.Leave(number);
  processes_.erase(processes_.begin() + static_cast<ptrdiff_t>(index));
}

void WorkerFleet::Change(SimRandom* random, bool broker_runs) {
  const auto index = static_cast<size_t>(random->Below(processes_.size()));
  const JobGroup& group = *processes_[index].group;
  const std::string kind = processes_[index].kind;
  End(index, /*kill=*/!broker_runs || random->Below(3) > 0);
  Start(group, kind);
}

void WorkerFleet::LeaveAll() {
  while (!processes_.empty()) End(processes_.size() - 1, /*kill=*/false);
}

}  // namespace weir
