#include "broker/rpc/share_admin_calls.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/group/group_shards.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/page_token.h"
#include "broker/share/job_records.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_shards.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Lists of a machine for one page, also when none of their jobs is in the state that is wanted.
constexpr int kListsPerPage = 20;

// Where a page begins: a partition, and the first offset in it.
struct JobPosition {
  NamedPosition partition;
  int64_t offset = 0;
};

std::string EncodeJobPosition(const JobPosition& position) {
  return absl::StrCat(position.offset, "/", EncodeNamedPosition(position.partition));
}

absl::StatusOr<JobPosition> DecodeJobPosition(absl::string_view text) {
  JobPosition position;
  if (text.empty()) return position;
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos ||
      !absl::SimpleAtoi(text.substr(0, slash), &position.offset) || position.offset < 0) {
    return MakeError(Reason::kInvalidPageToken, "the page token does not name a job");
  }
  WEIR_ASSIGN_OR_RETURN(position.partition, DecodeNamedPosition(text.substr(slash + 1)));
  return position;
}

NamedPosition PositionOf(const ShareSource& source) {
  return {source.topic, source.partition.partition.value()};
}

v1::JobState EncodeJobState(JobState state) {
  switch (state) {
    case JobState::kAcquired:
      return v1::ACQUIRED;
    case JobState::kDelayed:
      return v1::DELAYED;
    case JobState::kBlocked:
      return v1::BLOCKED;
    case JobState::kDying:
      return v1::DYING;
    case JobState::kAvailable:
    case JobState::kFinished:
    case JobState::kDead:
      break;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

void EncodeJob(const ShareSource& source, const JobDescription& job, v1::Job* to) {
  to->set_topic(source.topic);
  to->set_partition(source.partition.partition.value());
  to->set_offset(job.offset.value());
  to->set_state(EncodeJobState(job.state));
  to->set_attempts(job.attempts);
  to->set_due_ms(job.due_ms);
  if (job.reason.has_value()) {
    const absl::string_view reason = DeathReasonName(*job.reason);
    to->set_reason(reason.data(), reason.size());
  }
  to->set_worker(job.worker);
  to->set_acquired_ms(job.acquired_ms);
  to->set_lock_until_ms(job.lock_until_ms);
}

// One page of the jobs of a group.
class JobPage {
 public:
  JobPage(const Services& services, std::string listing, v1::JobState state, int32_t size,
          v1::ListJobsResponse* response)
      : services_(services),
        listing_(std::move(listing)),
        state_(state),
        size_(size),
        response_(response) {}

  // Adds the jobs of one partition from an offset on. False: the page is full.
  absl::StatusOr<bool> Add(const std::string& group, const ShareSource& source, Offset from) {
    const int begin = response_->jobs_size();
    const absl::StatusOr<bool> more = AddJobs(group, source, from);
    AddKeys(source, begin);
    return more;
  }

 private:
  absl::StatusOr<bool> AddJobs(const std::string& group, const ShareSource& source, Offset from) {
    const SharePartitionId id{.group = group, .partition = source.partition};
    for (std::optional<Offset> next = from; next.has_value();) {
      if (++lists_ > kListsPerPage) return End(source, *next);
      const ListJobsRequest list{
          .id = id, .from = *next, .limit = static_cast<size_t>(limits::kPageSizeLargest)};
      const absl::StatusOr<ListedJobs> listed = services_.shares->AskAndWait<ListedJobs>(
          services_.shares->PartitionOf(id),
          [&list](ShareMachine& machine, const MachineTime& now, Reply<ListedJobs> reply) {
            return machine.admin().List(now, list, std::move(reply));
          });
      // The group reads it no more, or not yet.
      if (ReasonOf(listed.status()) == Reason::kUnknownPartition) return true;
      WEIR_RETURN_IF_ERROR(listed.status());
      for (const JobDescription& job : listed->jobs) {
        if (state_ != v1::JOB_STATE_UNSPECIFIED && EncodeJobState(job.state) != state_) continue;
        if (response_->jobs_size() == size_) return End(source, job.offset);
        EncodeJob(source, job, response_->add_jobs());
      }
      next = listed->next;
    }
    return true;
  }

  bool End(const ShareSource& source, Offset next) {
    response_->set_next_page_token(EncodePageToken(
        listing_, EncodeJobPosition({.partition = PositionOf(source), .offset = next.value()})));
    return false;
  }

  // As far as they can be read, and there is room for them.
  void AddKeys(const ShareSource& source, int begin) {
    if (begin == response_->jobs_size()) return;
    const auto found = services_.partitions->Find(source.topic, source.partition.partition);
    std::optional<Reservation> memory = services_.memory->fetch().TryReserve(limits::kLetterMemory);
    if (!found.ok() || !memory.has_value()) return;
    JobRecords records(found->partition, *std::move(memory));
    for (int i = begin; i < response_->jobs_size(); ++i) {
      v1::Job& job = *response_->mutable_jobs(i);
      const absl::StatusOr<JobRecords::Found> at = records.Find(Offset{job.offset()});
      if (!at.ok()) return;
      if (!at->record.has_value() || !at->record->key.has_value()) continue;
      const absl::string_view key = *at->record->key;
      if (key_bytes_ + static_cast<int64_t>(key.size()) > limits::kPlainFetchBytes) return;
      key_bytes_ += static_cast<int64_t>(key.size());
      job.set_key(key.data(), key.size());
    }
  }

  const Services& services_;
  const std::string listing_;
  const v1::JobState state_;
  const int32_t size_;
  v1::ListJobsResponse* const response_;
  int lists_ = 0;
  int64_t key_bytes_ = 0;
};

// Which jobs a command is about.
struct NamedJobs {
  SharePartitionId id;
  std::vector<Offset> jobs;
};

absl::StatusOr<NamedJobs> DecodeJobs(const Services& services, const v1::JobsRequest& request) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  WEIR_RETURN_IF_ERROR(RequireShareGroup(services, request.group()).status());
  NamedJobs named{.id = {.group = request.group()}};
  WEIR_ASSIGN_OR_RETURN(named.id.partition,
                        DecodePartition(*services.catalog, request.topic(), request.partition()));
  if (static_cast<size_t>(request.offsets_size()) > limits::kJobsByCommand) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request names ", request.offsets_size(),
                                  " offsets; at most ", limits::kJobsByCommand, " are allowed"));
  }
  for (const int64_t offset : request.offsets()) {
    if (offset < 0) {
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("offset ", offset, " is none; offsets are 0 or more"));
    }
    named.jobs.push_back(Offset{offset});
  }
  return named;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ShareGroup>> RequireShareGroup(const Services& services,
                                                                    const std::string& group) {
  services.share_directory->AwaitOpen(group);
  if (std::shared_ptr<const ShareGroup> found = services.share_directory->FindGroup(group))
    return found;
  // There is none, or it is a consumer group: its machine says which.
  WEIR_ASSIGN_OR_RETURN(
      const GroupDescription described,
      services.groups->AskAndWait<GroupDescription>(
          services.groups->PartitionOf(group),
          [&](GroupMachine& machine, const MachineTime&, Reply<GroupDescription> reply) {
            return machine.admin().Describe(group, std::move(reply));
          }));
  if (described.head.type != GroupType::kShare) {
    return MakeError(Reason::kGroupTypeMismatch,
                     absl::StrCat("'", group,
                                  "' is a consumer group; only share groups have jobs "
                                  "and dead letters"));
  }
  return MakeError(Reason::kUnknownGroup,
                   absl::StrCat("share group '", group, "' was made or deleted at this moment"));
}

