#include "broker/share/share_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/runtime/stored_message.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "weir/internal/share.pb.h"

namespace weir {
namespace {

constexpr size_t kHashBytes = 16;

template <typename Message>
InternalRecord Record(ShareRecordKind kind, const Message& message) {
  return RecordOfMessage(static_cast<uint16_t>(kind), kShareRecordVersion, message);
}

// Parses a message that names a share-partition by its number.
template <typename Message>
absl::StatusOr<Message> ParseNumbered(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(Message message, ParseStored<Message>(bytes));
  if (message.number() < 1)
    return Malformed(std::string(Message::descriptor()->name()), "no share-partition");
  return message;
}

void Fill(const ParkedJob& job, internal::ParkedJob* message) {
  message->set_offset(job.offset.value());
  message->set_further(job.last - job.offset);
  message->set_cause(static_cast<internal::ParkedCause>(job.cause));
  message->set_due_ms(job.due_ms);
  message->set_attempts(job.attempts);
  message->set_uncounted(job.uncounted);
  message->set_alone(job.alone);
  message->set_holds_key(job.holds_key);
  if (job.key.has_value()) message->set_key_hash(KeyHashBytes(*job.key));
  if (job.last_lock.counter > 0) {
    message->mutable_last_lock()->set_epoch(job.last_lock.epoch.value());
    message->mutable_last_lock()->set_counter(job.last_lock.counter);
  }
  if (job.reason.has_value()) message->set_reason(static_cast<internal::DeathReason>(*job.reason));
  message->set_letters_failed(job.letters_failed);
}

absl::StatusOr<ParkedJob> JobOf(const internal::ParkedJob& message) {
  const bool known = message.cause() >= internal::RETRY && message.cause() <= internal::DYING &&
                     message.reason() <= internal::UNREADABLE && message.reason() >= 0 &&
                     (message.cause() == internal::DYING) == (message.reason() > 0);
  if (!known) return Malformed("parked job", "its cause or reason is not known");
  if (message.offset() < 0 || message.further() < 0 || message.due_ms() < 0)
    return Malformed("parked job", "a number is negative");
  ParkedJob job{
      .offset = Offset{message.offset()},
      .last = Offset{message.offset() + message.further()},
      .cause = static_cast<ParkedCause>(message.cause()),
      .due_ms = message.due_ms(),
      .attempts = message.attempts(),
      .uncounted = message.uncounted(),
      .alone = message.alone(),
      .holds_key = message.holds_key(),
      .key = {},
      .last_lock = {LeaderEpoch{message.last_lock().epoch()}, message.last_lock().counter()},
      .reason = {},
      .letters_failed = message.letters_failed()};
  if (message.reason() > 0) job.reason = static_cast<DeathReason>(message.reason());
  if (!message.key_hash().empty()) {
    job.key = KeyHashFromBytes(message.key_hash());
    if (!job.key.has_value()) return Malformed("parked job", "its key has no 16 bytes");
  }
  const bool in_line = job.cause == ParkedCause::kBlocked || job.holds_key;
  if (in_line && !job.key.has_value()) return Malformed("parked job", "it holds no key");
  return job;
}

template <typename Messages>
absl::StatusOr<std::vector<ParkedJob>> JobsOf(const Messages& messages) {
  std::vector<ParkedJob> jobs;
  jobs.reserve(static_cast<size_t>(messages.size()));
  for (const internal::ParkedJob& message : messages) {
    WEIR_ASSIGN_OR_RETURN(ParkedJob job, JobOf(message));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void Fill(const AttemptEnd& attempt, internal::AttemptEnd* message) {
  message->set_ended_ms(attempt.ended_ms);
  message->set_worker(attempt.worker);
  message->set_ending(attempt.ending);
  message->set_error(attempt.error);
}

AttemptEnd AttemptOf(const internal::AttemptEnd& message) {
  return {.ended_ms = message.ended_ms(),
          .worker = message.worker(),
          .ending = message.ending(),
          .error = message.error()};
}

}  // namespace

InternalRecord ShareRecordOf(const SharePartitionOpened& opened) {
  internal::SharePartitionOpenedRecord message;
  message.set_number(opened.number);
  message.set_group(opened.id.group);
  message.set_incarnation(opened.incarnation);
  const auto& topic = opened.id.partition.topic.bytes;
  message.set_topic_id(std::string(topic.begin(), topic.end()));
  message.set_partition(opened.id.partition.partition.value());
  message.set_start(opened.start.value());
  return Record(ShareRecordKind::kOpened, message);
}

InternalRecord SharePartitionRemovedRecord(int64_t number) {
  internal::SharePartitionRemovedRecord message;
  message.set_number(number);
  return Record(ShareRecordKind::kRemoved, message);
}

InternalRecord ShareRecordOf(const JobsFinished& finished) {
  internal::JobsFinishedRecord message;
  message.set_number(finished.number);
  message.set_cause(static_cast<internal::FinishCause>(finished.cause));
  Offset next{0};
  for (const OffsetRange& range : finished.ranges) {
    message.add_ranges(static_cast<uint64_t>(range.first - next));
    message.add_ranges(static_cast<uint64_t>(range.size()));
    next = range.last + 1;
  }
  for (const ParkedJob& job : finished.parked) Fill(job, message.add_parked());
  return Record(ShareRecordKind::kFinished, message);
}

InternalRecord ShareRecordOf(const JobsParked& parked) {
  internal::JobsParkedRecord message;
  message.set_number(parked.number);
  for (const ParkedJob& job : parked.jobs) Fill(job, message.add_jobs());
  for (const ParkedJob& job : parked.before) Fill(job, message.add_before());
  if (parked.attempt.has_value()) Fill(*parked.attempt, message.mutable_attempt());
  return Record(ShareRecordKind::kParked, message);
}

InternalRecord ShareRecordOf(const ShareStartMoved& moved) {
  internal::ShareStartMovedRecord message;
  message.set_number(moved.number);
  message.set_start(moved.start.value());
  message.set_expired(moved.expired);
  return Record(ShareRecordKind::kStartMoved, message);
}

absl::StatusOr<SharePartitionOpened> DecodeSharePartitionOpened(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::SharePartitionOpenedRecord message,
                        ParseNumbered<internal::SharePartitionOpenedRecord>(payload));
  SharePartitionOpened opened{.number = message.number(),
                              .id = {.group = message.group(), .partition = {}},
                              .incarnation = message.incarnation(),
                              .start = Offset{message.start()}};
  TopicPartition& partition = opened.id.partition;
  if (message.group().empty() || message.topic_id().size() != partition.topic.bytes.size() ||
      message.partition() < 0 || message.start() < 0)
    return Malformed("share-partition", "group, topic, partition or start make no sense");
  std::copy(message.topic_id().begin(), message.topic_id().end(), partition.topic.bytes.begin());
  partition.partition = PartitionIndex{message.partition()};
  return opened;
}

absl::StatusOr<int64_t> DecodeSharePartitionRemoved(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::SharePartitionRemovedRecord message,
                        ParseNumbered<internal::SharePartitionRemovedRecord>(payload));
  return message.number();
}

absl::StatusOr<JobsFinished> DecodeJobsFinished(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::JobsFinishedRecord message,
                        ParseNumbered<internal::JobsFinishedRecord>(payload));
  if (message.cause() < internal::ACCEPTED || message.cause() > internal::MARKED)
    return Malformed("record of finished jobs", "its cause is not known");
  if (message.ranges_size() % 2 != 0)
    return Malformed("record of finished jobs", "a range has no end");
  JobsFinished finished{.number = message.number(),
                        .cause = static_cast<FinishCause>(message.cause()),
                        .ranges = {},
                        .parked = {}};
  finished.ranges.reserve(static_cast<size_t>(message.ranges_size()) / 2);
  constexpr uint64_t kMost = uint64_t{1} << 61;  // no sum of three overflows
  uint64_t next = 0;
  for (int i = 0; i < message.ranges_size(); i += 2) {
    const uint64_t skip = message.ranges(i);
    const uint64_t size = message.ranges(i + 1);
    if (size == 0 || size > kMost || skip > kMost || next > kMost)
      return Malformed("record of finished jobs", "a range makes no sense");
    const Offset first{static_cast<int64_t>(next + skip)};
    finished.ranges.push_back({first, first + static_cast<int64_t>(size - 1)});
    next += skip + size;
  }
  WEIR_ASSIGN_OR_RETURN(finished.parked, JobsOf(message.parked()));
  return finished;
}

