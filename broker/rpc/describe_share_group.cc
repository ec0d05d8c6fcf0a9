#include "broker/rpc/describe_share_group.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/partition/record_time.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/page_token.h"
#include "broker/rpc/worker_sessions.h"
#include "broker/share/delivery_state.h"
#include "broker/share/share_requests.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

absl::string_view StateName(AcquireState state) {
  switch (state) {
    case AcquireState::kOpen:
      return "OPEN";
    case AcquireState::kPaused:
      return "PAUSED";
    case AcquireState::kPausedByBreaker:
      return "PAUSED_BY_BREAKER";
    case AcquireState::kInFlightLimit:
      return "IN_FLIGHT_LIMIT";
    case AcquireState::kParkLimit:
      return "PARK_LIMIT";
    case AcquireState::kWindowLimit:
      break;
  }
  return "WINDOW_LIMIT";
}

// By topic and number, from behind `after` on.
std::vector<ShareSource> SourcesAfter(const ShareDirectory& directory, const std::string& group,
                                      const NamedPosition& after) {
  const std::shared_ptr<const ShareGroup> found = directory.FindGroup(group);
  if (found == nullptr) return {};
  std::vector<ShareSource> sources;
  for (const ShareSource& source : found->sources) {
    const NamedPosition at{source.topic, source.partition.partition.value()};
    if (at > after) sources.push_back(source);
  }
  std::sort(sources.begin(), sources.end(), [](const ShareSource& a, const ShareSource& b) {
    return std::pair(a.topic, a.partition.partition) < std::pair(b.topic, b.partition.partition);
  });
  return sources;
}

void FillLog(const Services& services, const ShareSource& source,
             const SharePartitionDescription& description, v1::SharePartition* to) {
  const absl::StatusOr<LogBounds> bounds = services.logs->Bounds(source.partition);
  if (!bounds.ok()) return;  // deleted a moment ago
  const Offset end = bounds->high_watermark;
  to->set_log_start_offset(bounds->log_start.value());
  to->set_high_watermark(end.value());
  to->set_unfinished(description.progress.Unfinished(bounds->log_start, end));
  const Offset oldest = description.progress.OldestUnfinished(bounds->log_start, end);
  to->set_oldest_unfinished(oldest.value());
  if (oldest >= end) return;
  const TopicPtr topic = services.catalog->Find(source.partition.topic);
  if (topic == nullptr) return;
  const std::optional<int64_t> oldest_ms =
      RecordTimeMs(services.partitions, topic, source.partition.partition, oldest);
  if (oldest_ms.has_value())
    to->set_oldest_unfinished_ms(std::max<int64_t>(services.clock->NowMs() - *oldest_ms, 0));
}

void Fill(const Services& services, const ShareSource& source,
          const SharePartitionDescription& description, v1::SharePartition* to) {
  to->set_topic(source.topic);
  to->set_partition(source.partition.partition.value());
  to->set_state(std::string(StateName(description.state)));
  to->set_start_offset(description.progress.start.value());
  to->set_in_flight(description.jobs.in_flight);
  to->set_delayed(description.jobs.delayed);
  to->set_blocked(description.jobs.blocked);
  to->set_dying(description.jobs.dying);
  to->set_dead_letter_error(description.dead_letter_error);
  to->set_accepted(description.counts.accepted);
  to->set_cancelled(description.counts.cancelled);
  to->set_expired(description.counts.expired);
  for (int i = 0; i < kDeathReasons; ++i) {
    (*to->mutable_died())[std::string(DeathReasonName(static_cast<DeathReason>(i + 1)))] =
        description.counts.died[static_cast<size_t>(i)];
  }
  FillLog(services, source, description, to);
}

void FillWorkers(const Services& services, const std::string& group, bool list,
                 v1::DescribeGroupResponse* response) {
  const std::vector<WorkerSessions::Worker> workers = services.workers->WorkersOf(group);
  response->set_state(EncodeShareGroupState(workers.size()));
  if (!list) return;
  for (const WorkerSessions::Worker& worker : workers) {
    v1::MemberDescription* const member = response->add_members();
    member->set_member_id(absl::StrCat(worker.session.value()));
    member->set_client_id(worker.name);
    member->set_joined_ms(worker.since_ms);
    member->set_connected(worker.connected);
  }
}

}  // namespace

absl::Status DescribeShareGroup(const Services& services, const GroupHead& head,
                                const v1::DescribeGroupRequest& request,
                                v1::DescribeGroupResponse* response) {
  const std::string listing = absl::StrCat("group:", head.id);
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const NamedPosition after, DecodeNamedPosition(token));
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  EncodeSubscription(head.share.subscription, response->mutable_subscription());
  response->set_dead_letter_topic(head.share.dead_letter.name);
  response->set_paused_by_breaker(head.paused_by_breaker);
  FillWorkers(services, head.id, /*list=*/token.empty(), response);
  for (const ShareSource& source : SourcesAfter(*services.share_directory, head.id, after)) {
    if (response->share_partitions_size() == size) {
      const v1::SharePartition& last = response->share_partitions(size - 1);
      response->set_next_page_token(
          EncodePageToken(listing, EncodeNamedPosition({last.topic(), last.partition()})));
      return absl::OkStatus();
    }
    const SharePartitionId id{head.id, source.partition};
    const absl::StatusOr<SharePartitionDescription> description =
        services.shares->AskAndWait<SharePartitionDescription>(
            services.shares->PartitionOf(id), [&](ShareMachine& machine, const MachineTime& now,
                                                  Reply<SharePartitionDescription> reply) {
              return machine.admin().Describe(now, id, std::move(reply));
            });
    if (ReasonOf(description.status()) == Reason::kUnknownPartition) continue;  // just removed
    WEIR_RETURN_IF_ERROR(description.status());
    Fill(services, source, *description, response->add_share_partitions());
  }
  return absl::OkStatus();
}

}  // namespace weir
