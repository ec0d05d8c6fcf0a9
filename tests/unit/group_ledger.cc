#include "tests/unit/group_ledger.h"

#include "absl/strings/str_cat.h"
#include "broker/group/group_records.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr absl::Duration kSessionTimeout = absl::Milliseconds(limits::kSessionTimeoutDefaultMs);
constexpr absl::Duration kRebalanceTimeout = absl::Milliseconds(limits::kRebalanceTimeoutDefaultMs);
constexpr absl::Duration kAtLeast = absl::Milliseconds(limits::kConfirmAfterResumeMs);

}  // namespace

void GroupLedger::Wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = absl::StrCat(what, ", at ", absl::FormatDuration(Now()));
}

std::string GroupLedger::Name(const TopicPartition& partition) const {
  return absl::StrCat(world_->topics().NameOf(partition.topic), ":", partition.partition.value());
}

bool GroupLedger::Exists(const TopicPartition& partition) const {
  return world_->topics().Find(partition.topic).has_value();
}

int64_t GroupLedger::Committed(const std::string& group, const TopicPartition& partition) const {
  const auto found = committed_.find({group, partition});
  return found == committed_.end() ? 0 : found->second;
}

void GroupLedger::OnRecord(const InternalRecord& record) {
  switch (static_cast<GroupRecordKind>(record.kind)) {
    case GroupRecordKind::kMember:
      return OnMember(DecodeMember(record.payload)->member);
    case GroupRecordKind::kMemberRemoved:
      return OnRemoved(DecodeMemberRemoved(record.payload)->member);
    case GroupRecordKind::kOffsets: {
      offsets_changed_ = true;
      const OffsetsUpdated offsets = *DecodeOffsets(record.payload);
      for (const PartitionOffset& offset : offsets.partitions) {
        int64_t& committed = committed_[{offsets.group, {offsets.topic, offset.partition}}];
        if (offset.committed.offset.value() < committed) Wrong("a committed offset moves back");
        committed = offset.committed.offset.value();
      }
      return;
    }
    case GroupRecordKind::kTopicForgotten: {
      offsets_changed_ = true;
      const TopicForgotten forgotten = *DecodeTopicForgotten(record.payload);
      if (Exists({forgotten.topic, PartitionIndex{0}})) Wrong("a live topic is forgotten");
      std::erase_if(committed_, [&](const auto& entry) {
        return entry.first.first == forgotten.group && entry.first.second.topic == forgotten.topic;
      });
      return;
    }
    case GroupRecordKind::kGroup:
    case GroupRecordKind::kTopicStarted:
      return;
    case GroupRecordKind::kGroupRemoved:
    case GroupRecordKind::kOffsetsReset:
      return Wrong("nobody asked for that");
  }
}

void GroupLedger::OnMember(const Member& member) {
  Seat& seat = seats_[member.id];
  seat.present = true;
  seat.since.clear();
  for (const auto& [partition, hold] : member.held) seat.since[partition] = hold.assigned;
  if (!member.IsRevoking()) seat.asked_since = std::nullopt;
  if (member.IsRevoking() && !seat.asked_since.has_value()) seat.asked_since = Now();
}

void GroupLedger::OnRemoved(const std::string& member) {
  Seat& seat = seats_[member];
  const bool is_out = seat.away_since.has_value() && Now() - *seat.away_since >= kSessionTimeout;
  const bool is_late = !seat.away_since.has_value() && seat.asked_since.has_value() &&
                       Now() - *seat.asked_since >= kRebalanceTimeout &&
                       Now() - seat.joined_at >= kAtLeast;
  if (!seat.may_go && !is_out && !is_late)
    Wrong(absl::StrCat(member, " is removed and has let no time pass"));
  seat.fenced = is_late;
  seat.present = false;
  seat.since.clear();
}

void GroupLedger::OnSessionsDropped() {
  for (auto& [id, seat] : seats_) {
    seat.session = SessionId{0};
    seat.away_since = Now();
    if (seat.asked_since.has_value()) seat.asked_since = Now();
  }
}

bool GroupLedger::MustTake(const std::string& group, const std::string& member,
                           const OffsetCommit& commit, MemberEpoch epoch) const {
  const auto seat = seats_.find(member);
  if (seat == seats_.end() || !seat->second.present || !Exists(commit.partition)) return false;
  const auto since = seat->second.since.find(commit.partition);
  return since != seat->second.since.end() && since->second <= epoch &&
         Committed(group, commit.partition) <= commit.offset.value();
}

void GroupLedger::CheckOffsets(bool always) {
  if (!std::exchange(offsets_changed_, false) && !always) return;
  size_t count = 0;
  for (const auto& [id, group] : world_->machine().groups().groups())
    count += group->offsets().size();
  if (count != committed_.size())
    Wrong(absl::StrCat(count, " offsets instead of ", committed_.size()));
  for (const auto& [place, offset] : committed_) {
    const Group* const group = world_->machine().groups().Find(place.first);
    const auto found = group == nullptr ? std::nullopt : group->offsets().Find(place.second);
    if (!found.has_value() || found->offset.value() != offset)
      Wrong(absl::StrCat("the committed offset of ", Name(place.second), " is not ", offset));
  }
}

}  // namespace weir
