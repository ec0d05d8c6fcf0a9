#include "broker/rpc/job_acknowledgement.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/rpc/error_encoding.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/share_shards.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Jobs that an item names.
struct Range {
  Offset first;
  Offset last;

  int64_t count() const { return last - first + 1; }
};

template <typename Item>
absl::StatusOr<Range> RangeOf(const Item& item) {
  const Offset first(item.first_offset());
  const Offset last(item.last_offset() == 0 ? item.first_offset() : item.last_offset());
  if (first < Offset{0} || last < first) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the offsets go from ", item.first_offset(), " to ",
                                  item.last_offset(), "; they must be 0 or more, and in order"));
  }
  if (last - first >= limits::kAckJobs) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the offsets from ", first.value(), " to ", last.value(),
                                  " are more than ", limits::kAckJobs, " jobs of one item"));
  }
  return Range{first, last};
}

LockToken DecodeToken(const v1::LockToken& token) {
  return {.epoch = LeaderEpoch(token.epoch()), .counter = token.counter()};
}

absl::StatusOr<AckOutcome> DecodeOutcome(v1::AcknowledgeType type) {
  switch (type) {
    case v1::ACCEPT:
      return AckOutcome::kAccept;
    case v1::RELEASE:
      return AckOutcome::kRelease;
    case v1::RELEASE_UNCOUNTED:
      return AckOutcome::kReleaseUncounted;
    case v1::REJECT:
      return AckOutcome::kReject;
    default:
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("the acknowledgement is of type ", static_cast<int>(type),
                                    "; ACCEPT, RELEASE, RELEASE_UNCOUNTED and REJECT exist"));
  }
}

absl::StatusOr<AckItem> DecodeItem(const v1::Acknowledgement& from) {
  WEIR_ASSIGN_OR_RETURN(const Range range, RangeOf(from));
  AckItem item{.first = range.first, .last = range.last, .token = DecodeToken(from.lock_token())};
  WEIR_ASSIGN_OR_RETURN(item.outcome, DecodeOutcome(from.type()));
  if (from.error().size() > limits::kJobErrorBytes) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the error text has ", from.error().size(), " bytes; at most ",
                                  limits::kJobErrorBytes, " are allowed"));
  }
  item.error = from.error();
  if (!from.has_delay_ms()) return item;
  if (from.type() != v1::RELEASE && from.type() != v1::RELEASE_UNCOUNTED)
    return MakeError(Reason::kInvalidRequest, "delay_ms belongs to a release");
  if (from.delay_ms() < 0 || from.delay_ms() > limits::kReleaseDelayLongestMs) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("delay_ms is ", from.delay_ms(), "; from 0 to ",
                                  limits::kReleaseDelayLongestMs, " is allowed"));
  }
  item.delay_ms = from.delay_ms();
  return item;
}

v1::AcknowledgeCode EncodeCode(AckCode code) {
  switch (code) {
    case AckCode::kOk:
      return v1::OK;
    case AckCode::kAlreadyDone:
      return v1::ALREADY_DONE;
    case AckCode::kLockLost:
      return v1::LOCK_LOST;
  }
  return v1::ACKNOWLEDGE_CODE_UNSPECIFIED;
}

// Where in the answers an item's is, and the jobs that it names.
struct Asked {
  size_t index;
  Range range;
};

// Deals the machine's results, one job after the other, out to the items that they belong to.
void Deal(const std::vector<AckResult>& results, const std::vector<Asked>& asked,
          std::vector<v1::AcknowledgeResult>* answers) {
  size_t at = 0;
  Offset next = results.empty() ? Offset{0} : results.front().first;
  for (const Asked& item : asked) {
    for (Offset from = item.range.first; from <= item.range.last;) {
      WEIR_CHECK(at < results.size() && next == from);
      const Offset last = std::min(results[at].last, item.range.last);
      v1::AcknowledgeResult::Range& range = *(*answers)[item.index].add_ranges();
      range.set_first_offset(from.value());
      range.set_last_offset(last.value());
      range.set_code(EncodeCode(results[at].code));
      from = last + 1;
      next = from;
      if (last == results[at].last && ++at < results.size()) next = results[at].first;
    }
  }
}