absl::Status ListJobs(const Services& services, const v1::ListJobsRequest& request,
                      v1::ListJobsResponse* response) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<const ShareGroup> group,
                        RequireShareGroup(services, request.group()));
  if (!v1::JobState_IsValid(request.state())) {
    return MakeError(Reason::kUnsupportedField,
                     absl::StrCat("this broker does not know job state ", int{request.state()}));
  }
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  const std::string listing = absl::StrCat("jobs:", int{request.state()}, ":", request.group());
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const JobPosition from, DecodeJobPosition(token));

  std::vector<ShareSource> sources = group->sources;
  std::sort(sources.begin(), sources.end(), [](const ShareSource& a, const ShareSource& b) {
    return PositionOf(a) < PositionOf(b);
  });
  JobPage page(services, listing, request.state(), size, response);
  for (const ShareSource& source : sources) {
    const NamedPosition at = PositionOf(source);
    if (at < from.partition) continue;
    WEIR_ASSIGN_OR_RETURN(
        const bool more,
        page.Add(request.group(), source, Offset{at == from.partition ? from.offset : 0}));
    if (!more) break;
  }
  return absl::OkStatus();
}

absl::Status ReleaseJobs(const Services& services, const v1::JobsRequest& request,
                         v1::JobsResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const NamedJobs named, DecodeJobs(services, request));
  WEIR_ASSIGN_OR_RETURN(
      const int64_t changed,
      services.shares->AskAndWait<int64_t>(
          services.shares->PartitionOf(named.id),
          [&](ShareMachine& machine, const MachineTime& now, Reply<int64_t> reply) {
            return machine.admin().ReleaseJobs(now, named.id, named.jobs, std::move(reply));
          }));
  response->set_changed(changed);
  return absl::OkStatus();
}

absl::Status CancelJobs(const Services& services, const v1::JobsRequest& request,
                        v1::JobsResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const NamedJobs named, DecodeJobs(services, request));
  WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, services.logs->Bounds(named.id.partition));
  WEIR_ASSIGN_OR_RETURN(
      const int64_t changed,
      services.shares->AskAndWait<int64_t>(
          services.shares->PartitionOf(named.id),
          [&](ShareMachine& machine, const MachineTime& now, Reply<int64_t> reply) {
            return machine.admin().CancelJobs(now, named.id, bounds.high_watermark, named.jobs,
                                              std::move(reply));
          }));
  response->set_changed(changed);
  return absl::OkStatus();
}

}  // namespace weir
