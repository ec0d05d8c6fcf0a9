#include "tests/fault/job_ledger.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

std::string Text(const JobToken& token) { return absl::StrCat(token.epoch, "/", token.counter); }

}  // namespace

void JobLedger::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

void JobLedger::Start(int64_t worker, const JobGroup* group) {
  absl::MutexLock lock(&mu_);
  groups_[group->name].facts = group;
  workers_[worker] = {.group = group->name};
}

void JobLedger::NoteEnding(int64_t worker, bool killed) {
  absl::MutexLock lock(&mu_);
  Worker& ending = workers_.at(worker);
  ending.lives = false;
  if (killed) killed_.insert(WorkerName(worker));
  for (auto& [place, line] : groups_[ending.group].lines)
    std::erase_if(line.holders, [&](const auto& held) { return held.first.second == worker; });
}

void JobLedger::NoteLife(int32_t epoch) {
  absl::MutexLock lock(&mu_);
  life_ = epoch;
}

void JobLedger::Take(const JobReport& report) {
  absl::MutexLock lock(&mu_);
  const auto worker = workers_.find(report.worker);
  if (worker == workers_.end()) return Wrong("a report of nobody");
  if (report.what == JobReport::What::kFails)
    return Wrong(absl::StrCat("worker ", report.worker, ": ", report.text));
  Group& group = groups_[worker->second.group];
  if (report.what == JobReport::What::kHanded)
    return TakeHanded(report, worker->second.lives, &group);
  if (report.what == JobReport::What::kAnswered) return TakeAnswer(report, &group);
  if (report.outcome == Outcome::kAccept) group.jobs[report.job].asked = true;
  const auto key = group.keys.find(report.job);
  if (key != group.keys.end()) {
    group.lines[{report.job.partition, key->second}].holders.erase(
        {report.job.offset, report.worker});
  }
}

void JobLedger::TakeHanded(const JobReport& report, bool lives, Group* group) {
  ++totals_.handed_out;
  const std::string who =
      absl::StrCat("group ", group->facts->name, ", ", report.job.redriven ? "redriven " : "",
                   "job ", report.job.partition, ":", report.job.offset, " (", report.text,
                   "), handed to worker ", report.worker, " by ", Text(report.token), ": ");
  const Hand hand{report.token, report.worker, report.delivery_count};
  Job& job = group->jobs[report.job];
  if (hand.delivery_count < 1 || hand.delivery_count > group->facts->max_attempts)
    Wrong(absl::StrCat(who, "it is delivery ", hand.delivery_count));
  for (const Hand& other : job.hands) {
    if (other.token == hand.token) Wrong(absl::StrCat(who, "so it was to worker ", other.worker));
  }
  CheckEnd(who, job, hand);
  CheckCount(who, job, hand);
  job.hands.push_back(hand);
  if (group->facts->keyed && !report.job.redriven) TakeOrder(report, lives, group);
}

void JobLedger::CheckEnd(const std::string& who, const Job& job, const Hand& hand) {
  if (job.end.has_value() && hand.token > job.end->token && hand.token.epoch >= job.end->life)
    Wrong(absl::StrCat(who, "it was done by ", Text(job.end->token), " in life ", job.end->life));
}

void JobLedger::CheckCount(const std::string& who, const Job& job, const Hand& hand) {
  const auto before = std::count_if(job.counted.begin(), job.counted.end(),
                                    [&](const JobToken& token) { return token < hand.token; });
  if (hand.delivery_count <= before)
    Wrong(absl::StrCat(who, "it is delivery ", hand.delivery_count, " after ", before,
                       " that have ended"));
}

