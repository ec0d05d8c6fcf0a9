#include "tests/fault/job_audit.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "tests/fault/job_plan.h"
#include "weir/admin.h"
#include "weir/consumer.h"

namespace weir {
namespace {

absl::StatusOr<int64_t> RecordsOf(const Client& client, const std::string& topic) {
  WEIR_ASSIGN_OR_RETURN(const Admin::TopicDescription described,
                        Admin(client).DescribeTopic(topic));
  int64_t records = 0;
  for (const Admin::PartitionDescription& partition : described.partitions)
    records += partition.high_watermark.value() - partition.log_start_offset.value();
  return records;
}

std::string Name(const JobId& id) { return absl::StrCat("job ", id.partition, ":", id.offset); }

// Where the record was when it died first, by the headers of one that was driven.
absl::StatusOr<JobId> OriginOf(const RecordView& record) {
  JobId id;
  int fields = 0;
  for (const HeaderView& header : record.headers.Decode()) {
    const absl::string_view value = header.value.value_or("");
    if (header.key == "weir-redrive-partition") fields += absl::SimpleAtoi(value, &id.partition);
    if (header.key == "weir-redrive-offset") fields += absl::SimpleAtoi(value, &id.offset);
  }
  if (fields != 2) return absl::InternalError("a driven record does not say where it was");
  return id;
}

}  // namespace

absl::Status JobAudit::AwaitAllDone(const Client& client, const std::string& group) {
  GroupAdmin admin(client);
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const GroupAdmin::Description described, admin.Describe(group));
    int64_t unfinished = 0;
    for (const auto& partition : described.share_partitions) unfinished += partition.unfinished;
    if (unfinished == 0) return absl::OkStatus();
  }
}

absl::StatusOr<JobAudit> JobAudit::Read(const Client& client, const std::string& topic,
                                        const JobGroup& group) {
  JobAudit audit(topic, group);
  WEIR_ASSIGN_OR_RETURN(const GroupAdmin::Description described,
                        GroupAdmin(client).Describe(group.name));
  for (const auto& partition : described.share_partitions) {
    if (partition.partition.topic != topic) continue;
    audit.partitions_.push_back(partition);
    audit.jobs_ += partition.high_watermark.value();
  }
  WEIR_ASSIGN_OR_RETURN(audit.letter_records_, RecordsOf(client, described.dead_letter_topic));
  WEIR_RETURN_IF_ERROR(audit.ReadLetters(client));
  return audit;
}

absl::Status JobAudit::ReadLetters(const Client& client) {
  ShareAdmin admin(client);
  std::string page;
  do {
    WEIR_ASSIGN_OR_RETURN(ShareAdmin::DeadLetterPage letters,
                          admin.ListDeadLetters(group_.name, {}, page));
    for (ShareAdmin::DeadLetter& letter : letters.letters) {
      if (letter.source.topic != topic_)
        return absl::InternalError("a dead letter of " + letter.source.topic);
      const JobId id{.partition = letter.source.partition.value(),
                     .offset = letter.source_offset.value()};
      letters_.emplace(id, std::move(letter));
    }
    page = letters.next;
  } while (!page.empty());
  return absl::OkStatus();
}

// The counts of the group, and the letters that there are.
std::string JobAudit::WrongCounts() const {
  if (letter_records_ != letters())
    return absl::StrCat("of ", letter_records_, " dead letters ", letters(), " are shown");
  for (const auto& partition : partitions_) {
    const int32_t number = partition.partition.partition.value();
    std::map<std::string, int64_t> died;
    for (const auto& [id, letter] : letters_) {
      if (id.partition == number) ++died[letter.reason];
    }
    int64_t dead = 0;
    for (const auto& [reason, count] : partition.died) {
      dead += count;
      if (count != died[reason])
        return absl::StrCat("partition ", number, ": ", count, " died of ", reason, ", and ",
                            died[reason], " dead letters say so");
    }
    if (partition.unfinished != 0 || partition.cancelled != 0 || partition.expired != 0 ||
        partition.accepted + dead != partition.high_watermark.value()) {
      return absl::StrCat("partition ", number, ": of ", partition.high_watermark.value(), " jobs ",
                          partition.accepted, " were accepted, ", dead, " died, ",
                          partition.unfinished, " are unfinished, ", partition.cancelled,
                          " were cancelled, ", partition.expired, " expired");
    }
  }
  return "";
}

