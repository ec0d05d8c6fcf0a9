#include "tests/fault/consumption_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "weir/group_admin.h"

namespace weir {

void ConsumptionLedger::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

void ConsumptionLedger::Start(int64_t member, const std::string& group, bool stays) {
  absl::MutexLock lock(&mu_);
  groups_.try_emplace(group);
  processes_[member] = {.group = group, .stays = stays};
}

void ConsumptionLedger::NoteDead(int64_t member) {
  absl::MutexLock lock(&mu_);
  for (auto& [partition, place] : groups_[processes_[member].group].places)
    place.users.erase(member);
  processes_.erase(member);
}

void ConsumptionLedger::Take(const MemberReport& report) {
  absl::MutexLock lock(&mu_);
  const auto process = processes_.find(report.member);
  if (process == processes_.end()) return Wrong("a report of nobody");
  Group& group = groups_[process->second.group];
  const std::string who = absl::StrCat("member ", report.member, " of ", process->second.group,
                                       ", partition ", report.partition, ": ");
  Place& place = group.places[report.partition];
  switch (report.what) {
    case MemberReport::What::kJoined:
      process->second.member_id = report.text;
      return;
    case MemberReport::What::kBegins:
      ++totals_.begins;
      for (auto& [member, use] : place.users) use.overtaken = true;
      place.users[report.member] = {};
      return;
    case MemberReport::What::kSaw:
      return TakeSaw(report, who, &place);
    case MemberReport::What::kAsks:
      place.asked = std::max(place.asked, report.to);
      if (report.to > place.seen)
        Wrong(absl::StrCat(who, "commits ", report.to, ", seen is all below ", place.seen));
      return;
    case MemberReport::What::kCommitted:
      ++totals_.commits;
      ++group.commits;
      place.committed = std::max(place.committed, report.to);
      return;
    case MemberReport::What::kGaveUp:
      if (place.users[report.member].goes_on)
        Wrong(absl::StrCat(who, "it went on when the next one had begun"));
      place.users.erase(report.member);
      return;
    case MemberReport::What::kLost:
      ++totals_.lost;
      place.users.erase(report.member);
      return;
    case MemberReport::What::kFails:
      return Wrong(absl::StrCat(who, report.text));
  }
}

void ConsumptionLedger::TakeSaw(const MemberReport& report, const std::string& who, Place* place) {
  totals_.seen += report.to - report.from;
  const auto use = place->users.find(report.member);
  if (use == place->users.end()) return Wrong(who + "it sees records of what it does not own");
  if (use->second.next.has_value()) {
    if (*use->second.next != report.from)
      Wrong(absl::StrCat(who, "it sees ", report.from, " behind ", *use->second.next));
  } else if (report.from < place->committed || report.from > place->asked) {
    Wrong(absl::StrCat(who, "it begins at ", report.from, ", committed is ", place->committed,
                       ", asked for ", place->asked));
  }
  if (report.from > place->seen)
    Wrong(absl::StrCat(who, "nobody has seen the records from ", place->seen, " to before ",
                       report.from));
  use->second.next = report.to;
  use->second.goes_on = use->second.overtaken;
  place->seen = std::max(place->seen, report.to);
}

ConsumptionLedger::Promise ConsumptionLedger::promised() const {
  absl::MutexLock lock(&mu_);
  Promise promise;
  for (const auto& [id, group] : groups_) {
    auto& committed = promise.committed[id];
    for (const auto& [partition, place] : group.places) {
      if (place.committed > 0) committed[partition] = place.committed;
    }
  }
  for (const auto& [number, process] : processes_) {
    if (process.stays && !process.member_id.empty())
      promise.members[process.group].insert(process.member_id);
  }
  return promise;
}

ConsumptionLedger::Offsets ConsumptionLedger::asked() const {
  absl::MutexLock lock(&mu_);
  Offsets asked;
  for (const auto& [id, group] : groups_) {
    for (const auto& [partition, place] : group.places) asked[id][partition] = place.asked;
  }
  return asked;
}

std::string ConsumptionLedger::NobodyAsked(const Offsets& committed, const Offsets& asked) {
  for (const auto& [id, partitions] : committed) {
    for (const auto& [partition, offset] : partitions) {
      const auto group = asked.find(id);
      if (group == asked.end() || !group->second.contains(partition) ||
          group->second.at(partition) < offset) {
        return absl::StrCat("group ", id, ", partition ", partition, ": ", offset,
                            " is committed, which nobody has asked for");
      }
    }
  }
  return "";
}

std::string ConsumptionLedger::Describe(const Client& client, const std::string& topic,
                                        const Promise& before, Promise* shown) {
  GroupAdmin admin(client);
  for (const auto& [id, promised] : before.committed) {
    const auto described = admin.Describe(id);
    if (!described.ok()) return absl::StrCat("group ", id, ": ", described.status().ToString());
    auto& committed = shown->committed[id];
    for (const GroupAdmin::PartitionDescription& partition : described->partitions) {
      if (partition.partition.topic == topic && partition.committed.has_value())
        committed[partition.partition.partition.value()] = partition.committed->value();
    }
    for (const auto& [partition, offset] : promised) {
      const auto found = committed.find(partition);
      const int64_t now = found == committed.end() ? -1 : found->second;
      if (now < offset)
        return absl::StrCat("group ", id, ", partition ", partition, ": committed is ", now,
                            ", it was ", offset);
    }
    std::set<std::string> members;
    for (const GroupAdmin::MemberDescription& member : described->members)
      members.insert(member.member_id);
    const auto present = before.members.find(id);
    if (present == before.members.end()) continue;
    for (const std::string& member : present->second) {
      if (!members.contains(member))
        return absl::StrCat("group ", id, " has lost its member ", member);
    }
  }
  return "";
}

void ConsumptionLedger::NoteShown(const Promise& shown) {
  const std::string wrong = NobodyAsked(shown.committed, asked());
  absl::MutexLock lock(&mu_);
  if (!wrong.empty()) Wrong(wrong);
  for (const auto& [id, partitions] : shown.committed) {
    for (const auto& [partition, offset] : partitions) {
      Place& place = groups_[id].places[partition];
      place.committed = std::max(place.committed, offset);
    }
  }
}

void ConsumptionLedger::AwaitCommitted(const std::map<int32_t, int64_t>& ends) const {
  const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (!wrong_.empty()) return true;
    for (const auto& [id, group] : groups_) {
      for (const auto& [partition, end] : ends) {
        const auto place = group.places.find(partition);
        if ((place == group.places.end() ? 0 : place->second.committed) < end) return false;
      }
    }
    return true;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&reached));
}

void ConsumptionLedger::AwaitProgress(const std::string& group) const {
  absl::MutexLock lock(&mu_);
  const int64_t before = groups_.at(group).commits;
  const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !wrong_.empty() || groups_.at(group).commits > before;
  };
  mu_.Await(absl::Condition(&reached));
}

ConsumptionLedger::Totals ConsumptionLedger::totals() const {
  absl::MutexLock lock(&mu_);
  return totals_;
}

std::string ConsumptionLedger::wrong() const {
  absl::MutexLock lock(&mu_);
  return wrong_;
}

}  // namespace weir