// Gathers the answers of all machines that were asked.
class Gathering {
 public:
  explicit Gathering(absl::AnyInvocable<void(JobAnswers)> done) : done_(std::move(done)) {}

  JobAnswers answers;  // each place is written by one machine's answer

  void Expect() { left_.fetch_add(1, std::memory_order_relaxed); }
  void Arrived() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_(std::move(answers));
  }

 private:
  std::atomic<int> left_{1};  // who asks counts until all are asked
  absl::AnyInvocable<void(JobAnswers)> done_;
};

// What one share-partition is asked at once, where no job may be named twice.
struct Part {
  std::shared_ptr<Partition> partition;
  AcknowledgeRequest acknowledge;
  std::vector<Asked> acknowledged;
  OffsetRanges jobs_acknowledged;
  RenewRequest renew;
  std::vector<Asked> renewed;
  OffsetRanges jobs_renewed;
};

void Refuse(const absl::Status& why, const std::vector<Asked>& asked,
            std::vector<v1::AcknowledgeResult>* answers) {
  for (const Asked& item : asked) *(*answers)[item.index].mutable_error() = EncodeError(why);
}

class Parts {
 public:
  Parts(const Services& services, const std::string& group) : services_(services), group_(group) {}

  // The part that takes the item, in whose `jobs` it is then; its answer says where it belongs. A
  // worker that was handed a job again when its locks were lost may have two ends of it to tell:
  // what names a job once more is asked behind that.
  template <typename Item>
  absl::StatusOr<Part*> For(const Item& item, const absl::StatusOr<Range>& range,
                            OffsetRanges Part::*jobs, v1::AcknowledgeResult* answer) {
    answer->set_topic(item.topic());
    answer->set_partition(item.partition());
    WEIR_RETURN_IF_ERROR(range.status());
    const OffsetRange named{range->first, range->last};
    for (int turn = 0; turn < limits::kAckTurns; ++turn) {
      Part& part = parts_[{item.topic(), item.partition(), turn}];
      if (part.partition == nullptr) WEIR_RETURN_IF_ERROR(Begin(item, &part));
      if ((part.*jobs).Overlaps(named)) continue;
      (part.*jobs).Add(named);
      return &part;
    }
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("jobs ", range->first.value(), " to ", range->last.value(),
                                  " are named more than ", limits::kAckTurns, " times, in part"));
  }

  void AskAll(const std::shared_ptr<Gathering>& gathering) {
    for (auto& [name, part] : parts_) {
      if (!part.acknowledged.empty()) AskAcknowledge(std::move(part), gathering);
      if (!part.renewed.empty()) AskRenew(std::move(part), gathering);
    }
  }

 private:
  template <typename Item>
  absl::Status Begin(const Item& item, Part* part) {
    const auto found = services_.partitions->Find(item.topic(), PartitionIndex(item.partition()));
    WEIR_RETURN_IF_ERROR(found.status());
    const SharePartitionId id{.group = group_, .partition = found->partition->id()};
    WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, services_.logs->Bounds(id.partition));
    part->acknowledge.id = id;
    part->acknowledge.log_end = bounds.high_watermark;
    part->renew.id = id;
    part->partition = found->partition;
    return absl::OkStatus();
  }

  void AskAcknowledge(Part&& part, const std::shared_ptr<Gathering>& gathering) {
    gathering->Expect();
    const PartitionIndex shard = services_.shares->PartitionOf(part.acknowledge.id);
    services_.shares->Ask<std::vector<AckResult>>(
        shard,
        [request = std::move(part.acknowledge)](ShareMachine& machine, const MachineTime& now,
                                                Reply<std::vector<AckResult>> reply) mutable {
          return machine.acknowledgement().Acknowledge(now, std::move(request), std::move(reply));
        },
        [gathering, asked = std::move(part.acknowledged)](
            const absl::StatusOr<std::vector<AckResult>>& results) {
          std::vector<v1::AcknowledgeResult>* const answers = &gathering->answers.acknowledged;
          if (results.ok()) {
            Deal(*results, asked, answers);
          } else {
            Refuse(results.status(), asked, answers);
          }
          gathering->Arrived();
        });
  }

  void AskRenew(Part&& part, const std::shared_ptr<Gathering>& gathering) {
    gathering->Expect();
    const PartitionIndex shard = services_.shares->PartitionOf(part.renew.id);
    services_.shares->Ask<Renewed>(
        shard,
        [request = std::move(part.renew)](ShareMachine& machine, const MachineTime& now,
                                          Reply<Renewed> reply) {
          return machine.acknowledgement().Renew(now, request, std::move(reply));
        },
        [gathering, asked = std::move(part.renewed)](const absl::StatusOr<Renewed>& renewed) {
          std::vector<v1::AcknowledgeResult>* const answers = &gathering->answers.renewed;
          if (renewed.ok()) {
            Deal(renewed->results, asked, answers);
            for (const Asked& item : asked)
              (*answers)[item.index].set_lock_until_ms(renewed->lock_until_ms);
          } else {
            Refuse(renewed.status(), asked, answers);
          }
          gathering->Arrived();
        });
  }

  const Services& services_;
  const std::string& group_;
  std::map<std::tuple<std::string, int32_t, int>, Part> parts_;  // those of a partition by turn
};

}  // namespace

