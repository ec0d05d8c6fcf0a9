// JobAudit: what a broker says of a share group's jobs when all of them are done, held against what
// workers have reported. Read once; immutable.
#ifndef WEIR_TESTS_FAULT_JOB_AUDIT_H_
#define WEIR_TESTS_FAULT_JOB_AUDIT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/fault/job_ledger.h"
#include "tests/fault/job_report.h"
#include "weir/client.h"
#include "weir/group_admin.h"
#include "weir/share_admin.h"

namespace weir {

class JobAudit {
 public:
  // Waits until the broker says that every job of `group` is done.
  static absl::Status AwaitAllDone(const Client& client, const std::string& group);
  // `group` reads `topic`, and was never driven any letter.
  static absl::StatusOr<JobAudit> Read(const Client& client, const std::string& topic,
                                       const JobGroup& group);

  // Every job is done in one way: it was accepted, by somebody who has said so in `asked`, or has
  // one dead letter; what is poison has one, what is not has one only when workers that were
  // `killed`, or locks that ran out, explain it. Empty when all is right.
  std::string Wrong(const std::set<JobId>& asked, const std::set<std::string>& killed) const;

  int64_t jobs() const { return jobs_; }
  int64_t letters() const { return static_cast<int64_t>(letters_.size()); }

  // Every letter that there was is driven, once, and its job done; the redrive topic has nothing
  // else. All jobs are done. Empty when all is right.
  std::string WrongRedrive(const Client& client) const;

 private:
  JobAudit(std::string topic, const JobGroup& group) : topic_(std::move(topic)), group_(group) {}

  absl::Status ReadLetters(const Client& client);
  std::string WrongCounts() const;
  std::string WrongLetter(const JobId& id, const ShareAdmin::DeadLetter& letter,
                          const std::set<std::string>& killed) const;

  const std::string topic_;
  const JobGroup group_;
  std::vector<GroupAdmin::SharePartitionDescription> partitions_;  // of the topic
  int64_t jobs_ = 0;
  std::multimap<JobId, ShareAdmin::DeadLetter> letters_;
  int64_t letter_records_ = 0;  // in the dead-letter topic
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_AUDIT_H_