void JobLedger::TakeOrder(const JobReport& report, bool lives, Group* group) {
  const std::string key = KeyOf(report.text);
  group->keys[report.job] = key;
  Line& line = group->lines[{report.job.partition, key}];
  const int64_t offset = report.job.offset;
  const JobToken& token = report.token;
  const auto [here, first] = line.jobs.try_emplace(offset, token, token);
  auto& [oldest, newest] = here->second;
  oldest = std::min(oldest, token);
  newest = std::max(newest, token);
  const std::string who = absl::StrCat("group ", group->facts->name, ", job ", report.job.partition,
                                       ":", offset, " of key ", key, ": ");
  if (here != line.jobs.begin() && std::prev(here)->second.second > oldest)
    Wrong(absl::StrCat(who, "handed out by ", Text(oldest), ", the one before it, ",
                       std::prev(here)->first, ", later, by ",
                       Text(std::prev(here)->second.second)));
  if (std::next(here) != line.jobs.end() && std::next(here)->second.first < newest)
    Wrong(absl::StrCat(who, "handed out by ", Text(newest), ", the one behind it, ",
                       std::next(here)->first, ", before that, by ",
                       Text(std::next(here)->second.first)));
  for (const auto& [holder, held] : line.holders) {
    if (lives && held.epoch == token.epoch)
      Wrong(absl::StrCat(who, "handed to worker ", report.worker, " by ", Text(token),
                         " while worker ", holder.second, " has ", holder.first, " by ",
                         Text(held)));
  }
  if (lives) line.holders[{offset, report.worker}] = token;
}

void JobLedger::TakeAnswer(const JobReport& report, Group* group) {
  const std::string who =
      absl::StrCat("group ", group->facts->name, ", job ", report.job.partition, ":",
                   report.job.offset, ", worker ", report.worker, ", ", Text(report.token), ": ");
  if (report.answer == JobReport::Answer::kLockLost) ++totals_.lost;
  if (report.answer != JobReport::Answer::kOk) return;
  Job& job = group->jobs[report.job];
  switch (report.outcome) {
    case Outcome::kNone:
      return Wrong(who + "an answer to nothing");
    case Outcome::kReleaseUncounted:
      return;
    case Outcome::kRelease:
      ++totals_.released;
      job.counted.push_back(report.token);
      for (const Hand& hand : job.hands) CheckCount(who, job, hand);
      return;
    case Outcome::kAccept:
      ++totals_.accepted;
      totals_.late += report.token.epoch < life_;
      break;
    case Outcome::kReject:
      ++totals_.rejected;
      break;
  }
  if (job.end.has_value())
    Wrong(absl::StrCat(who, "it is done once more, and was by ", Text(job.end->token)));
  job.end = End{report.token, life_};
  ++group->ends;
  for (const Hand& hand : job.hands) CheckEnd(who, job, hand);
}

JobLedger::Jobs JobLedger::finished() const {
  absl::MutexLock lock(&mu_);
  Jobs jobs;
  for (const auto& [name, group] : groups_) {
    for (const auto& [id, job] : group.jobs) {
      if (job.end.has_value()) jobs[name].insert(id);
    }
  }
  return jobs;
}

JobLedger::Jobs JobLedger::asked() const {
  absl::MutexLock lock(&mu_);
  Jobs jobs;
  for (const auto& [name, group] : groups_) {
    for (const auto& [id, job] : group.jobs) {
      if (job.asked) jobs[name].insert(id);
    }
  }
  return jobs;
}

std::set<std::string> JobLedger::killed() const {
  absl::MutexLock lock(&mu_);
  return killed_;
}

int64_t JobLedger::ends(const std::string& group) const {
  absl::MutexLock lock(&mu_);
  return groups_.at(group).ends;
}

void JobLedger::AwaitEnds(const std::string& group, int64_t count) const {
  const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !wrong_.empty() || groups_.at(group).ends >= count;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&reached));
}

JobLedger::Totals JobLedger::totals() const {
  absl::MutexLock lock(&mu_);
  return totals_;
}

std::string JobLedger::wrong() const {
  absl::MutexLock lock(&mu_);
  return wrong_;
}

}  // namespace weir
