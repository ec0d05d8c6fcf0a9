#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/rpc/page_token.h"
#include "broker/rpc/record_encoding.h"
#include "broker/rpc/share_admin_calls.h"
#include "broker/share/dead_letter_log.h"
#include "broker/share/letter_driver.h"
#include "broker/share/letter_shards.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

std::string EncodeLetterPosition(const LetterPosition& position) {
  return absl::StrCat(position.partition.value(), "/", position.offset.value());
}

absl::StatusOr<LetterPosition> DecodeLetterPosition(absl::string_view text) {
  if (text.empty()) return LetterPosition{};
  const size_t slash = text.find('/');
  int32_t partition = 0;
  int64_t offset = 0;
  if (slash == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, slash), &partition) ||
      !absl::SimpleAtoi(text.substr(slash + 1), &offset) || partition < 0 || offset < 0) {
    return MakeError(Reason::kInvalidPageToken, "the page token does not name a dead letter");
  }
  return LetterPosition{.partition = PartitionIndex{partition}, .offset = Offset{offset}};
}

absl::StatusOr<LetterFilter> DecodeFilter(const v1::DeadLetterFilter& from) {
  LetterFilter filter;
  std::vector<absl::string_view> names;
  for (int i = 1; i <= kDeathReasons; ++i) {
    const auto reason = static_cast<DeathReason>(i);
    names.push_back(DeathReasonName(reason));
    if (names.back() == from.reason()) filter.reason = reason;
  }
  if (!from.reason().empty() && !filter.reason.has_value()) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("reason is '", from.reason().substr(0, 100),
                                  "'; it must be empty or one of ", absl::StrJoin(names, ", ")));
  }
  if (from.from_ms() < 0 || from.until_ms() < 0) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("from_ms is ", from.from_ms(), " and until_ms ", from.until_ms(),
                                  "; both must be 0 or more"));
  }
  if (from.has_key()) filter.key = from.key();
  if (from.from_ms() != 0) filter.from_ms = from.from_ms();
  if (from.until_ms() != 0) filter.until_ms = from.until_ms();
  return filter;
}

// The dead letters of one group as the calls reach them.
class LettersOf {
 public:
  static absl::StatusOr<std::unique_ptr<LettersOf>> Open(const Services& services,
                                                         const std::string& group) {
    WEIR_RETURN_IF_ERROR(CheckGroups(services));
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<const ShareGroup> found,
                          RequireShareGroup(services, group));
    TopicPtr topic;
    if (found->dead_letter_topic.has_value())
      topic = services.catalog->Find(found->dead_letter_topic->id);
    return std::unique_ptr<LettersOf>(new LettersOf(services, group, std::move(topic)));
  }

  // Null: somebody has deleted it, and all letters with it.
  const TopicPtr& topic() const { return topic_; }
  const DeadLetterLog& log() const { return log_; }

  absl::StatusOr<DriveOutcome> Drive(const DriveOrder& order) {
    if (topic_ == nullptr) return DriveOutcome{};
    return LetterDriver({.group = group_,
                         .letters = &log_,
                         .machines = &machines_,
                         .directory = services_.share_directory,
                         .catalog = services_.catalog,
                         .partitions = services_.partitions,
                         .clock = services_.clock})
        .Drive(order);
  }

 private:
  LettersOf(const Services& services, const std::string& group, TopicPtr topic)
      : services_(services),
        group_(group),
        topic_(std::move(topic)),
        machines_(services.shares),
        log_({.group = group_,
              .topic = topic_,
              .partitions = services.partitions,
              .machines = &machines_,
              .memory = &services.memory->fetch()}) {}

  const Services& services_;
  const std::string group_;
  const TopicPtr topic_;
  LetterShards machines_;
  DeadLetterLog log_;
};

// Names a walk through the letters, for its page tokens.
std::string ListingOf(absl::string_view call, const std::string& group,
                      const v1::DeadLetterFilter& filter) {
  return absl::StrCat(call, ":", group, ":", filter.SerializeAsString());
}

void EncodeLetter(PartitionIndex partition, const DeadLetterView& letter, v1::DeadLetter* to) {
  to->set_partition(partition.value());
  to->set_offset(letter.offset.value());
  v1::Record* const record = to->mutable_record();
  record->set_timestamp_ms(letter.timestamp_ms);
  if (letter.key.has_value()) record->set_key(letter.key->data(), letter.key->size());
  if (letter.value.has_value()) record->set_value(letter.value->data(), letter.value->size());
  EncodeHeaders(letter.headers, record);
  const RecordPlace& origin = letter.origin();
  to->set_topic(ToUtf8(origin.topic));
  to->set_source_partition(origin.partition.value());
  to->set_source_offset(origin.offset.value());
  to->set_reason(std::string(DeathReasonName(letter.reason)));
  to->set_error(ToUtf8(letter.error));
  to->set_attempts(letter.attempts);
  for (const AttemptEnd& attempt : letter.history) {
    v1::DeadLetter::Attempt* const added = to->add_history();
    added->set_ended_ms(attempt.ended_ms);
    added->set_worker(attempt.worker);
    added->set_ending(attempt.ending);
    added->set_error(attempt.error);
  }
  to->set_died_ms(letter.died_ms);
  to->set_redrives(letter.drives);
}

