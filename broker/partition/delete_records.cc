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

void MoveLogStart(LogStartGate* gate, LogManager* logs, std::shared_ptr<PartitionLog> log,
                  Offset to, absl::AnyInvocable<void(absl::StatusOr<Offset>)> done) {
  // The log refuses to move behind its end, and does not move back: nothing goes then.
  const LogBounds bounds = log->bounds();
  if (gate == nullptr || to > bounds.high_watermark || to <= bounds.log_start)
    return logs->DeleteRecords(std::move(log), to, std::move(done));
  const TopicPartition id = log->id();
  gate->Clear(
      id, to,
      [logs, log = std::move(log), to, done = std::move(done)](const absl::Status& may_go) mutable {
        if (!may_go.ok()) return done(may_go);
        logs->DeleteRecords(std::move(log), to, std::move(done));
      });
}

void DeleteRecords(std::vector<DeleteRecordsTarget> targets, LogStartGate* gate, LogManager* logs,
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
    target.partition->WithLog([all, i, gate, logs, before = target.before](
                                  absl::StatusOr<std::shared_ptr<PartitionLog>> log) {
      if (!log.ok()) return all->Answer(i, log.status());
      const Offset to = before.value_or((*log)->high_watermark());
      MoveLogStart(gate, logs, *log, to,
                   [all, i](absl::StatusOr<Offset> start) { all->Answer(i, std::move(start)); });
    });
  }
  all->CountDown();
}

}  // namespace weir
