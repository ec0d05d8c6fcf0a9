#include "weir/group_consumer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/src/group_member.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "weir/v1/group.pb.h"

namespace weir {
namespace {

constexpr char kCommitOffsets[] = "/weir.v1.GroupService/CommitOffsets";
constexpr char kFetchOffsets[] = "/weir.v1.GroupService/FetchOffsets";
constexpr absl::Duration kLeaveTimeout = absl::Seconds(5);
constexpr absl::Duration kLocateAgain = absl::Milliseconds(100);
constexpr int kLocateAtOnce = 1'000;

// What commits have done that nobody waited for.
struct AsyncCommits {
  absl::Mutex mu;
  std::map<NamedPartition, Offset> committed ABSL_GUARDED_BY(mu);
};

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

// Of a commit of where Poll is: the first error, without those that say that the partition is not
// this member's any more, or that the group was further already (after a Seek back).
absl::Status FirstError(const v1::CommitOffsetsResponse& response) {
  for (const v1::CommitOffsetsResponse::Result& result : response.results()) {
    if (!result.has_error()) continue;
    const absl::Status status = client::StatusOf(result.error());
    if (ReasonOf(status) == Reason::kStaleMemberEpoch ||
        ReasonOf(status) == Reason::kOffsetMovesBack)
      continue;
    const std::string message =
        absl::StrCat(result.topic(), "/", result.partition(), ": ", status.message());
    const std::optional<Reason> reason = ReasonOf(status);
    return reason.has_value() ? MakeError(*reason, message) : absl::Status(status.code(), message);
  }
  return absl::OkStatus();
}

void NoteCommitted(const v1::CommitOffsetsRequest& request,
                   const v1::CommitOffsetsResponse& response, AsyncCommits* commits) {
  absl::MutexLock lock(&commits->mu);
  for (int i = 0; i < std::min(request.offsets_size(), response.results_size()); ++i) {
    if (response.results(i).has_error()) continue;
    const v1::GroupOffset& offset = request.offsets(i);
    commits->committed[{.topic = offset.topic(), .partition = PartitionIndex{offset.partition()}}] =
        Offset{offset.offset()};
  }
}

}  // namespace

class GroupConsumer::Core {
 public:
  Core(const Client& client, GroupConsumerOptions options)
      : options_(std::move(options)),
        channel_(client.channel()),
        consumer_(client, options_.consumer),
        commit_at_(clock_.Monotonic() + options_.auto_commit),
        member_(channel_, MembershipOf(options_, client.options().client_id),
                [this] { Interrupt(); }) {}

  absl::StatusOr<RecordSet> Poll(absl::Duration max_wait);
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Commit();
  absl::Status Commit(const std::vector<GroupOffset>& offsets);
  void CommitAsync(std::function<void(const absl::Status&)> done);
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
    bool located = false;             // where to begin is known
    bool paused = false;              // by the application
    bool reading = false;             // the consumer has it
    Position position;                // while located and not reading: where to go on
    std::optional<Offset> given;      // how far Poll has gone; nothing before the first records
    std::optional<Offset> committed;  // by this member
  };
  using Partitions = std::vector<NamedPartition>;

