#include "broker/partition/list_offsets.h"

#include <utility>

namespace weir {
namespace {

bool NeedsDisk(const OffsetQuery& query) {
  if (!query.status.ok()) return false;
  return query.at == OffsetQuery::At::kTime || query.partition->log() == nullptr;
}

absl::StatusOr<TimestampOffset> Answer(const OffsetQuery& query) {
  if (!query.status.ok()) return query.status;
  absl::StatusOr<std::shared_ptr<PartitionLog>> log = query.partition->OpenLog();
  if (!log.ok()) return log.status();
  switch (query.at) {
    case OffsetQuery::At::kEarliest:
      return TimestampOffset{.offset = (*log)->log_start()};
    case OffsetQuery::At::kLatest:
      return TimestampOffset{.offset = (*log)->high_watermark()};
    case OffsetQuery::At::kTime:
      return (*log)->FindByTime(query.timestamp_ms);
  }
  return absl::InternalError("no such query");
}

}  // namespace

void ListOffsets(std::vector<OffsetQuery> queries, Executor* disk,
                 absl::AnyInvocable<void(std::vector<absl::StatusOr<TimestampOffset>>)> done) {
  bool needs_disk = false;
  for (const OffsetQuery& query : queries) needs_disk |= NeedsDisk(query);
  auto answer = [queries = std::move(queries), done = std::move(done)]() mutable {
    std::vector<absl::StatusOr<TimestampOffset>> answers;
    answers.reserve(queries.size());
    for (const OffsetQuery& query : queries) answers.push_back(Answer(query));
    done(std::move(answers));
  };
  if (!needs_disk) return answer();
  disk->Post(std::move(answer));
}

}  // namespace weir