void AcknowledgeJobs(
    const Services& services, const std::string& group,
    const google::protobuf::RepeatedPtrField<v1::Acknowledgement>& acknowledgements,
    const google::protobuf::RepeatedPtrField<v1::Renewal>& renewals,
    absl::AnyInvocable<void(JobAnswers)> done) {
  const auto gathering = std::make_shared<Gathering>(std::move(done));
  JobAnswers& answers = gathering->answers;
  answers.acknowledged.resize(static_cast<size_t>(acknowledgements.size()));
  answers.renewed.resize(static_cast<size_t>(renewals.size()));
  Parts parts(services, group);
  for (size_t i = 0; i < answers.acknowledged.size(); ++i) {
    const v1::Acknowledgement& from = acknowledgements[static_cast<int>(i)];
    v1::AcknowledgeResult& answer = answers.acknowledged[i];
    absl::StatusOr<AckItem> item = DecodeItem(from);
    absl::StatusOr<Range> range = Range{};
    if (item.ok()) {
      range = Range{item->first, item->last};
    } else {
      range = item.status();
    }
    const absl::StatusOr<Part*> part = parts.For(from, range, &Part::jobs_acknowledged, &answer);
    if (!part.ok()) {
      *answer.mutable_error() = EncodeError(part.status());
      continue;
    }
    answers.settled += range->count();
    (*part)->acknowledged.push_back({i, *range});
    (*part)->acknowledge.items.push_back(*std::move(item));
  }
  for (size_t i = 0; i < answers.renewed.size(); ++i) {
    const v1::Renewal& from = renewals[static_cast<int>(i)];
    v1::AcknowledgeResult& answer = answers.renewed[i];
    const absl::StatusOr<Range> range = RangeOf(from);
    const absl::StatusOr<Part*> part = parts.For(from, range, &Part::jobs_renewed, &answer);
    if (!part.ok()) {
      *answer.mutable_error() = EncodeError(part.status());
      continue;
    }
    (*part)->renewed.push_back({i, *range});
    (*part)->renew.items.push_back(
        {.first = range->first, .last = range->last, .token = DecodeToken(from.lock_token())});
  }
  parts.AskAll(gathering);
  gathering->Arrived();
}

}  // namespace weir