absl::StatusOr<int64_t> LettersPerCall(int64_t asked) {
  if (asked < 0 || asked > limits::kLettersPerCallMost) {
    return MakeError(Reason::kInvalidRequest, absl::StrCat("limit is ", asked, "; it must be 0 to ",
                                                           limits::kLettersPerCallMost));
  }
  return asked == 0 ? limits::kLettersPerCall : asked;
}

// What Redrive and PurgeDeadLetters have in common.
template <typename Request>
absl::StatusOr<DriveOrder> DecodeOrder(const Request& request, const std::string& listing) {
  DriveOrder order{.dry_run = request.dry_run()};
  WEIR_ASSIGN_OR_RETURN(order.filter, DecodeFilter(request.filter()));
  WEIR_ASSIGN_OR_RETURN(order.most, LettersPerCall(request.limit()));
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(order.from, DecodeLetterPosition(token));
  return order;
}

template <typename Response>
void EncodeNext(const DriveOutcome& outcome, const std::string& listing, Response* response) {
  for (const auto& [reason, count] : outcome.reasons)
    (*response->mutable_reasons())[reason] = count;
  if (!outcome.next.has_value()) return;
  response->set_next_page_token(EncodePageToken(listing, EncodeLetterPosition(*outcome.next)));
}

// Adds letters from `from` on to the page; where the next one begins.
absl::StatusOr<std::optional<LetterPosition>> FillPage(const DeadLetterLog& log,
                                                       const LetterFilter& filter, int32_t size,
                                                       LetterPosition from,
                                                       v1::ListDeadLettersResponse* response) {
  std::optional<LetterPosition> next = from;
  int64_t read = 0;
  int64_t filled = 0;
  while (next.has_value() && read < limits::kLetterBytesPerCall) {
    WEIR_ASSIGN_OR_RETURN(const DeadLetterLog::Piece piece,
                          log.Read(*next, filter, limits::kLettersPerCall));
    read += piece.bytes;
    const PartitionIndex partition = piece.id.partition.partition;
    for (const DeadLetterLog::Letter& letter : piece.letters) {
      if (letter.marked) continue;
      const LetterPosition at{.partition = partition, .offset = letter.view.offset};
      if (response->dead_letters_size() == size) return at;
      v1::DeadLetter* const added = response->add_dead_letters();
      EncodeLetter(partition, letter.view, added);
      filled += static_cast<int64_t>(added->ByteSizeLong());
      if (filled > limits::kPlainFetchBytes && response->dead_letters_size() > 1) {
        response->mutable_dead_letters()->RemoveLast();
        return at;
      }
    }
    next = piece.next;
  }
  return next;
}

}  // namespace

absl::Status ListDeadLetters(const Services& services, const v1::ListDeadLettersRequest& request,
                             v1::ListDeadLettersResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LettersOf> letters,
                        LettersOf::Open(services, request.group()));
  WEIR_ASSIGN_OR_RETURN(const LetterFilter filter, DecodeFilter(request.filter()));
  WEIR_ASSIGN_OR_RETURN(const int32_t asked, PageSize(request.page_size()));
  const int32_t size = request.page_size() == 0 ? limits::kLettersPageDefault : asked;
  const std::string listing = ListingOf("dead-letters", request.group(), request.filter());
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const LetterPosition from, DecodeLetterPosition(token));
  if (letters->topic() == nullptr) return absl::OkStatus();
  response->set_dead_letter_topic(letters->topic()->name);
  WEIR_ASSIGN_OR_RETURN(const std::optional<LetterPosition> next,
                        FillPage(letters->log(), filter, size, from, response));
  if (next.has_value())
    response->set_next_page_token(EncodePageToken(listing, EncodeLetterPosition(*next)));
  return absl::OkStatus();
}

absl::Status Redrive(const Services& services, const v1::RedriveRequest& request,
                     v1::RedriveResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LettersOf> letters,
                        LettersOf::Open(services, request.group()));
  const std::string listing = ListingOf("redrive", request.group(), request.filter());
  WEIR_ASSIGN_OR_RETURN(DriveOrder order, DecodeOrder(request, listing));
  order.to = request.to_topic() ? DriveTo::kTopic : DriveTo::kGroup;
  if (request.max_redrives() < 0 || request.max_redrives() > limits::kRedrivesMost) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("max_redrives is ", request.max_redrives(), "; it must be 0 to ",
                                  limits::kRedrivesMost));
  }
  if (request.max_redrives() != 0) order.max_drives = request.max_redrives();
  WEIR_ASSIGN_OR_RETURN(const DriveOutcome outcome, letters->Drive(order));
  response->set_redriven(outcome.driven);
  response->set_already_redriven(outcome.already);
  response->set_too_often(outcome.too_often);
  for (const auto& [why, count] : outcome.stay) (*response->mutable_stay())[why] = count;
  EncodeNext(outcome, listing, response);
  return absl::OkStatus();
}

absl::Status PurgeDeadLetters(const Services& services, const v1::PurgeDeadLettersRequest& request,
                              v1::PurgeDeadLettersResponse* response) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LettersOf> letters,
                        LettersOf::Open(services, request.group()));
  const std::string listing = ListingOf("purge", request.group(), request.filter());
  WEIR_ASSIGN_OR_RETURN(DriveOrder order, DecodeOrder(request, listing));
  order.to = DriveTo::kNowhere;
  WEIR_ASSIGN_OR_RETURN(const DriveOutcome outcome, letters->Drive(order));
  response->set_purged(outcome.driven);
  EncodeNext(outcome, listing, response);
  return absl::OkStatus();
}

}  // namespace weir