  bool auto_commits() const { return options_.auto_commit != absl::InfiniteDuration(); }
  // Makes Poll look at what the member has heard.
  void Interrupt() ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<RecordSet> Wait(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
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

  v1::CommitOffsetsRequest NewCommit() const;
  // Of how far Poll has gone beyond what is committed.
  v1::CommitOffsetsRequest CommitOfGiven() const;
  void TakeAsyncCommits();
  static void Tell(const GroupConsumerOptions::OnPartitions& callback,
                   const Partitions& partitions) {
    if (callback && !partitions.empty()) callback(partitions);
  }

  const GroupConsumerOptions options_;
  const std::shared_ptr<client::Channel> channel_;
  const std::shared_ptr<AsyncCommits> async_ = std::make_shared<AsyncCommits>();
  Clock& clock_ = Clock::Real();
  Consumer consumer_;
  std::map<NamedPartition, Owned> owned_;
  bool joined_ = false;
  bool group_paused_ = false;
  absl::Duration commit_at_;  // monotonic: the next automatic commit
  absl::Status last_error_;   // of asking for offsets
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
    WEIR_RETURN_IF_ERROR(TakeNews());
    TakeAsyncCommits();
    absl::Duration now = clock_.Monotonic();
    if (auto_commits() && now >= commit_at_) {
      CommitAsync(nullptr);
      commit_at_ = now + options_.auto_commit;
    }
    absl::StatusOr<RecordSet> records =
        Wait(std::max(std::min(deadline, commit_at_) - now, absl::ZeroDuration()));
    if (!records.ok()) return records;
    if (!records->empty()) {
      const NamedPartition from{.topic = std::string(records->topic()),
                                .partition = records->partition()};
      const auto owned = owned_.find(from);
      if (owned != owned_.end()) owned->second.given = records->next_offset();
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
  absl::MutexLock lock(&mu_);
  const auto called = [this]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return interrupted_ || woken_; };
  mu_.AwaitWithTimeout(absl::Condition(&called), max_wait);
  interrupted_ = false;
  return RecordSet();
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
    } else if (owned.located) {
      Begin(partition, &owned, owned.position);
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
    found->second.located = found->second.paused = true;  // rests until Seek
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
  owned.given.reset();
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
  if (found->second.located) Begin(partition, &found->second, found->second.position);
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

// Commits.

v1::CommitOffsetsRequest GroupConsumer::Core::NewCommit() const {
  const client::GroupMember::Identity identity = member_.identity();
  v1::CommitOffsetsRequest request;
  request.set_group(options_.group);
  request.set_member_id(identity.member_id);
  request.set_member_epoch(identity.epoch);
  return request;
}

v1::CommitOffsetsRequest GroupConsumer::Core::CommitOfGiven() const {
  v1::CommitOffsetsRequest request = NewCommit();
  for (const auto& [partition, owned] : owned_) {
    if (!owned.given.has_value() || owned.given == owned.committed) continue;
    v1::GroupOffset* const offset = request.add_offsets();
    offset->set_topic(partition.topic);
    offset->set_partition(partition.partition.value());
    offset->set_offset(owned.given->value());
  }
  return request;
}

absl::Status GroupConsumer::Core::Commit() {
  TakeAsyncCommits();
  const v1::CommitOffsetsRequest request = CommitOfGiven();
  if (request.offsets_size() == 0) return absl::OkStatus();
  v1::CommitOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(kCommitOffsets, request, &response));
  NoteCommitted(request, response, async_.get());
  TakeAsyncCommits();
  return FirstError(response);
}

absl::Status GroupConsumer::Core::Commit(const std::vector<GroupOffset>& offsets) {
  v1::CommitOffsetsRequest request = NewCommit();
  for (const GroupOffset& asked : offsets) {
    v1::GroupOffset* const offset = request.add_offsets();
    offset->set_topic(asked.partition.topic);
    offset->set_partition(asked.partition.partition.value());
    offset->set_offset(asked.offset.value());
    if (asked.leader_epoch.has_value()) offset->set_leader_epoch(asked.leader_epoch->value());
    offset->set_metadata(asked.metadata);
  }
  v1::CommitOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(kCommitOffsets, request, &response));
  NoteCommitted(request, response, async_.get());
  return FirstError(response);
}

void GroupConsumer::Core::CommitAsync(std::function<void(const absl::Status&)> done) {
  v1::CommitOffsetsRequest request = CommitOfGiven();
  if (request.offsets_size() == 0) {
    if (done) done(absl::OkStatus());
    return;
  }
  channel_->CallAsync(
      kCommitOffsets, request,
      [request, async = async_, done = std::move(done)](const absl::StatusOr<std::string>& answer) {
        v1::CommitOffsetsResponse response;
        absl::Status status = answer.status();
        if (status.ok() && !response.ParseFromString(*answer)) {
          status = MakeError(Reason::kInternal, "the answer to CommitOffsets makes no sense");
        }
        if (status.ok()) {
          NoteCommitted(request, response, async.get());
          status = FirstError(response);
        }
        if (done) done(status);
      });
}

void GroupConsumer::Core::TakeAsyncCommits() {
  std::map<NamedPartition, Offset> committed;
  {
    absl::MutexLock lock(&async_->mu);
    committed.swap(async_->committed);
  }
  for (const auto& [partition, offset] : committed) {
    const auto owned = owned_.find(partition);
    if (owned != owned_.end()) owned->second.committed = offset;
  }
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
