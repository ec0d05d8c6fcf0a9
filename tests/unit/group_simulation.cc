#include "tests/unit/group_simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/group/group_records.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/support/group_text.h"

namespace weir {
namespace {

constexpr absl::Duration kSessionTimeout = absl::Milliseconds(limits::kSessionTimeoutDefaultMs);
constexpr int64_t kLogEnd = 1'000'000;
constexpr int kTopics = 5;

}  // namespace

GroupSimulation::GroupSimulation(uint64_t seed) : random_(seed) {
  world_.on_record = [this](const InternalRecord& record) { OnRecord(record); };
  world_.on_notice = [this](const Notice& notice) { OnNotice(notice); };
  world_.on_sessions_dropped = [this] { OnSessionsDropped(); };
  for (int i = 0; i < 3; ++i) ChangeTopics();
  const uint64_t clients = 1 + random_.Below(10);
  for (uint64_t i = 0; i < clients; ++i) {
    Client& client = *clients_.emplace_back(std::make_unique<Client>());
    client.group = random_.Chance(0.7) ? "one" : "two";
    if (random_.Chance(0.3)) client.instance_id = absl::StrCat("i", i);
    client.subscription = AnySubscription();
  }
}

std::string GroupSimulation::Run(int actions) {
  for (int i = 0; i < actions && ledger_.wrong().empty(); ++i) {
    Act();
    RunUntil(Now() + Soon(random_.Chance(0.1) ? 20'000 : 1'000));
  }
  Calm();
  return ledger_.wrong();
}

// Time and messages.

absl::Duration GroupSimulation::Soon(int64_t most_ms) {
  return absl::Milliseconds(random_.Below(static_cast<uint64_t>(most_ms)));
}

void GroupSimulation::After(absl::Duration wait, Task task) {
  events_.emplace(Now() + wait, std::move(task));
}

void GroupSimulation::RunUntil(absl::Duration until) {
  while (ledger_.wrong().empty()) {
    const absl::Duration event = events_.empty() ? until : events_.begin()->first;
    const absl::Duration next = std::min({until, event, world_.NextTimer().value_or(until)});
    world_.Advance(std::max(next - Now(), absl::ZeroDuration()));
    if (!events_.empty() && events_.begin()->first <= Now()) {
      Task task = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      task();
    } else if (Now() >= until) {
      return;
    }
    CheckUsers();
    ledger_.CheckOffsets(false);
  }
}

void GroupSimulation::ToBroker(Client* client, Task task) {
  client->last_to_broker = std::max(client->last_to_broker, Now() + Soon(calm_ ? 50 : 1'000));
  events_.emplace(client->last_to_broker, std::move(task));
}

void GroupSimulation::ToClient(Client* client, SessionId session, Task task) {
  client->last_to_client = std::max(client->last_to_client, Now() + Soon(calm_ ? 50 : 1'000));
  events_.emplace(client->last_to_client, [client, session, task = std::move(task)]() mutable {
    if (client->session == session) task();  // otherwise the stream broke under way
  });
}

// What happens by itself.

void GroupSimulation::Act() {
  const uint64_t dice = random_.Below(100);
  if (dice < 3) return ChangeTopics();
  if (dice < 6) return TroubleBroker();
  ActOn(clients_[random_.Below(clients_.size())].get());
}

void GroupSimulation::ActOn(Client* client) {
  if (!client->runs) return Start(client);
  const uint64_t dice = random_.Below(100);
  if (dice < 60) return Commit(client);
  if (dice < 75) return CutOff(client);
  if (dice < 83) return Kill(client);
  if (dice < 92) return Leave(client);
  Resubscribe(client);
}

void GroupSimulation::ChangeTopics() {
  FakeTopics& topics = world_.topics();
  const std::string name =
      absl::StrCat(random_.Chance(0.7) ? "t." : "other.", random_.Below(kTopics));
  const auto topic = topics.Find(name);
  if (topic.has_value() && random_.Chance(0.3)) {
    topics.Delete(name);
  } else {
    const int32_t more = 1 + static_cast<int32_t>(random_.Below(4));
    const int32_t partitions = std::min(12, (topic.has_value() ? topic->partitions : 0) + more);
    const TopicId id = topics.Set(name, partitions);
    for (int32_t i = 0; i < partitions; ++i)
      topics.SetBounds({id, PartitionIndex{i}}, {Offset{0}, Offset{kLogEnd}});
  }
  world_.Run([this](const MachineTime& now) { return world_.machine().TopicsChanged(now); });
}

void GroupSimulation::TroubleBroker() {
  if (random_.Chance(0.3)) world_.WriteStore();
  if (random_.Chance(0.5)) {
    world_.FailNextAppend(MakeError(Reason::kDiskLow, "for the simulation"));
  } else if (const std::string difference = world_.Restart(); !difference.empty()) {
    ledger_.Wrong(absl::StrCat("a restart changes the state: ", difference));
  }
  ledger_.CheckOffsets(true);
}

// What clients do.

Subscription GroupSimulation::AnySubscription() {
  if (random_.Chance(0.4)) return {.topics = {}, .prefix = "t."};
  std::set<std::string> names;
  const uint64_t count = 1 + random_.Below(4);
  for (uint64_t i = 0; i < count; ++i)
    names.insert(absl::StrCat(random_.Chance(0.7) ? "t." : "other.", random_.Below(kTopics)));
  return {.topics = {names.begin(), names.end()}, .prefix = ""};
}

void GroupSimulation::Start(Client* client) {
  client->runs = true;
  Abandon(client);
  Join(client);
}

void GroupSimulation::Kill(Client* client) {
  Abandon(client);
  CutOff(client);
  client->runs = false;
}

// It gives everything up before it says so.
void GroupSimulation::Leave(Client* client) {
  if (client->session == SessionId{0} || client->id.empty()) return;
  const MemberStream stream{client->group, client->id, client->session};
  ToBroker(client, [this, stream] {
    Seat& seat = ledger_.seats()[stream.member_id];
    const bool holds = seat.session == stream.session;
    if (holds) seat.may_go = true;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Leave(now, stream, [](const absl::Status&) {});
    });
    seat.may_go = false;
    // It is still there when it is static, or when the broker could not write it down.
    if (holds && seat.present) seat.GoAway(Now());
  });
  client->runs = false;
  client->session = SessionId{0};
  Abandon(client);
}

void GroupSimulation::Join(Client* client) {
  if (!client->runs || client->session != SessionId{0}) return;
  if (client->id.empty()) client->id = absl::StrCat("m", ++last_member_);
  client->session = SessionId{++last_session_};
  JoinRequest request{.group = client->group,
                      .member_id = client->id,
                      .epoch = client->epoch,
                      .session = client->session,
                      .instance_id = client->instance_id,
                      .subscription = client->subscription,
                      .client_id = "simulation",
                      .host = "here",
                      .start = GroupStart::kEarliest};
  if (client->group == "two") request.start = GroupStart::kLatest;
  ToBroker(client, [this, client, request] { JoinAt(client, request); });
}

void GroupSimulation::JoinAt(Client* client, const JoinRequest& request) {
  Seat* replaced = nullptr;
  for (auto& [id, seat] : ledger_.seats()) {
    const bool other = seat.present && clients_by_member_[id] == client && id != request.member_id;
    if (other && !request.instance_id.empty()) replaced = &seat;
  }
  if (replaced != nullptr && replaced->away_since.has_value()) replaced->may_go = true;
  Seat& seat = ledger_.seats()[request.member_id];
  clients_by_member_[request.member_id] = client;
  world_.Run([&](const MachineTime& now) {
    return world_.machine().membership().Join(now, request, [&](absl::StatusOr<Joined> joined) {
      if (joined.ok()) seat.Join(request.session, Now());
      ToClient(client, request.session,
               [this, client, request, joined] { OnJoined(client, request, joined); });
    });
  });
  if (replaced != nullptr) replaced->may_go = false;
}

void GroupSimulation::OnJoined(Client* client, const JoinRequest& request,
                               const absl::StatusOr<Joined>& joined) {
  if (joined.ok()) {
    client->cut_off = false;
    client->epoch = joined->epoch;
    if (request.subscription != client->subscription) Subscribe(client);
    return;
  }
  client->session = SessionId{0};
  if (ReasonOf(joined.status()) == Reason::kUnknownMember) Abandon(client);
  After(Soon(calm_ ? 500 : 5'000), [this, client] { Join(client); });
}

// The stream breaks; both sides hear of it some time later. The client counts from now.
void GroupSimulation::CutOff(Client* client) {
  if (client->session == SessionId{0}) return;
  const SessionId session = std::exchange(client->session, SessionId{0});
  ToBroker(client, [this, group = client->group, session] {
    for (auto& [id, seat] : ledger_.seats()) {
      if (seat.session != session) continue;
      seat.GoAway(Now());
      world_.Run([&, member = id](const MachineTime& now) {
        return world_.machine().membership().SessionLost(now, {group, member, session});
      });
    }
  });
  if (!client->cut_off) {
    client->cut_off = true;
    client->cut_off_since = Now();
    After(kSessionTimeout - absl::Milliseconds(1), [this, client, since = Now()] {
      if (!client->cut_off || client->cut_off_since != since) return;
      StopUsing(client);
      if (client->session == SessionId{0}) Abandon(client);  // no answer is under way any more
    });
  }
  After(Soon(calm_ || random_.Chance(0.7) ? 3'000 : 60'000), [this, client] { Join(client); });
}

// It is nobody's member any more, as far as it knows.
void GroupSimulation::Abandon(Client* client) {
  client->id.clear();
  client->epoch = MemberEpoch{0};
  StopUsing(client);
}

void GroupSimulation::StopUsing(Client* client) {
  client->uses.clear();
  client->asked_for.clear();
  client->gives_up_at = std::nullopt;
}

void GroupSimulation::GiveUp(Client* client) {
  if (!client->gives_up_at.has_value() || *client->gives_up_at > Now()) return;
  client->gives_up_at = std::nullopt;
  for (const TopicPartition& partition : client->asked_for) client->uses.erase(partition);
  if (client->session == SessionId{0}) return;  // it will be asked again
  const MemberStream stream{client->group, client->id, client->session};
  const bool arrives = calm_ || random_.Chance(0.9);
  ToBroker(client, [this, client, stream, epoch = client->epoch, arrives] {
    if (!arrives && client->session != stream.session) return;  // lost with its stream
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().ConfirmRevoked(now, stream, epoch,
                                                          [](const absl::Status&) {});
    });
  });
}

void GroupSimulation::Commit(Client* client) {
  if (client->positions.empty() || client->id.empty()) return;
  // Most of the time of what it uses, sometimes of what it used once.
  auto at = client->positions.begin();
  std::advance(at, random_.Below(client->positions.size()));
  int64_t& position = at->second;
  position = std::min(kLogEnd, position + static_cast<int64_t>(random_.Below(4)));
  const OffsetCommit commit{.partition = at->first, .offset = Offset{position}};
  const bool uses = client->uses.contains(at->first);
  ToBroker(client,
           [this, group = client->group, id = client->id, commit, epoch = client->epoch, uses] {
             const Seat& seat = ledger_.seats()[id];
             const bool owns = seat.since.contains(commit.partition);
             if (uses && seat.present && !owns && ledger_.Exists(commit.partition)) {
               ledger_.Wrong(
                   absl::StrCat(id, " uses ", ledger_.Name(commit.partition), " of somebody else"));
             }
             CommitAt(group, id, commit, epoch);
           });
}

void GroupSimulation::CommitAt(const std::string& group, const std::string& id,
                               const OffsetCommit& commit, MemberEpoch epoch) {
  const bool must_take = ledger_.MustTake(group, id, commit, epoch);
  world_.Run([&](const MachineTime& now) {
    const CommitRequest request{
        .group = group, .member_id = id, .epoch = epoch, .offsets = {commit}};
    return world_.machine().offsets().Commit(
        now, request, [&](absl::StatusOr<std::vector<absl::Status>> outcomes) {
          const absl::Status status = outcomes.ok() ? outcomes->front() : outcomes.status();
          if (ReasonOf(status) == Reason::kDiskLow) return;
          if (status.ok() != must_take) {
            ledger_.Wrong(absl::StrCat(id, " commits ", ledger_.Name(commit.partition),
                                       " in epoch ", epoch.value(), ": ", Text(status)));
          }
          if (status.ok() && ledger_.Committed(group, commit.partition) != commit.offset.value())
            ledger_.Wrong(absl::StrCat("an acknowledged commit of ", ledger_.Name(commit.partition),
                                       " is lost"));
        });
  });
}

void GroupSimulation::Resubscribe(Client* client) {
  client->subscription = AnySubscription();
  if (client->session != SessionId{0} && !client->cut_off) Subscribe(client);
}

void GroupSimulation::Subscribe(Client* client) {
  const MemberStream stream{client->group, client->id, client->session};
  ToBroker(client, [this, stream, subscription = client->subscription] {
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Subscribe(now, stream, subscription,
                                                     [](const absl::Status&) {});
    });
  });
}

// What the broker does.

void GroupSimulation::OnRecord(const InternalRecord& record) {
  ledger_.OnRecord(record);
  if (record.kind != static_cast<uint16_t>(GroupRecordKind::kMemberRemoved)) return;
  const std::string member = DecodeMemberRemoved(record.payload)->member;
  const Client& client = *clients_by_member_[member];
  if (client.id == member && !client.uses.empty() && !ledger_.seats()[member].fenced)
    ledger_.Wrong(absl::StrCat(member, " is removed and still uses partitions"));
}

void GroupSimulation::OnNotice(const Notice& notice) {
  Client* const client = clients_by_member_[notice.member_id];
  ToClient(client, notice.session, [this, client, notice] { Receive(client, notice); });
}

void GroupSimulation::Receive(Client* client, const Notice& notice) {
  if (notice.kind != Notice::Kind::kAssignment) {
    if (notice.kind == Notice::Kind::kSuperseded)
      ledger_.Wrong("a stream was superseded that is the newest");
    Abandon(client);
    client->session = SessionId{0};
    return After(Soon(1'000), [this, client] { Join(client); });
  }
  const Partitions revoked(notice.revoked.begin(), notice.revoked.end());
  Partitions now_uses(notice.assigned.begin(), notice.assigned.end());
  for (const TopicPartition& partition : client->uses) {
    if (revoked.contains(partition)) {
      now_uses.insert(partition);
    } else if (!now_uses.contains(partition) && ledger_.Exists(partition)) {
      ledger_.Wrong(
          absl::StrCat(client->id, " loses ", ledger_.Name(partition), " without being asked"));
    }
  }
  for (const TopicPartition& partition : now_uses) {
    if (!client->uses.contains(partition))
      client->positions[partition] = ledger_.Committed(client->group, partition);
  }
  client->uses = std::move(now_uses);
  client->epoch = notice.epoch;
  client->asked_for = revoked;
  if (revoked.empty()) {
    client->gives_up_at = std::nullopt;
    return;
  }
  const absl::Duration takes =
      !calm_ && random_.Chance(0.1) ? absl::Seconds(40) + Soon(40'000) : Soon(2'000);
  client->gives_up_at = std::min(client->gives_up_at.value_or(Now() + takes), Now() + takes);
  After(*client->gives_up_at - Now(), [this, client] { GiveUp(client); });
}

void GroupSimulation::OnSessionsDropped() {
  ledger_.OnSessionsDropped();
  for (const auto& client : clients_) CutOff(client.get());
}

// What must hold.

void GroupSimulation::CheckUsers() {
  std::map<std::pair<std::string, TopicPartition>, const Client*> users;
  for (const auto& client : clients_) {
    if (client->id.empty() || ledger_.seats()[client->id].fenced) continue;
    for (const TopicPartition& partition : client->uses) {
      const auto [user, is_new] = users.try_emplace({client->group, partition}, client.get());
      if (!is_new) {
        ledger_.Wrong(absl::StrCat(user->second->id, " and ", client->id, " both use ",
                                   ledger_.Name(partition)));
      }
    }
  }
}

// No more trouble: all processes run and are quick. Whoever the broker waits for in vain is gone
// after the session timeout.
void GroupSimulation::Calm() {
  calm_ = true;
  world_.FailNextAppend(absl::OkStatus());
  for (const auto& owned : clients_) {
    Client* const client = owned.get();
    if (!client->runs) Start(client);
    if (client->gives_up_at.has_value()) {
      client->gives_up_at = Now();
      GiveUp(client);
    }
    After(absl::Seconds(1), [this, client] { Join(client); });
  }
  RunUntil(Now() + kSessionTimeout + absl::Seconds(15));
  if (!ledger_.wrong().empty()) return;
  CheckSettled();
  const int64_t records = world_.record_count();
  RunUntil(Now() + absl::Seconds(200));
  if (world_.record_count() != records) ledger_.Wrong("something goes on although all is settled");
}

void GroupSimulation::CheckSettled() {
  std::set<std::pair<std::string, TopicPartition>> wanted;
  std::set<std::pair<std::string, TopicPartition>> used;
  for (const auto& client : clients_) {
    const Subscription& subscription = client->subscription;
    Partitions allowed;
    for (const auto& [name, topic] : world_.topics().all()) {
      const bool subscribed =
          subscription.prefix.empty()
              ? std::binary_search(subscription.topics.begin(), subscription.topics.end(), name)
              : absl::StartsWith(name, subscription.prefix);
      for (int32_t i = 0; subscribed && i < topic.partitions; ++i)
        allowed.insert({topic.id, PartitionIndex{i}});
    }
    for (const TopicPartition& partition : allowed) wanted.insert({client->group, partition});
    for (const TopicPartition& partition : client->uses) {
      used.insert({client->group, partition});
      if (!allowed.contains(partition))
        ledger_.Wrong(absl::StrCat(client->id, " uses ", ledger_.Name(partition),
                                   " and does not subscribe to it"));
    }
  }
  if (used != wanted)
    ledger_.Wrong(
        absl::StrCat(used.size(), " partitions are used, ", wanted.size(), " are subscribed to"));
  for (const auto& [id, group] : world_.machine().groups().groups()) {
    for (const auto& [member_id, member] : group->members()) {
      if (clients_by_member_[member_id]->id != member_id)
        ledger_.Wrong(absl::StrCat(member_id, " is still a member"));
    }
  }
}

}  // namespace weir
