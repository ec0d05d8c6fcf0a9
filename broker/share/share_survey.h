// ShareSurvey: what a shard tells of its share-partitions to who watches the broker: how far each
// has come, what its jobs are at, and what became of the others. A handler that changes nothing, a
// bounded page a call, so that a shard is never kept from its workers for long. One strand.
#ifndef WEIR_BROKER_SHARE_SHARE_SURVEY_H_
#define WEIR_BROKER_SHARE_SHARE_SURVEY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_types.h"

namespace weir {

struct ShareGlance {
  SharePartitionId id;
  int64_t incarnation = 0;  // of its group; another one: it is about to be removed
  ShareProgress progress;
  ShareJobCounts jobs;
  ShareCounts counts;
  ShareTally tally;
};
struct SharePage {
  std::vector<ShareGlance> partitions;
  std::optional<int64_t> next;  // there are more, from here on
};

class ShareSurvey {
 public:
  explicit ShareSurvey(ShareContext* context) : context_(context) {}

  // At most limits::kSurveyShares share-partitions, by number from `from` on: 0 at first. One that
  // is set back between two pages may come in both. Each with parked jobs costs a read of the
  // store, and counts as limits::kSurveyStoreReadShares.
  Decision Page(int64_t from, Reply<SharePage> reply) const;

 private:
  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_SURVEY_H_
