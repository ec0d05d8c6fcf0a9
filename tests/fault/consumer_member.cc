// A member that is a GroupConsumer: it polls, now and then commits what it has seen, and always
// before it waits or gives something up.
#include <map>
#include <string>
#include <vector>

#include "storage/base/error.h"
#include "tests/fault/member_process.h"
#include "tests/support/sim_random.h"
#include "weir/group_consumer.h"

namespace weir {
namespace {

using What = MemberReport::What;

constexpr absl::Duration kWait = absl::Milliseconds(200);

class ConsumerMember {
 public:
  explicit ConsumerMember(MemberProcess* process)
      : process_(*process),
        random_(static_cast<uint64_t>(process->options().number)),
        client_({.broker = process->options().address,
                 .backoff = {.first = absl::Milliseconds(10), .largest = absl::Milliseconds(100)}}),
        consumer_(client_, Options()) {
    process->OnLeave([this] { consumer_.Wake(); });
  }
  ~ConsumerMember() { process_.OnLeave(nullptr); }

  void Run() {
    while (!process_.leaves()) Turn();
    Commit();
    consumer_.Close().IgnoreError();
  }

 private:
  using Partitions = std::vector<NamedPartition>;

  GroupConsumerOptions Options() {
    GroupConsumerOptions options{.group = process_.options().group,
                                 .topics = {process_.options().topic},
                                 .instance_id = process_.options().instance_id,
                                 .auto_commit = absl::InfiniteDuration()};
    options.on_assigned = [this](const Partitions& partitions) {
      for (const NamedPartition& partition : partitions)
        process_.Say(What::kBegins, partition.partition.value());
    };
    options.on_revoked = [this](const Partitions& partitions) {
      Commit();
      for (const NamedPartition& partition : partitions) Forget(partition, What::kGaveUp);
    };
    options.on_lost = [this](const Partitions& partitions) {
      for (const NamedPartition& partition : partitions) Forget(partition, What::kLost);
    };
    options.consumer.fetch_bytes = 8 * 1024;
    return options;
  }

  void Forget(const NamedPartition& partition, What why) {
    done_.erase(partition.partition.value());
    process_.Say(why, partition.partition.value());
  }

  void Turn() {
    absl::StatusOr<RecordSet> set = consumer_.Poll(kWait);
    if (consumer_.member_id() != member_id_) {
      member_id_ = consumer_.member_id();
      process_.Say({.what = What::kJoined, .text = member_id_});
    }
    // The process that was killed is thought to live for a moment.
    if (ReasonOf(set.status()) == Reason::kInstanceIdInUse) return;
    if (!set.ok()) return process_.Fail(set.status().ToString());
    if (set->empty()) return Commit();
    const int32_t partition = set->partition().value();
    RecordView record;
    int64_t from = -1;
    int64_t next = -1;
    while (set->Next(&record)) {
      if (from < 0) from = next = record.offset.value();
      if (record.offset.value() != next++) process_.Fail("a set of records has a hole");
    }
    if (!set->status().ok()) process_.Fail(set->status().ToString());
    if (from < 0) return;
    process_.Say({.what = What::kSaw, .partition = partition, .from = from, .to = next});
    done_[partition] = next;
    if (random_.Below(3) == 0) Commit();
  }

  // All that was seen and not committed.
  void Commit() {
    std::vector<GroupOffset> offsets;
    for (const auto& [partition, next] : done_) {
      process_.Say(What::kAsks, partition, next);
      offsets.push_back({.partition = {process_.options().topic, PartitionIndex{partition}},
                         .offset = Offset{next}});
    }
    if (offsets.empty() || !consumer_.Commit(offsets).ok()) return;
    for (const auto& [partition, next] : done_) process_.Say(What::kCommitted, partition, next);
    done_.clear();
  }

  MemberProcess& process_;
  SimRandom random_;
  std::map<int32_t, int64_t> done_;  // by partition: all below it
  std::string member_id_;
  Client client_;
  GroupConsumer consumer_;
};

}  // namespace

void RunConsumerMember(MemberProcess* process) { ConsumerMember(process).Run(); }

}  // namespace weir
