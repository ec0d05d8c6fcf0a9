// GroupWorkload: members of four groups that come, commit, are cut off, resume, give up and leave;
// commands; groups that expire; topics that grow and go. The same for the same seed. One thread.
#ifndef WEIR_TESTS_FAULT_GROUP_WORKLOAD_H_
#define WEIR_TESTS_FAULT_GROUP_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/group_disk_world.h"
#include "tests/support/sim_random.h"

namespace weir {

class GroupWorkload {
 public:
  // `world` is open; `life` tells members of several starts apart.
  GroupWorkload(GroupDiskWorld* world, uint64_t seed, int life = 0);
  ~GroupWorkload();

  // One thing that somebody does. Its answer comes with a later Pump(), or this one.
  void Step();

 private:
  // A consumer, as it sees the world.
  struct Client {
    std::string group;
    std::string id;
    SessionId session;  // 0: it is cut off
    MemberEpoch epoch;
    std::vector<TopicPartition> owned;
    bool is_asked = false;  // to give something up, with the epoch
  };

  static size_t PartitionOf(const std::string& group) {
    return static_cast<size_t>(group.back() - '0') % GroupDiskWorld::kPartitions;
  }
  std::string AnyGroup() { return "group-" + std::to_string(random_.Below(4)); }
  Client* AnyClient();
  TopicPartition AnyPlace();
  void Receive(const Notice& notice);

  void Join();
  void JoinAs(const Client& client, const std::string& instance_id);
  void Commit(Client* client);
  void CommitOutside(const std::string& group);
  void CutOff(Client* client);
  void StepOf(Client* client);
  void Command();
  void ChangeTopics();
  void Look();

  GroupDiskWorld& world_;
  SimRandom random_;
  const int life_;
  uint64_t last_session_ = 0;
  int last_member_ = 0;
  int last_brief_ = 0;
  std::vector<Client> clients_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_GROUP_WORKLOAD_H_
