#include "broker/partition/list_offsets.h"

#include <memory>
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

// A listing under way; one thread at a time.
struct Run {
  std::vector<OffsetQuery> queries;
  Executor* disk;
  absl::AnyInvocable<bool() const> abandoned;
  absl::AnyInvocable<void(std::vector<absl::StatusOr<TimestampOffset>>)> done;
  std::vector<absl::StatusOr<TimestampOffset>> answers;
};

// One query that needs the disk, then others have their turn there.
void GoOn(std::unique_ptr<Run> run, bool on_disk) {
  while (run->answers.size() < run->queries.size()) {
    const OffsetQuery& query = run->queries[run->answers.size()];
    if (!NeedsDisk(query)) {
      run->answers.push_back(Answer(query));
    } else if (!on_disk) {
      Executor* const disk = run->disk;
      disk->Post([run = std::move(run)]() mutable { GoOn(std::move(run), /*on_disk=*/true); });
      return;
    } else if (run->abandoned()) {
      run->answers.resize(run->queries.size(), absl::CancelledError("the caller has gone"));
    } else {
      run->answers.push_back(Answer(query));
      on_disk = false;
    }
  }
  run->done(std::move(run->answers));
}

}  // namespace

void ListOffsets(std::vector<OffsetQuery> queries, Executor* disk,
                 absl::AnyInvocable<bool() const> abandoned,
                 absl::AnyInvocable<void(std::vector<absl::StatusOr<TimestampOffset>>)> done) {
  auto run = std::make_unique<Run>(Run{.queries = std::move(queries),
                                       .disk = disk,
                                       .abandoned = std::move(abandoned),
                                       .done = std::move(done),
                                       .answers = {}});
  run->answers.reserve(run->queries.size());
  GoOn(std::move(run), /*on_disk=*/false);
}

}  // namespace weir
