#include "tools/bench/group_members.h"

#include <grpcpp/grpcpp.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {

struct GroupMembers::Stub {
  std::unique_ptr<v1::GroupService::Stub> groups;
};

// One member's stream. Lock order: mu_ before the lock of Ownership.
class GroupMembers::Member : public grpc::ClientBidiReactor<v1::JoinRequest, v1::JoinResponse> {
 public:
  Member(GroupMembers* group, int number) : group_(*group), number_(number) {
    v1::Membership& join = *request_.mutable_join();
    join.set_group(group_.group_);
    join.mutable_subscription()->add_topics(group_.topic_);
    join.set_start(v1::EARLIEST);
    join.set_client_id(absl::StrCat("bench-", number));
  }

  int number() const { return number_; }

  void Start() {
    group_.stub_->groups->async()->Join(&context_, this);
    AddHold();  // writes begin outside of callbacks
    StartRead(&response_);
    StartWrite(&request_);
    StartCall();
  }

  void Leave() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    leaving_ = true;
    group_.ownership_.Remove(number_);
    Write();
  }

  // A commit of all that it holds.
  struct Held {
    v1::CommitOffsetsRequest request;
    std::vector<int64_t> holds;  // of its offsets
  };
  Held Holds() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    Held held;
    held.request.set_group(group_.group_);
    held.request.set_member_id(assignment_.member_id());
    held.request.set_member_epoch(assignment_.member_epoch());
    for (const v1::PartitionId& partition : assignment_.partitions()) {
      const std::optional<int64_t> hold = group_.ownership_.HoldOf(number_, partition.partition());
      if (!hold) continue;
      held.holds.push_back(*hold);
      v1::GroupOffset& offset = *held.request.add_offsets();
      offset.set_topic(partition.topic());
      offset.set_partition(partition.partition());
    }
    return held;
  }

 private:
  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!ok) {
      if (!closed_) RemoveHold();
      closed_ = true;
      return;
    }
    if (!leaving_) Take(response_.assignment());
    StartRead(&response_);
  }

  void Take(const v1::MemberAssignment& assignment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    assignment_ = assignment;
    std::vector<int32_t> owned;
    for (const v1::PartitionId& partition : assignment.partitions())
      owned.push_back(partition.partition());
    group_.ownership_.Set(number_, owned);
    if (assignment.revoking().empty()) return;
    confirm_ = assignment.member_epoch();
    Write();
  }

  void OnWriteDone(bool) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    Write();
  }

  void OnWritesDoneDone(bool) override { RemoveHold(); }

  void OnDone(const grpc::Status& status) override ABSL_LOCKS_EXCLUDED(mu_) {
    bool left = false;
    {
      absl::MutexLock lock(&mu_);
      left = leaving_;
    }
    group_.ownership_.Remove(number_);
    group_.OnEnd(this, left ? absl::OkStatus()
                            : absl::UnknownError(absl::StrCat(
                                  "member ", number_, " was ended: ", status.error_message())));
  }

  // What is to be said next, if nothing is being said.
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || closed_) return;
    if (leaving_) {
      closed_ = true;
      StartWritesDone();
    } else if (confirm_.has_value()) {
      request_.Clear();
      request_.set_revoked_epoch(*std::exchange(confirm_, std::nullopt));
      writing_ = true;
      StartWrite(&request_);
    }
  }

  GroupMembers& group_;
  const int number_;
  grpc::ClientContext context_;
  v1::JoinRequest request_;
  v1::JoinResponse response_;

  mutable absl::Mutex mu_;
  v1::MemberAssignment assignment_ ABSL_GUARDED_BY(mu_);  // the newest
  std::optional<int64_t> confirm_ ABSL_GUARDED_BY(mu_);   // still to be said
  bool writing_ ABSL_GUARDED_BY(mu_) = true;              // the join
  bool leaving_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // nothing more is said
};

GroupMembers::GroupMembers(const BenchBroker& broker, std::string group, std::string topic,
                           int32_t partitions)
    : group_(std::move(group)),
      topic_(std::move(topic)),
      stub_(std::make_unique<Stub>(Stub{v1::GroupService::NewStub(
          grpc::CreateChannel(broker.address(), grpc::InsecureChannelCredentials()))})),
      ownership_(partitions) {}

GroupMembers::~GroupMembers() {
  for (const int member : members()) Leave(member);
  absl::MutexLock lock(&mu_);
  const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return streams_.empty(); };
  mu_.Await(absl::Condition(&ended));
}

int GroupMembers::Join() {
  std::shared_ptr<Member> member;
  {
    absl::MutexLock lock(&mu_);
    member = std::make_shared<Member>(this, joined_++);
    members_.emplace(member->number(), member);
    streams_.emplace(member->number(), member);
  }
  ownership_.Add(member->number());
  member->Start();
  return member->number();
}

void GroupMembers::Leave(int member) {
  std::shared_ptr<Member> leaving;
  {
    absl::MutexLock lock(&mu_);
    const auto found = members_.find(member);
    if (found == members_.end()) return;
    leaving = std::move(found->second);
    members_.erase(found);
  }
  leaving->Leave();
}

std::vector<int> GroupMembers::members() const {
  absl::MutexLock lock(&mu_);
  std::vector<int> numbers;
  for (const auto& [number, member] : members_) numbers.push_back(number);
  return numbers;
}

int64_t GroupMembers::Commit(int member) {
  std::shared_ptr<Member> committer;
  {
    absl::MutexLock lock(&mu_);
    const auto found = members_.find(member);
    if (found == members_.end()) return 0;
    committer = found->second;
  }
  const Member::Held held = committer->Holds();
  if (held.holds.empty()) return 0;
  grpc::ClientContext context;
  v1::CommitOffsetsResponse response;
  const grpc::Status status = stub_->groups->CommitOffsets(&context, held.request, &response);
  int64_t committed = 0;
  for (int i = 0; i < held.request.offsets_size(); ++i) {
    if (status.ok() && !response.results(i).has_error()) {
      ++committed;
    } else if (ownership_.HoldOf(member, held.request.offsets(i).partition()) ==
               held.holds[static_cast<size_t>(i)]) {
      absl::MutexLock lock(&mu_);
      ++refused_;
    }
  }
  return committed;
}

int64_t GroupMembers::refused() const {
  absl::MutexLock lock(&mu_);
  return refused_;
}

absl::Status GroupMembers::error() const {
  absl::MutexLock lock(&mu_);
  return error_;
}

void GroupMembers::OnEnd(Member* member, const absl::Status& status) {
  std::shared_ptr<Member> ended;  // goes when the lock is free
  absl::MutexLock lock(&mu_);
  if (!status.ok()) error_ = status;
  members_.erase(member->number());
  const auto found = streams_.find(member->number());
  ended = std::move(found->second);
  streams_.erase(found);
}

}  // namespace weir
