#include "tests/fault/group_workload.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr size_t kMostClients = 5;
constexpr int64_t kLogEnd = 1'000'000;

// Whatever comes of it: what was decided is looked at, not what was answered.
template <typename T>
Reply<T> Any() {
  return [](const absl::StatusOr<T>&) {};
}
Done AnyDone() {
  return [](const absl::Status&) {};
}

Decision Reset(GroupMachine& machine, const MachineTime& now, const std::string& group,
               const TopicPartition& place) {
  return machine.offsets().Reset(now, {.group = group, .items = {{place, ResetToEarliest{}}}},
                                 Any<std::vector<ResetOutcome>>());
}

}  // namespace

GroupWorkload::GroupWorkload(GroupDiskWorld* world, uint64_t seed, int life)
    : world_(*world), random_(seed), life_(life) {
  world_.on_notice = [this](const Notice& notice) { Receive(notice); };
  for (const char* name : {"orders", "payments"}) {
    if (!world_.topics().Find(name).has_value()) world_.topics().Set(name, 3);
  }
}

GroupWorkload::~GroupWorkload() {
  world_.on_notice = [](const Notice&) {};
}

GroupWorkload::Client* GroupWorkload::AnyClient() {
  return clients_.empty() ? nullptr : &clients_[random_.Below(clients_.size())];
}

TopicPartition GroupWorkload::AnyPlace() {
  const auto& topics = world_.topics().all();
  const auto topic = std::next(topics.begin(), static_cast<int>(random_.Below(topics.size())));
  const auto partitions = static_cast<uint64_t>(topic->second.partitions);
  const TopicPartition place{topic->second.id,
                             PartitionIndex{static_cast<int32_t>(random_.Below(partitions))}};
  world_.topics().SetBounds(place, {.start = Offset{0}, .end = Offset{kLogEnd}});
  return place;
}

void GroupWorkload::Receive(const Notice& notice) {
  for (Client& client : clients_) {
    if (client.id != notice.member_id || client.session != notice.session) continue;
    client.epoch = notice.epoch;
    client.owned = notice.assigned;
    client.is_asked = !notice.revoked.empty();
    if (notice.kind == Notice::Kind::kAssignment) return;
    std::erase_if(clients_, [&](const Client& one) { return one.id == notice.member_id; });
    return;
  }
}

void GroupWorkload::JoinAs(const Client& client, const std::string& instance_id) {
  JoinRequest request{.group = client.group,
                      .member_id = client.id,
                      .epoch = client.epoch,
                      .session = client.session,
                      .instance_id = instance_id,
                      .start = GroupStart::kLatest};
  request.subscription.topics = {"orders"};
  if (random_.Below(2) == 0) request.subscription = {.topics = {}, .prefix = "p"};
  world_.Ask(PartitionOf(client.group), [request](GroupMachine& machine, const MachineTime& now) {
    return machine.membership().Join(now, request, Any<Joined>());
  });
}

void GroupWorkload::Join() {
  if (clients_.size() >= kMostClients) {
    CutOff(&clients_.front());
    clients_.erase(clients_.begin());  // it never comes back
  }
  const std::string group = AnyGroup();
  clients_.push_back({.group = group,
                      .id = absl::StrCat("member-", life_, "-", ++last_member_),
                      .session = SessionId{++last_session_}});
  JoinAs(clients_.back(), random_.Below(4) == 0 ? absl::StrCat("i", random_.Below(2)) : "");
}

void GroupWorkload::Commit(Client* client) {
  CommitRequest request{.group = client->group, .member_id = client->id, .epoch = client->epoch};
  for (const TopicPartition& place : client->owned) {
    world_.topics().SetBounds(place, {.start = Offset{0}, .end = Offset{kLogEnd}});
    request.offsets.push_back(
        {.partition = place,
         .offset = Offset{static_cast<int64_t>(random_.Below(kLogEnd))},
         .leader_epoch = LeaderEpoch{life_},
         .metadata = std::string(random_.Below(3) == 0 ? random_.Below(200) : 0, 'm')});
    if (random_.Below(2) == 0) break;
  }
  world_.Ask(PartitionOf(client->group), [request](GroupMachine& machine, const MachineTime& now) {
    return machine.offsets().Commit(now, request, Any<std::vector<absl::Status>>());
  });
}

void GroupWorkload::CommitOutside(const std::string& group) {
  CommitRequest request{.group = group, .start = GroupStart::kEarliest};
  request.offsets.push_back(
      {.partition = AnyPlace(), .offset = Offset{static_cast<int64_t>(random_.Below(kLogEnd))}});
  world_.Ask(PartitionOf(request.group), [request](GroupMachine& machine, const MachineTime& now) {
    return machine.offsets().Commit(now, request, Any<std::vector<absl::Status>>());
  });
}

