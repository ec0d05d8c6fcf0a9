#include "broker/partition/delete_records.h"

#include <atomic>
#include <utility>

namespace weir {
namespace {

// The answers so far; the last one reports.
struct Gathering {
  std::vector<absl::StatusOr<Offset>> answers;
  std::atomic<size_t> missing;
  absl::AnyInvocable<void(std::vector<absl::StatusOr<Offset>>)> done;

  void Answer(size_t i, absl::StatusOr<Offset> answer) {
    answers[i] = std::move(answer);
    CountDown();
  }
  void CountDown() {
    if (missing.fetch_sub(1) == 1) done(std::move(answers));
  }
};

}  // namespace

void DeleteRecords(std::vector<DeleteRecordsTarget> targets, LogManager* logs,
                   absl::AnyInvocable<void(std::vector<absl::StatusOr<Offset>>)> done) {
  const auto all = std::make_shared<Gathering>();
  all->answers.resize(targets.size(), Offset{-1});
  all->missing = targets.size() + 1;  // one for the loop itself
  all->done = std::move(done);
  for (size_t i = 0; i < targets.size(); ++i) {
    DeleteRecordsTarget& target = targets[i];
    if (!target.status.ok()) {
      all->Answer(i, target.status);
      continue;
    }
    target.partition->WithLog(
        [all, i, logs, before = target.before](absl::StatusOr<std::shared_ptr<PartitionLog>> log) {
          if (!log.ok()) return all->Answer(i, log.status());
          const Offset to = before.value_or((*log)->high_watermark());
          logs->DeleteRecords(*log, to, [all, i](absl::StatusOr<Offset> start) {
            all->Answer(i, std::move(start));
          });
        });
  }
  all->CountDown();
}

}  // namespace weir