std::string JobAudit::WrongLetter(const JobId& id, const ShareAdmin::DeadLetter& letter,
                                  const std::set<std::string>& killed) const {
  const JobPlan plan = PlanOf(letter.value.value_or(""));
  int32_t counted = 0;
  int32_t released = 0;
  for (const ShareAdmin::Attempt& attempt : letter.history) {
    released += attempt.ending == "RELEASED";
    if (attempt.ending == "RELEASED_UNCOUNTED" || attempt.ending == "SESSION_CLOSED") continue;
    ++counted;
    if (attempt.ending == "REJECTED" && plan != JobPlan::kReject)
      return absl::StrCat(Name(id), " was rejected");
    if (attempt.ending == "SESSION_BROKE" && !killed.contains(attempt.worker))
      return absl::StrCat(Name(id), ": the session of ", attempt.worker,
                          " broke, which was not killed");
  }
  const bool whole = letter.history.size() < limits::kAttemptHistory;
  if (whole && counted != letter.attempts)
    return absl::StrCat(Name(id), ": of ", letter.attempts, " attempts ", counted,
                        " are in the history");
  const int32_t may_be_released =
      plan == JobPlan::kFail ? group_.max_attempts : (plan == JobPlan::kFlaky ? 1 : 0);
  if (released > may_be_released)
    return absl::StrCat(Name(id), " was released ", released, " times");
  if (letter.reason == "REJECTED" && plan == JobPlan::kReject) return "";
  if (letter.reason != "MAX_ATTEMPTS" || letter.attempts != group_.max_attempts)
    return absl::StrCat(Name(id), " died of ", letter.reason, " after ", letter.attempts);
  return "";
}

std::string JobAudit::Wrong(const std::set<JobId>& asked,
                            const std::set<std::string>& killed) const {
  const std::string who = absl::StrCat("group ", group_.name, ": ");
  if (const std::string wrong = WrongCounts(); !wrong.empty()) return who + wrong;
  for (const auto& [id, letter] : letters_) {
    if (letters_.count(id) != 1)
      return absl::StrCat(who, Name(id), " has ", letters_.count(id), " dead letters");
    if (const std::string wrong = WrongLetter(id, letter, killed); !wrong.empty())
      return who + wrong;
  }
  for (const auto& partition : partitions_) {
    JobId id{.partition = partition.partition.partition.value()};
    for (; id.offset < partition.high_watermark.value(); ++id.offset) {
      if (!letters_.contains(id) && !asked.contains(id))
        return absl::StrCat(who, Name(id),
                            " is gone: nobody has accepted it, and it has no letter");
    }
  }
  return "";
}

std::string JobAudit::WrongRedrive(const Client& client) const {
  const std::string who = absl::StrCat("group ", group_.name, ": ");
  const auto left = ShareAdmin(client).ListDeadLetters(group_.name, {});
  if (!left.ok()) return left.status().ToString();
  if (!left->letters.empty())
    return absl::StrCat(who, left->letters.size(), " dead letters are not driven");
  const auto described = GroupAdmin(client).Describe(group_.name);
  if (!described.ok()) return described.status().ToString();
  std::map<JobId, int64_t> driven;
  Consumer consumer(client);
  int64_t records = 0;
  for (const auto& partition : described->share_partitions) {
    if (partition.partition.topic == topic_) continue;
    if (partition.accepted != partition.high_watermark.value())
      return absl::StrCat(who, "of ", partition.high_watermark.value(), " driven jobs ",
                          partition.accepted, " were accepted");
    records += partition.high_watermark.value();
    const absl::Status assigned = consumer.Assign({.topic = partition.partition.topic,
                                                   .partition = partition.partition.partition,
                                                   .until_end = true});
    if (!assigned.ok()) return assigned.ToString();
  }
  while (!consumer.AtEnd()) {
    absl::StatusOr<RecordSet> set = consumer.Poll(absl::Seconds(30));
    if (!set.ok()) return set.status().ToString();
    RecordView record;
    while (set->Next(&record)) {
      const absl::StatusOr<JobId> origin = OriginOf(record);
      if (!origin.ok()) return who + origin.status().ToString();
      if (!letters_.contains(*origin) || ++driven[*origin] != 1)
        return absl::StrCat(who, Name(*origin), " was driven ", driven[*origin], " times, and had ",
                            letters_.count(*origin), " dead letters");
    }
    if (!set->status().ok()) return set->status().ToString();
  }
  if (records != letters())
    return absl::StrCat(who, "of ", letters(), " dead letters ", records, " were driven");
  return "";
}

}  // namespace weir
