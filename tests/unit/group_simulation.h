// GroupSimulation: consumers that come, crash, are cut off, are slow and come back, topics that
// grow and go, a broker that restarts or cannot write, all from one seed; and what must hold
// meanwhile, as the consumers see it:
// - no partition has two users;
// - a member that has a partition goes on having it until it has given it up, and its commits are
//   taken; nobody else's are;
// - members are fenced only when one of their times has passed;
// - committed offsets never move back, and what was acknowledged is there, after every restart too;
// - when the world is calm, every partition that somebody subscribes to has a user, soon, and then
//   nothing happens any more.
// One thread.
#ifndef WEIR_TESTS_UNIT_GROUP_SIMULATION_H_
#define WEIR_TESTS_UNIT_GROUP_SIMULATION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/group_world.h"
#include "tests/support/sim_random.h"
#include "tests/unit/group_ledger.h"

namespace weir {

class GroupSimulation {
 public:
  explicit GroupSimulation(uint64_t seed);

  // `actions` things happen, then calm. Empty when all held; otherwise what was wrong first.
  std::string Run(int actions);

 private:
  using Task = absl::AnyInvocable<void()>;
  using Partitions = std::set<TopicPartition>;

  // A consumer's process, as it sees the world. Its messages to the broker arrive in order, and so
  // do those to it.
  struct Client {
    std::string group;
    std::string instance_id;
    Subscription subscription;
    bool runs = false;
    std::string id;     // empty: it has to join anew
    SessionId session;  // of its stream; 0: it has none
    bool cut_off = true;
    absl::Duration cut_off_since;
    MemberEpoch epoch;
    Partitions uses;
    std::map<TopicPartition, int64_t> positions;
    Partitions asked_for;  // to be given up, with the epoch of the newest notice
    std::optional<absl::Duration> gives_up_at;
    absl::Duration last_to_broker;
    absl::Duration last_to_client;
  };

  // Time and messages.
  absl::Duration Now() const { return world_.now().monotonic; }
  absl::Duration Soon(int64_t most_ms);
  void After(absl::Duration wait, Task task);
  void RunUntil(absl::Duration until);
  void ToBroker(Client* client, Task task);
  void ToClient(Client* client, SessionId session, Task task);

  // What happens by itself.
  void Act();
  void ActOn(Client* client);
  void ChangeTopics();
  void TroubleBroker();
  void Calm();

  // What clients do.
  void Start(Client* client);
  void Kill(Client* client);
  void Leave(Client* client);
  void Join(Client* client);
  void JoinAt(Client* client, const JoinRequest& request);
  void OnJoined(Client* client, const JoinRequest& request, const absl::StatusOr<Joined>& joined);
  void CutOff(Client* client);
  void Abandon(Client* client);
  static void StopUsing(Client* client);
  void GiveUp(Client* client);
  void Commit(Client* client);
  void CommitAt(const std::string& group, const std::string& id, const OffsetCommit& commit,
                MemberEpoch epoch);
  void Resubscribe(Client* client);
  void Subscribe(Client* client);
  Subscription AnySubscription();

  // What the broker does.
  void OnRecord(const InternalRecord& record);
  void OnNotice(const Notice& notice);
  void Receive(Client* client, const Notice& notice);
  void OnSessionsDropped();

  // What must hold.
  void CheckUsers();
  void CheckSettled();

  SimRandom random_;
  GroupWorld world_;
  std::multimap<absl::Duration, Task> events_;
  std::vector<std::unique_ptr<Client>> clients_;
  GroupLedger ledger_{&world_};
  std::map<std::string, Client*> clients_by_member_;
  uint64_t last_session_ = 0;
  int last_member_ = 0;
  bool calm_ = false;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_GROUP_SIMULATION_H_