void GroupWorkload::CutOff(Client* client) {
  const MemberStream stream{
      .group = client->group, .member_id = client->id, .session = client->session};
  client->session = SessionId{0};
  world_.Ask(PartitionOf(client->group), [stream](GroupMachine& machine, const MachineTime& now) {
    return machine.membership().SessionLost(now, stream);
  });
}

void GroupWorkload::StepOf(Client* client) {
  const MemberStream stream{
      .group = client->group, .member_id = client->id, .session = client->session};
  const size_t partition = PartitionOf(client->group);
  if (client->session == SessionId{0}) {
    client->session = SessionId{++last_session_};
    return JoinAs(*client, "");
  }
  if (client->is_asked && random_.Below(2) == 0) {
    client->is_asked = false;
    return world_.Ask(
        partition, [stream, epoch = client->epoch](GroupMachine& machine, const MachineTime& now) {
          return machine.membership().ConfirmRevoked(now, stream, epoch, AnyDone());
        });
  }
  switch (random_.Below(7)) {
    case 0:
      return CutOff(client);
    case 1:
      std::erase_if(clients_, [&](const Client& one) { return one.id == stream.member_id; });
      return world_.Ask(partition, [stream](GroupMachine& machine, const MachineTime& now) {
        return machine.membership().Leave(now, stream, AnyDone());
      });
    default:
      return Commit(client);
  }
}

void GroupWorkload::Command() {
  const uint64_t what = random_.Below(5);
  // One that is made by command is left alone, and expires.
  const std::string group =
      what == 0 ? absl::StrCat("brief-", life_, "-", ++last_brief_) : AnyGroup();
  const TopicPartition place = AnyPlace();
  // Groups that are empty for a minute are to go.
  const char* const retention = random_.Below(2) == 0 ? "60000" : "604800000";
  world_.Ask(PartitionOf(group), [=](GroupMachine& machine, const MachineTime& now) {
    switch (what) {
      case 0:
        return machine.admin().Create(
            now, {.group = group, .config = {.set = {{"offsets.retention.ms", "60000"}}}},
            AnyDone());
      case 1:
        return machine.admin().Alter(now, group, {.set = {{"offsets.retention.ms", retention}}},
                                     std::nullopt, Any<GroupHead>());
      case 2:
        return machine.admin().SetPaused(group, now.now_ms % 2 == 0, AnyDone());
      case 3:
        return machine.admin().Delete(group, AnyDone());
      default:
        return Reset(machine, now, group, place);
    }
  });
  if (what != 0) return;
  CommitOutside(group);
  world_.Ask(PartitionOf(group), [=](GroupMachine& machine, const MachineTime& now) {
    return Reset(machine, now, group, place);
  });
}

void GroupWorkload::ChangeTopics() {
  FakeTopics& topics = world_.topics();
  const std::string name = absl::StrCat("p", random_.Below(3));
  const auto topic = topics.Find(name);
  if (topic.has_value() && topic->partitions > 3) {
    topics.Delete(name);
  } else {
    topics.Set(name, topic.has_value() ? topic->partitions + 1 : 2);
  }
  for (size_t i = 0; i < GroupDiskWorld::kPartitions; ++i) {
    world_.Ask(i, [](GroupMachine& machine, const MachineTime& now) {
      return machine.TopicsChanged(now);
    });
  }
}

void GroupWorkload::Look() {
  const std::string group = AnyGroup();
  world_.Ask(PartitionOf(group), [group](GroupMachine& machine, const MachineTime&) {
    return machine.offsets().Fetch({.group = group}, Any<FetchedOffsets>());
  });
}

void GroupWorkload::Step() {
  Client* const client = AnyClient();
  switch (random_.Below(16)) {
    case 0:
    case 1:
      Join();
      break;
    case 2:
      CommitOutside(AnyGroup());
      break;
    case 3:
      Command();
      break;
    case 4:
      ChangeTopics();
      break;
    case 5:
    case 6:
      Look();
      break;
    case 7:
      // Sessions time out, groups expire, the keeper flushes and makes snapshots.
      world_.Advance(absl::Seconds(5 + static_cast<int64_t>(random_.Below(40))));
      break;
    case 8:
      world_.logs().Checkpoint();
      break;
    default:
      if (client != nullptr) StepOf(client);
  }
  if (random_.Below(3) == 0) world_.Pump();
}

}  // namespace weir
