#include "tests/fault/member_fleet.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tests/fault/member_report.h"
#include "weir/group_admin.h"

namespace weir {
namespace {

constexpr size_t kMembersAtFirst = 2;
constexpr size_t kMostMembers = 3;  // of a group

}  // namespace

const std::vector<MemberGroup>& MemberFleet::Groups() {
  using Kind = MemberGroup::Kind;
  static const auto& groups = *new std::vector<MemberGroup>{
      {.name = "short", .kind = Kind::kConsumer, .short_session = true},
      {.name = "lasting", .kind = Kind::kConsumer},
      {.name = "static", .kind = Kind::kStatic},
      {.name = "stream", .kind = Kind::kStream, .short_session = true}};
  return groups;
}

MemberFleet::MemberFleet(std::string program, std::string address, std::string topic,
                         ConsumptionLedger* ledger)
    : program_(std::move(program)),
      address_(std::move(address)),
      topic_(std::move(topic)),
      ledger_(ledger) {
  int ends[2];
  WEIR_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  reports_ = ends[0];
  reports_back_ = ends[1];
  reader_ = std::thread([this] { ReadReports(); });
}

MemberFleet::~MemberFleet() {
  for (const Process& process : processes_) {
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    close(process.input);
  }
  close(reports_back_);  // the last that could write
  reader_.join();
  close(reports_);
}

absl::Status MemberFleet::Begin(const Client& client) {
  GroupAdmin admin(client);
  for (const MemberGroup& group : Groups()) {
    std::map<std::string, std::string> config;
    if (group.short_session) config["session.timeout.ms"] = "1000";
    if (group.kind == MemberGroup::Kind::kStatic) config["assignor"] = "range";
    WEIR_RETURN_IF_ERROR(admin.Create(group.name, GroupStart::kEarliest, config));
    const bool is_static = group.kind == MemberGroup::Kind::kStatic;
    for (size_t i = 0; i < kMembersAtFirst; ++i)
      Start(group, is_static ? absl::StrCat("instance-", i) : "");
  }
  return absl::OkStatus();
}

void MemberFleet::Start(const MemberGroup& group, const std::string& instance_id) {
  Process process{.number = ++last_number_, .group = &group, .instance_id = instance_id};
  ledger_->Start(process.number, group.name, /*stays=*/!group.short_session);
  const char* const kind = group.kind == MemberGroup::Kind::kStream ? "stream" : "consumer";
  std::vector<std::string> words = {
      program_, kind, address_, topic_, group.name, absl::StrCat(process.number), instance_id};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  WEIR_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  process.pid = fork();
  if (process.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the test
    dup2(ends[0], STDIN_FILENO);
    dup2(reports_back_, STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[0]);
  process.input = ends[1];
  processes_.push_back(std::move(process));
}

void MemberFleet::Change(SimRandom* random, bool broker_runs) {
  const auto index = static_cast<size_t>(random->Below(processes_.size()));
  const MemberGroup& group = *processes_[index].group;
  const std::string instance_id = processes_[index].instance_id;
  size_t members = 0;
  for (const Process& process : processes_) members += process.group == &group;
  const bool is_static = group.kind == MemberGroup::Kind::kStatic;
  const bool may_be_killed = group.short_session || is_static;
  if (may_be_killed && (!broker_runs || random->Below(2) == 0)) {
    Kill(index);
    Start(group, instance_id);
  } else if (!is_static && broker_runs) {
    if (members == kMostMembers || (members > 1 && random->Below(2) == 0)) {
      Leave(index);
    } else {
      Start(group, "");
    }
  }
}

void MemberFleet::Kill(size_t index) {
  kill(processes_[index].pid, SIGKILL);
  ++kills_;
  TakeAway(index);
}

void MemberFleet::Leave(size_t index) {
  close(std::exchange(processes_[index].input, -1));
  ++leaves_;
  TakeAway(index);
}

void MemberFleet::TakeAway(size_t index) {
  const Process process = processes_[index];
  waitpid(process.pid, nullptr, 0);
  if (process.input >= 0) close(process.input);
  processes_.erase(processes_.begin() + static_cast<ptrdiff_t>(index));
  Sync();
  ledger_->NoteDead(process.number);
}

void MemberFleet::LeaveAll() {
  while (!processes_.empty()) Leave(processes_.size() - 1);
}

void MemberFleet::Sync() {
  const int64_t mark = ++last_mark_;
  const std::string line = EncodeReport({.member = mark, .what = MemberReport::What::kMark});
  WEIR_CHECK(write(reports_back_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  const auto read = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return mark_ >= mark; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&read));
}

void MemberFleet::ReadReports() {
  std::string rest;
  char bytes[65536];
  for (;;) {
    const ssize_t n = read(reports_, bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    rest.append(bytes, static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const auto report = DecodeReport(absl::string_view(rest).substr(begin, end - begin));
      WEIR_CHECK(report.has_value());
      if (report->what != MemberReport::What::kMark) {
        ledger_->Take(*report);
        continue;
      }
      absl::MutexLock lock(&mu_);
      mark_ = report->member;
    }
    rest.erase(0, begin);
  }
}

}  // namespace weir
