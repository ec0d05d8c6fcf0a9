#include "broker/share/letter_driver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {

void DriveOutcome::Add(const DriveOutcome& part) {
  driven += part.driven;
  already += part.already;
  too_often += part.too_often;
  for (const auto& [reason, count] : part.reasons) reasons[reason] += count;
  for (const auto& [why, count] : part.stay) stay[why] += count;
}

absl::StatusOr<DriveOutcome> LetterDriver::Drive(const DriveOrder& order) {
  DriveOutcome outcome;
  outcome.next = order.from;
  int64_t looked_at = 0;
  int64_t bytes = 0;
  while (outcome.next.has_value() && looked_at < order.most &&
         bytes < limits::kLetterBytesPerCall) {
    WEIR_ASSIGN_OR_RETURN(
        const DeadLetterLog::Piece piece,
        options_.letters->Read(*outcome.next, order.filter, order.most - looked_at));
    bytes += piece.bytes;
    WEIR_ASSIGN_OR_RETURN(Step step, Plan(order, piece));
    if (!order.dry_run && !step.marks.empty()) {
      WEIR_ASSIGN_OR_RETURN(const bool done, Do(piece.id, &step));
      if (!done) continue;  // read once more, they are marked by now
    }
    outcome.Add(step.outcome);
    if (step.letters == piece.letters.size()) {
      looked_at += piece.looked_at;
      outcome.next = piece.next;
    } else {
      looked_at += static_cast<int64_t>(step.letters);
      outcome.next = {.partition = piece.id.partition.partition,
                      .offset = piece.letters[step.letters].view.offset};
    }
  }
  return outcome;
}

absl::StatusOr<LetterDriver::Step> LetterDriver::Plan(const DriveOrder& order,
                                                      const DeadLetterLog::Piece& piece) {
  Step step;
  for (const DeadLetterLog::Letter& letter : piece.letters) {
    if (letter.marked) {
      ++step.outcome.already;
    } else {
      WEIR_ASSIGN_OR_RETURN(const bool added, AddLetter(order, letter.view, &step));
      if (!added) break;
    }
    ++step.letters;
  }
  return step;
}

absl::StatusOr<bool> LetterDriver::AddLetter(const DriveOrder& order, const DeadLetterView& letter,
                                             Step* step) {
  if (step->marks.size() == static_cast<size_t>(limits::kLettersPerCall)) return false;
  const auto take = [&] {
    step->marks.push_back(letter.offset);
    ++step->outcome.driven;
    ++step->outcome.reasons[std::string(DeathReasonName(letter.reason))];
    return true;
  };
  const auto leave = [&](absl::string_view why) {
    ++step->outcome.stay[std::string(why)];
    return true;
  };
  if (order.to == DriveTo::kNowhere) return take();
  if (letter.reason == DeathReason::kUnreadable) return leave(DeathReasonName(letter.reason));
  if (letter.drives >= order.max_drives) {
    ++step->outcome.too_often;
    return true;
  }
  // A dry run makes no topic.
  if (order.dry_run && order.to == DriveTo::kGroup) return take();
  const absl::StatusOr<TopicPtr> target = TargetOf(order, letter);
  if (ReasonOf(target.status()) == Reason::kUnknownTopic && order.to == DriveTo::kTopic)
    return leave(InfoOf(Reason::kUnknownTopic).name);
  WEIR_RETURN_IF_ERROR(target.status());

  const std::vector<std::pair<std::string, std::string>> said = DriveHeaders(letter);
  PackedRecord record{.timestamp_ms = letter.timestamp_ms,
                      .key = letter.key,
                      .value = letter.value,
                      .headers = letter.headers};
  for (const auto& [key, value] : said) record.headers.push_back({.key = key, .value = value});
  if (step->bytes > 0 && step->bytes + record.size() > limits::kLetterBatchBytes) return false;
  BatchPacker& packer =
      step->packers.try_emplace((*target)->id, *target, options_.clock->NowMs()).first->second;
  const int64_t before = packer.bytes();
  const absl::Status packed =
      packer.Add(packer.PartitionFor(record, letter.origin().partition), record);
  if (!packed.ok()) return leave(InfoOf(*ReasonOf(packed)).name);
  step->bytes += packer.bytes() - before;
  return take();
}

absl::StatusOr<TopicPtr> LetterDriver::TargetOf(const DriveOrder& order,
                                                const DeadLetterView& letter) {
  if (order.to == DriveTo::kTopic) return options_.catalog->Require(letter.origin().topic);
  TopicPtr& known = redrive_topics_[letter.died_in.topic];
  if (known == nullptr) {
    WEIR_ASSIGN_OR_RETURN(const ShareTopic topic, options_.directory->RequireRedriveTopic(
                                                      options_.group, letter.died_in.topic));
    WEIR_ASSIGN_OR_RETURN(known, options_.catalog->Require(topic.name));
  }
  return known;
}

absl::StatusOr<bool> LetterDriver::Do(const SharePartitionId& id, Step* step) {
  MarkRequest request{.id = id, .offsets = std::move(step->marks), .batches = {}};
  for (auto& [topic, packer] : step->packers) {
    // Nobody's state needs these: a full disk refuses them.
    WEIR_ASSIGN_OR_RETURN(std::vector<BatchAppend> batches,
                          packer.Take(options_.partitions, /*internal=*/false));
    std::move(batches.begin(), batches.end(), std::back_inserter(request.batches));
  }
  absl::StatusOr<std::vector<Offset>> before = std::vector<Offset>();
  absl::Notification answered;
  options_.machines->Mark(std::move(request), [&](absl::StatusOr<std::vector<Offset>> answer) {
    before = std::move(answer);
    answered.Notify();
  });
  answered.WaitForNotification();
  WEIR_RETURN_IF_ERROR(before.status());
  return before->empty();
}

}  // namespace weir
