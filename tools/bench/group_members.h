// GroupMembers: many members of one group in this process, each a Join stream of its own, through
// the generated stub. They read nothing; they give up what they are asked to at once, and commit
// offset 0 of what they hold. Any thread.
#ifndef WEIR_TOOLS_BENCH_GROUP_MEMBERS_H_
#define WEIR_TOOLS_BENCH_GROUP_MEMBERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/ownership.h"

namespace weir {

class GroupMembers {
 public:
  GroupMembers(const BenchBroker& broker, std::string group, std::string topic, int32_t partitions);
  // All leave; returns when their streams have ended.
  ~GroupMembers();

  // One more member; its number. The join is under way when this returns.
  int Join() ABSL_LOCKS_EXCLUDED(mu_);
  // It holds nothing any more, and its leave is under way, when this returns.
  void Leave(int member) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<int> members() const ABSL_LOCKS_EXCLUDED(mu_);

  // Commits what the member holds; how many offsets that were. One that is refused although the
  // member has held the partition all the while is counted.
  int64_t Commit(int member) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t refused() const ABSL_LOCKS_EXCLUDED(mu_);
  // Why a stream of a member that did not leave has ended, if one has.
  absl::Status error() const ABSL_LOCKS_EXCLUDED(mu_);

  const Ownership& ownership() const { return ownership_; }

 private:
  class Member;
  struct Stub;

  void OnEnd(Member* member, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string group_;
  const std::string topic_;
  const std::unique_ptr<Stub> stub_;
  Ownership ownership_;

  mutable absl::Mutex mu_;
  int joined_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int, std::shared_ptr<Member>> members_ ABSL_GUARDED_BY(mu_);  // that have not left
  std::map<int, std::shared_ptr<Member>> streams_ ABSL_GUARDED_BY(mu_);  // that have not ended
  int64_t refused_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_GROUP_MEMBERS_H_
