#include "tests/fault/member_fleet.h"

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
      ledger_(ledger),
      fleet_([ledger](absl::string_view line) {
        const auto report = DecodeReport(line);
        WEIR_CHECK(report.has_value());
        ledger->Take(*report);
      }) {}

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
  Process process{.number = fleet_.NextNumber(), .group = &group, .instance_id = instance_id};
  ledger_->Start(process.number, group.name, /*stays=*/!group.short_session);
  const char* const kind = group.kind == MemberGroup::Kind::kStream ? "stream" : "consumer";
  fleet_.Start(process.number, {program_, kind, address_, topic_, group.name,
                                absl::StrCat(process.number), instance_id});
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
  fleet_.Kill(processes_[index].number);
  Forget(index);
}

void MemberFleet::Leave(size_t index) {
  fleet_.Leave(processes_[index].number);
  Forget(index);
}

void MemberFleet::Forget(size_t index) {
  ledger_->NoteDead(processes_[index].number);
  processes_.erase(processes_.begin() + static_cast<ptrdiff_t>(index));
}

void MemberFleet::LeaveAll() {
  while (!processes_.empty()) Leave(processes_.size() - 1);
}

}  // namespace weir