absl::StatusOr<JobsParked> DecodeJobsParked(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::JobsParkedRecord message,
                        ParseNumbered<internal::JobsParkedRecord>(payload));
  JobsParked parked{.number = message.number(), .jobs = {}, .before = {}, .attempt = {}};
  WEIR_ASSIGN_OR_RETURN(parked.jobs, JobsOf(message.jobs()));
  WEIR_ASSIGN_OR_RETURN(parked.before, JobsOf(message.before()));
  if (message.has_attempt()) parked.attempt = AttemptOf(message.attempt());
  return parked;
}

absl::StatusOr<ShareStartMoved> DecodeShareStartMoved(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::ShareStartMovedRecord message,
                        ParseNumbered<internal::ShareStartMovedRecord>(payload));
  if (message.start() < 0 || message.expired() < 0)
    return Malformed("record of a start offset", "a number is negative");
  return ShareStartMoved{
      .number = message.number(), .start = Offset{message.start()}, .expired = message.expired()};
}

std::string EncodeParkedJob(const ParkedJob& job) {
  internal::ParkedJob message;
  Fill(job, &message);
  return message.SerializeAsString();
}

absl::StatusOr<ParkedJob> DecodeParkedJob(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const internal::ParkedJob message, ParseStored<internal::ParkedJob>(bytes));
  return JobOf(message);
}

