#include "weir/group_consumer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/src/group_member.h"
#include "client/src/offset_commits.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "weir/v1/group.pb.h"

namespace weir {
namespace {

constexpr char kFetchOffsets[] = "/weir.v1.GroupService/FetchOffsets";
constexpr absl::Duration kLeaveTimeout = absl::Seconds(5);
constexpr absl::Duration kLocateAgain = absl::Milliseconds(100);
constexpr int kLocateAtOnce = 1'000;

v1::Membership MembershipOf(const GroupConsumerOptions& options, const std::string& client_id) {
  v1::Membership membership;
  membership.set_group(options.group);
  for (const std::string& topic : options.topics)
    membership.mutable_subscription()->add_topics(topic);
  membership.mutable_subscription()->set_topic_prefix(options.topic_prefix);
  if (options.start.has_value()) membership.set_start(static_cast<v1::GroupStart>(*options.start));
  membership.set_assignor(options.assignor);
  membership.set_instance_id(options.instance_id);
  membership.set_client_id(client_id);
  return membership;
}

std::set<NamedPartition> Names(
    const google::protobuf::RepeatedPtrField<v1::PartitionId>& partitions) {
  std::set<NamedPartition> names;
  for (const v1::PartitionId& id : partitions)
    names.insert({.topic = id.topic(), .partition = PartitionIndex{id.partition()}});
  return names;
}

absl::Status NotMine(absl::string_view topic, PartitionIndex partition) {
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat(topic, "/", partition.value(), " is not owned by this member"));
}

}  // namespace

class GroupConsumer::Core {
 public:
  Core(const Client& client, GroupConsumerOptions options)
      : options_(std::move(options)),
        channel_(client.channel()),
        commits_(channel_, options_.group),
        consumer_(client, options_.consumer),
        commit_at_(clock_.Monotonic() + options_.auto_commit),
        member_(channel_, MembershipOf(options_, client.options().client_id),
                [this] { Interrupt(); }) {}

  absl::StatusOr<RecordSet> Poll(absl::Duration max_wait);
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Commit() { return commits_.Commit(member_.identity()); }
  absl::Status Commit(const std::vector<GroupOffset>& offsets) {
    return commits_.Commit(member_.identity(), offsets);
  }
  void CommitAsync(client::OffsetCommits::Done done) {
    commits_.CommitAsync(member_.identity(), std::move(done));
  }
  absl::Status Seek(const NamedPartition& partition, Position position);
  absl::Status Pause(const NamedPartition& partition);
  absl::Status Resume(const NamedPartition& partition);
  std::vector<NamedPartition> assignment() const;
  std::string member_id() const { return member_.identity().member_id; }
  bool CaughtUp() const;
  absl::Status last_error() const;
  absl::Status Close();

 private:
  struct Owned {
    bool located = false;  // where to begin is known
    bool paused = false;   // by the application
    bool reading = false;  // the consumer has it
    // While located and not reading: where to go on. Nothing: nobody has said yet.
    std::optional<Position> position;
  };
  using Partitions = std::vector<NamedPartition>;

