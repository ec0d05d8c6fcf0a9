// ShareAdmin: share groups as an operator sees them: their jobs, and their dead letters. Calls ask
// once and wait, at most call_timeout; one that fails without a reason of its own may have
// happened. Lists come by pages, since a group may have millions of jobs. Any thread; copies share
// the connection.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_SHARE_ADMIN_H_
#define WEIR_CLIENT_INCLUDE_WEIR_SHARE_ADMIN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "weir/admin.h"
#include "weir/client.h"
#include "weir/group.h"

namespace weir {

class ShareAdmin {
 public:
  enum class JobState {
    kAcquired,  // a worker has it
    kDelayed,   // until its time
    kBlocked,   // until an earlier job of its key is done
    kDying,     // its dead letter is to be written
  };
  struct JobDescription {
    NamedPartition partition;
    Offset offset;
    JobState state = JobState::kAcquired;
    int32_t attempts = 0;            // that have ended and count
    absl::Time due;                  // of a delayed or dying one
    std::optional<std::string> key;  // of the record, when it can still be read
    std::string reason;              // of a dying one
    // Of an acquired one.
    std::string worker;
    absl::Time acquired;
    absl::Time locked_until;
  };
  struct JobPage {
    std::vector<JobDescription> jobs;  // by topic, partition and offset
    std::string next;                  // the token of the next page; empty: there is none
  };

  // What is not set does not narrow.
  struct DeadLetterFilter {
    std::string reason;
    std::optional<std::string> key;
    std::optional<absl::Time> from;   // died at or after
    std::optional<absl::Time> until;  // died before
  };
  struct Attempt {
    absl::Time ended;
    std::string worker;
    std::string ending;
    std::string error;
  };
  struct DeadLetter {
    PartitionIndex partition;  // of the dead-letter topic
    Offset offset;
    std::optional<std::string> key;  // the record as it was
    std::optional<std::string> value;
    std::vector<std::pair<std::string, std::optional<std::string>>> headers;
    int64_t timestamp_ms = 0;
    NamedPartition source;
    Offset source_offset;
    std::string reason;
    std::string error;  // the last one
    int32_t attempts = 0;
    std::vector<Attempt> history;  // oldest first
    absl::Time died;
    int32_t redrives = 0;  // how often it was driven before
  };
  struct DeadLetterPage {
    std::string topic;  // the dead-letter topic
    std::vector<DeadLetter> letters;
    std::string next;
  };

  struct RedriveSpec {
    std::string group;
    DeadLetterFilter filter;
    bool to_topic = false;  // published for everyone; otherwise only this group sees them
    bool dry_run = false;
    int32_t max_redrives = 3;  // those that were driven so often stay; from 1 to 1,000
    int64_t limit = 1'000;     // look at so many letters: from 1 to 10,000
  };
  struct RedriveStep {
    int64_t redriven = 0;          // or would be
    int64_t already_redriven = 0;  // or purged
    int64_t too_often = 0;         // stay because of max_redrives
    // Others that stay, by why: UNREADABLE (a batch is no record), or the error of the topic that
    // cannot take them (UNKNOWN_TOPIC, MESSAGE_TOO_LARGE).
    std::map<std::string, int64_t> stay;
    std::map<std::string, int64_t> reasons;  // of those that are driven
    std::string next;
  };
  struct PurgeSpec {
    std::string group;
    DeadLetterFilter filter;
    bool dry_run = false;
    int64_t limit = 1'000;  // look at so many letters: from 1 to 10,000
  };
  struct PurgeStep {
    int64_t purged = 0;  // or would be
    std::map<std::string, int64_t> reasons;
    std::string next;
  };

  explicit ShareAdmin(const Client& client) : channel_(client.channel()) {}

  // All that follow: UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, and INVALID_REQUEST for what is outside
  // its range.

  // `page`: empty for the first, then JobPage::next. `size`: at most so many, up to 1,000; 0:
  // 1,000.
  absl::StatusOr<JobPage> ListJobs(absl::string_view group, std::optional<JobState> state,
                                   absl::string_view page = "", int32_t size = 0);
  // Delayed jobs are due at once. The number of those that were delayed. At most 10,000 offsets.
  absl::StatusOr<int64_t> ReleaseJobs(absl::string_view group, const NamedPartition& partition,
                                      absl::Span<const Offset> offsets);
  // Jobs are done, without a dead letter; who holds one has lost its lock. The number of those that
  // were not done before. At most 10,000 offsets.
  absl::StatusOr<int64_t> CancelJobs(absl::string_view group, const NamedPartition& partition,
                                     absl::Span<const Offset> offsets);

  // Newest last; those that were driven or purged are left out. `size`: at most so many, up to
  // 1,000; 0: 100.
  absl::StatusOr<DeadLetterPage> ListDeadLetters(absl::string_view group,
                                                 const DeadLetterFilter& filter,
                                                 absl::string_view page = "", int32_t size = 0);
  // A dead letter is driven once: asking again after an error is safe.
  absl::StatusOr<RedriveStep> Redrive(const RedriveSpec& spec, absl::string_view page = "");
  // Dead letters are marked as done with; their topic keeps them until its retention.
  absl::StatusOr<PurgeStep> PurgeDeadLetters(const PurgeSpec& spec, absl::string_view page = "");

 private:
  std::shared_ptr<client::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_SHARE_ADMIN_H_