std::string EncodeAttemptEnd(const AttemptEnd& attempt) {
  internal::AttemptEnd message;
  Fill(attempt, &message);
  return message.SerializeAsString();
}

absl::StatusOr<AttemptEnd> DecodeAttemptEnd(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const internal::AttemptEnd message,
                        ParseStored<internal::AttemptEnd>(bytes));
  return AttemptOf(message);
}

std::string EncodeParkedPlace(const ParkedPlace& place) {
  std::string bytes(1, static_cast<char>(place.cause));
  char due[sizeof(place.due_ms)];
  StoreBig(due, place.due_ms);
  bytes.append(due, sizeof(due));
  if (place.cause == ParkedCause::kBlocked) bytes.append(KeyHashBytes(*place.key));
  return bytes;
}

absl::StatusOr<ParkedPlace> DecodeParkedPlace(absl::string_view bytes) {
  constexpr size_t kFixed = 1 + sizeof(int64_t);
  if (bytes.size() < kFixed) return Malformed("place of a parked job", "it is too short");
  ParkedPlace place{.cause = static_cast<ParkedCause>(bytes[0]),
                    .due_ms = LoadBig<int64_t>(bytes.data() + 1),
                    .key = KeyHashFromBytes(bytes.substr(kFixed))};
  const bool known = place.cause >= ParkedCause::kRetry && place.cause <= ParkedCause::kDying &&
                     place.key.has_value() == (place.cause == ParkedCause::kBlocked);
  if (!known) return Malformed("place of a parked job", "its cause or key make no sense");
  return place;
}

std::string KeyHashBytes(const KeyHash& hash) {
  std::string bytes(kHashBytes, '\0');
  StoreBig(bytes.data(), hash.high);
  StoreBig(bytes.data() + sizeof(hash.high), hash.low);
  return bytes;
}

std::optional<KeyHash> KeyHashFromBytes(absl::string_view bytes) {
  if (bytes.size() != kHashBytes) return std::nullopt;
  return KeyHash{.high = LoadBig<uint64_t>(bytes.data()),
                 .low = LoadBig<uint64_t>(bytes.data() + sizeof(uint64_t))};
}

}  // namespace weir