  bool auto_commits() const { return options_.auto_commit != absl::InfiniteDuration(); }
  // Makes Poll look at what the member has heard.
  void Interrupt() ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<RecordSet> Wait(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  // Until the member has heard something, or Wake was called.
  void AwaitCall(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  bool TakeWoken() ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status TakeNews();
  void TakeAssignment(const v1::MemberAssignment& assignment);
  // Lets go of what is owned; returns what was.
  Partitions Drop(const std::function<bool(const NamedPartition&)>& which);
  void SetGroupPaused(bool paused);
  // Finds where the group is in what is owned and not located yet.
  absl::Status Locate();
  absl::Status TakeLocated(const v1::FetchOffsetsResponse& response);
  // Reads from there, unless the partition or the group is paused.
  void Begin(const NamedPartition& partition, Owned* owned, Position position);
  void Rest(const NamedPartition& partition, Owned* owned);

  static void Tell(const GroupConsumerOptions::OnPartitions& callback,
                   const Partitions& partitions) {
    if (callback && !partitions.empty()) callback(partitions);
  }

  const GroupConsumerOptions options_;
  const std::shared_ptr<client::Channel> channel_;
  client::OffsetCommits commits_;
  Clock& clock_ = Clock::Real();
  Consumer consumer_;
  std::map<NamedPartition, Owned> owned_;
  bool joined_ = false;
  bool group_paused_ = false;
  absl::Duration commit_at_;     // monotonic: the next automatic commit
  absl::Status last_error_;      // of asking for offsets
  bool refused_before_ = false;  // the last Poll has said why this is no member
  bool closed_ = false;

  absl::Mutex mu_;
  bool interrupted_ ABSL_GUARDED_BY(mu_) = false;  // by the member
  bool woken_ ABSL_GUARDED_BY(mu_) = false;        // by the application

  client::GroupMember member_;  // calls Interrupt(): gone before the rest
};

// Polling.

absl::StatusOr<RecordSet> GroupConsumer::Core::Poll(absl::Duration max_wait) {
  if (closed_) return MakeError(Reason::kClientClosed, "the consumer is closed");
  const absl::Duration deadline = clock_.Monotonic() + max_wait;
  for (;;) {
    absl::Status refused = TakeNews();
    if (!refused.ok() && std::exchange(refused_before_, true)) {
      // Said already: who polls on waits for the next try.
      AwaitCall(deadline - clock_.Monotonic());
      refused = TakeNews();
    }
    if (!refused.ok()) return refused;
    refused_before_ = false;
    absl::Duration now = clock_.Monotonic();
    if (auto_commits() && now >= commit_at_) {
      CommitAsync(nullptr);
      commit_at_ = now + options_.auto_commit;
    }
    absl::StatusOr<RecordSet> records =
        Wait(std::max(std::min(deadline, commit_at_) - now, absl::ZeroDuration()));
    if (!records.ok()) return records;
    if (!records->empty()) {
      // Done with when the caller polls on, or commits.
      commits_.NoteDone({.topic = std::string(records->topic()), .partition = records->partition()},
                        records->next_offset());
      return records;
    }
    now = clock_.Monotonic();
    if (TakeWoken() || now >= deadline) return records;
  }
}

absl::StatusOr<RecordSet> GroupConsumer::Core::Wait(absl::Duration max_wait) {
  bool any_located = false;
  bool all_located = true;
  for (const auto& [partition, owned] : owned_) {
    any_located |= owned.reading;
    all_located &= owned.located;
  }
  if (!all_located) max_wait = std::min(max_wait, kLocateAgain);
  if (any_located) {
    {
      absl::MutexLock lock(&mu_);
      if (std::exchange(interrupted_, false)) return RecordSet();
    }
    return consumer_.Poll(max_wait);
  }
  AwaitCall(max_wait);
  return RecordSet();
}

void GroupConsumer::Core::AwaitCall(absl::Duration max_wait) {
  absl::MutexLock lock(&mu_);
  const auto called = [this]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return interrupted_ || woken_; };
  mu_.AwaitWithTimeout(absl::Condition(&called), max_wait);
  interrupted_ = false;
}

void GroupConsumer::Core::Interrupt() {
  {
    absl::MutexLock lock(&mu_);
    interrupted_ = true;
  }
  consumer_.Wake();
}

void GroupConsumer::Core::Wake() {
  {
    absl::MutexLock lock(&mu_);
    woken_ = true;
  }
  consumer_.Wake();
}

bool GroupConsumer::Core::TakeWoken() {
  absl::MutexLock lock(&mu_);
  return std::exchange(woken_, false);
}

// What is owned.

absl::Status GroupConsumer::Core::TakeNews() {
  const client::GroupMember::News news = member_.Take();
  if (news.lost) {
    joined_ = false;
    Tell(options_.on_lost, Drop([](const NamedPartition&) { return true; }));
  }
  if (news.assignment.has_value()) TakeAssignment(*news.assignment);
  WEIR_RETURN_IF_ERROR(news.failure);
  return Locate();
}

void GroupConsumer::Core::TakeAssignment(const v1::MemberAssignment& assignment) {
  joined_ = true;
  const std::set<NamedPartition> owned = Names(assignment.partitions());
  const std::set<NamedPartition> revoking = Names(assignment.revoking());
  if (!revoking.empty()) {
    if (auto_commits()) Commit().IgnoreError();  // at worst somebody sees these records again
    const Partitions revoked = [&] {
      Partitions both;
      for (const auto& [partition, state] : owned_) {
        if (revoking.contains(partition)) both.push_back(partition);
      }
      return both;
    }();
    for (const NamedPartition& partition : revoked) Rest(partition, &owned_[partition]);
    Tell(options_.on_revoked, revoked);
    Drop([&](const NamedPartition& partition) { return revoking.contains(partition); });
    member_.Confirm(assignment.member_epoch());
  }
  Tell(options_.on_lost,
       Drop([&](const NamedPartition& partition) { return !owned.contains(partition); }));
  Partitions added;
  for (const NamedPartition& partition : owned) {
    if (owned_.try_emplace(partition).second) added.push_back(partition);
  }
  Tell(options_.on_assigned, added);
  SetGroupPaused(assignment.paused());
}

GroupConsumer::Core::Partitions GroupConsumer::Core::Drop(
    const std::function<bool(const NamedPartition&)>& which) {
  Partitions dropped;
  for (auto it = owned_.begin(); it != owned_.end();) {
    if (!which(it->first)) {
      ++it;
      continue;
    }
    Rest(it->first, &it->second);
    commits_.Forget(it->first);
    dropped.push_back(it->first);
    it = owned_.erase(it);
  }
  return dropped;
}

void GroupConsumer::Core::SetGroupPaused(bool paused) {
  if (std::exchange(group_paused_, paused) == paused) return;
  for (auto& [partition, owned] : owned_) {
    if (paused) {
      Rest(partition, &owned);
    } else if (owned.position.has_value()) {
      Begin(partition, &owned, *owned.position);
    }
  }
}

absl::Status GroupConsumer::Core::Locate() {
  v1::FetchOffsetsRequest request;
  request.set_group(options_.group);
  for (const auto& [partition, owned] : owned_) {
    if (owned.located || request.partitions_size() == kLocateAtOnce) continue;
    v1::PartitionId* const id = request.add_partitions();
    id->set_topic(partition.topic);
    id->set_partition(partition.partition.value());
  }
  if (request.partitions_size() == 0) return absl::OkStatus();
  v1::FetchOffsetsResponse response;
  last_error_ = channel_->Call(kFetchOffsets, request, &response);
  if (last_error_.ok()) return TakeLocated(response);
  // A topic that was deleted meanwhile is taken away by the next assignment.
  const bool passes =
      client::MayBeTriedAgain(last_error_) || ReasonOf(last_error_) == Reason::kUnknownTopic;
  return passes ? absl::OkStatus() : last_error_;
}

absl::Status GroupConsumer::Core::TakeLocated(const v1::FetchOffsetsResponse& response) {
  absl::Status first;
  for (const v1::FetchOffsetsResponse::Result& result : response.results()) {
    const NamedPartition partition{.topic = result.offset().topic(),
                                   .partition = PartitionIndex{result.offset().partition()}};
    const auto found = owned_.find(partition);
    if (found == owned_.end() || found->second.located) continue;
    if (result.read_from() >= 0) {
      Begin(partition, &found->second, Offset{result.read_from()});
      continue;
    }
    found->second.located = true;  // rests until Seek
    if (first.ok()) {
      first = MakeError(Reason::kNoCommittedOffset,
                        absl::StrCat(partition.topic, "/", partition.partition.value(),
                                     ": the group starts nowhere and has committed nothing"));
    }
  }
  return first;
}

void GroupConsumer::Core::Begin(const NamedPartition& partition, Owned* owned, Position position) {
  owned->located = true;
  owned->position = position;
  if (owned->paused || group_paused_ || owned->reading) return;
  owned->reading = consumer_
                       .Assign({.topic = partition.topic,
                                .partition = partition.partition,
                                .position = std::move(position)})
                       .ok();
}

void GroupConsumer::Core::Rest(const NamedPartition& partition, Owned* owned) {
  if (!std::exchange(owned->reading, false)) return;
  const std::optional<Offset> position = consumer_.position(partition.topic, partition.partition);
  if (position.has_value()) owned->position = *position;
  consumer_.Unassign(partition.topic, partition.partition).IgnoreError();  // it was assigned
}

absl::Status GroupConsumer::Core::Seek(const NamedPartition& partition, Position position) {
  const auto found = owned_.find(partition);
  if (found == owned_.end()) return NotMine(partition.topic, partition.partition);
  Owned& owned = found->second;
  Rest(partition, &owned);
  commits_.Forget(partition);
  Begin(partition, &owned, std::move(position));
  return absl::OkStatus();
}

absl::Status GroupConsumer::Core::Pause(const NamedPartition& partition) {
  const auto found = owned_.find(partition);
  if (found == owned_.end()) return NotMine(partition.topic, partition.partition);
  found->second.paused = true;
  Rest(partition, &found->second);
  return absl::OkStatus();
}

absl::Status GroupConsumer::Core::Resume(const NamedPartition& partition) {
  const auto found = owned_.find(partition);
  if (found == owned_.end()) return NotMine(partition.topic, partition.partition);
  found->second.paused = false;
  if (found->second.position.has_value()) Begin(partition, &found->second, *found->second.position);
  return absl::OkStatus();
}

std::vector<NamedPartition> GroupConsumer::Core::assignment() const {
  Partitions partitions;
  for (const auto& [partition, owned] : owned_) partitions.push_back(partition);
  return partitions;
}

bool GroupConsumer::Core::CaughtUp() const {
  const bool all_read = std::all_of(owned_.begin(), owned_.end(), [](const auto& entry) {
    return entry.second.located && entry.second.reading;
  });
  return joined_ && all_read && consumer_.CaughtUp();
}

absl::Status GroupConsumer::Core::last_error() const {
  for (const absl::Status& status : {member_.last_error(), last_error_, consumer_.last_error()}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status GroupConsumer::Core::Close() {
  if (std::exchange(closed_, true)) return absl::OkStatus();
  absl::Status status = auto_commits() ? Commit() : absl::OkStatus();
  Tell(options_.on_revoked, assignment());
  Drop([](const NamedPartition&) { return true; });
  const absl::Status left = member_.Leave(kLeaveTimeout);
  return status.ok() ? left : status;
}

// The class.

GroupConsumer::GroupConsumer(const Client& client, GroupConsumerOptions options)
    : core_(std::make_unique<Core>(client, std::move(options))) {}

GroupConsumer::~GroupConsumer() {
  if (core_ != nullptr) core_->Close().IgnoreError();
}

GroupConsumer::GroupConsumer(GroupConsumer&&) noexcept = default;

absl::StatusOr<RecordSet> GroupConsumer::Poll(absl::Duration max_wait) {
  return core_->Poll(max_wait);
}
void GroupConsumer::Wake() { core_->Wake(); }
absl::Status GroupConsumer::Commit() { return core_->Commit(); }
absl::Status GroupConsumer::Commit(const std::vector<GroupOffset>& offsets) {
  return core_->Commit(offsets);
}
void GroupConsumer::CommitAsync(std::function<void(const absl::Status&)> done) {
  core_->CommitAsync(std::move(done));
}
absl::Status GroupConsumer::Seek(absl::string_view topic, PartitionIndex partition,
                                 Position position) {
  return core_->Seek({std::string(topic), partition}, std::move(position));
}
absl::Status GroupConsumer::Pause(absl::string_view topic, PartitionIndex partition) {
  return core_->Pause({std::string(topic), partition});
}
absl::Status GroupConsumer::Resume(absl::string_view topic, PartitionIndex partition) {
  return core_->Resume({std::string(topic), partition});
}
std::vector<NamedPartition> GroupConsumer::assignment() const { return core_->assignment(); }
std::string GroupConsumer::member_id() const { return core_->member_id(); }
bool GroupConsumer::CaughtUp() const { return core_->CaughtUp(); }
absl::Status GroupConsumer::last_error() const { return core_->last_error(); }
absl::Status GroupConsumer::Close() { return core_->Close(); }

}  // namespace weir
