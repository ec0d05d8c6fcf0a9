#include "tools/cli/group_consume_run.h"

#include <unistd.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/cli/command.h"
#include "tools/cli/outage_notice.h"
#include "tools/cli/output_file.h"
#include "tools/cli/stop_signal.h"
#include "weir/group_admin.h"
#include "weir/group_consumer.h"

namespace weir {
namespace {

constexpr absl::Duration kCommitPause = absl::Seconds(5);
// Without a word from the broker for so long, a person wants to know.
constexpr absl::Duration kPatience = absl::Seconds(1);

class GroupConsumeRun {
 public:
  GroupConsumeRun(const GroupConsumeOptions& options, const Client& client)
      : options_(options),
        consumer_(client, {.group = options.group,
                           .topics = {options.topic},
                           .start = options.start,
                           .auto_commit = absl::InfiniteDuration(),  // only what is printed
                           .on_revoked = [this](const auto&) { Note(consumer_.Commit()); },
                           .on_lost =
                               [](const auto& lost) {
                                 std::fprintf(
                                     stderr,
                                     "weir: the group has taken %zu partitions away; what was "
                                     "printed of them last may come once more elsewhere\n",
                                     lost.size());
                               }}),
        printer_(options.format),
        out_(STDOUT_FILENO),
        left_(options.max),
        stop_([this](int number) {
          if (number > 1) _exit(kExitInterrupted);
          consumer_.Wake();
        }) {}

  int Run();

 private:
  // False: nothing more is to be printed.
  bool Print(RecordSet* set);
  void CommitNowAndThen();
  void Note(const absl::Status& status) {
    if (status.ok()) return;
    failed_ = true;
    Fail(status);
  }

  const GroupConsumeOptions& options_;
  GroupConsumer consumer_;
  RecordPrinter printer_;
  OutputFile out_;
  int64_t left_;
  absl::Duration committed_ = Clock::Real().Monotonic();
  bool failed_ = false;
  OutageNotice outage_;
  StopSignal stop_;
};

bool GroupConsumeRun::Print(RecordSet* set) {
  RecordView record;
  while (left_ != 0 && set->Next(&record)) {
    printer_.Append(set->topic(), set->partition(), record, out_.buffer());
    if (left_ > 0 && --left_ == 0) {
      // The rest of the set is for whoever comes next.
      const NamedPartition partition{std::string(set->topic()), set->partition()};
      const Offset next = record.offset + 1;
      if (!out_.Flush()) return false;
      Note(consumer_.Seek(partition.topic, partition.partition, next));
      Note(consumer_.Commit({{.partition = partition, .offset = next}}));
    }
    if (!out_.MaybeFlush()) return false;
  }
  if (!set->status().ok()) Note(set->status());
  // Polling on says that all of it is done.
  return out_.Flush() && left_ != 0;
}

void GroupConsumeRun::CommitNowAndThen() {
  const absl::Duration now = Clock::Real().Monotonic();
  if (now < committed_ + kCommitPause) return;
  committed_ = now;
  consumer_.CommitAsync(nullptr);
}

int GroupConsumeRun::Run() {
  while (left_ != 0 && !stop_.requested() && (options_.follow || !consumer_.CaughtUp())) {
    absl::StatusOr<RecordSet> set = consumer_.Poll(kPatience);
    if (!set.ok()) {
      consumer_.Close().IgnoreError();
      return Fail(set.status());
    }
    if (set->empty()) {
      outage_.Tell(consumer_.last_error());
    } else if (!Print(&*set)) {
      break;
    }
    CommitNowAndThen();
  }
  if (out_.status().ok()) Note(consumer_.Commit());
  Note(consumer_.Close());
  if (!out_.status().ok()) return Fail(out_.status());
  if (failed_) return kExitFailed;
  return stop_.requested() && !options_.follow ? kExitInterrupted : kExitOk;
}

}  // namespace

int RunGroupConsume(const GroupConsumeOptions& options, const Client& client) {
  // Nothing else would say why nothing comes.
  if (const auto group = GroupAdmin(client).Describe(options.group); group.ok() && group->paused) {
    std::fprintf(stderr, "weir: group '%s' is paused: nothing comes until 'weir group resume %s'\n",
                 options.group.c_str(), options.group.c_str());
  }
  return GroupConsumeRun(options, client).Run();
}

}  // namespace weir
