#include "broker/share/share_survey.h"

#include <cstddef>
#include <utility>

#include "broker/share/job_list.h"
#include "storage/base/limits.h"

namespace weir {

Decision ShareSurvey::Page(int64_t from, Reply<SharePage> reply) const {
  SharePage page;
  size_t cost = 0;
  const auto& entries = context_->table.entries();
  for (auto at = entries.lower_bound(from); at != entries.end(); ++at) {
    const SharePartition& partition = at->second->partition;
    cost += partition.parked() > 0 ? limits::kSurveyStoreReadShares : 1;
    if (cost > limits::kSurveyShares) {
      page.next = at->first;
      break;
    }
    page.partitions.push_back({.id = partition.id(),
                               .incarnation = partition.incarnation(),
                               .progress = ProgressOf(*context_, at->second.get()),
                               .jobs = CountJobs(*at->second),
                               .counts = partition.counts(),
                               .tally = context_->counters.Of(partition.id())});
  }
  return ShareDraft(context_->listener).Answer(std::move(reply), std::move(page));
}

}  // namespace weir
