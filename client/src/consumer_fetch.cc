// Consumer::Core: looking up positions, and the streams.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/src/consumer_core.h"
#include "client/src/offset_lookup.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/error.h"

namespace weir {
namespace {

constexpr absl::Duration kConnectPoll =
    absl::Milliseconds(20);  // how often to look whether the connection is back
constexpr absl::Duration kTurn =
    absl::Milliseconds(100);            // of a stream, when there are more partitions than streams
constexpr size_t kBufferedAnswers = 2;  // per partition
constexpr int64_t kFetchBytesSmallest = 64 * limits::kKiB;
constexpr size_t kLookupsPerCall = 1'000;

}  // namespace

std::vector<Consumer::Core::Errand> Consumer::Core::NextErrands(absl::Duration now, bool connected,
                                                                absl::Duration* next) {
  std::vector<Errand> errands;
  if (idle_.empty()) return errands;
  if (!connected) {
    last_error_ =
        absl::UnavailableError(absl::StrCat("no connection to ", channel_->options().broker));
    *next = std::min(*next, now + kConnectPoll);
    return errands;
  }
  Partitions lookups;
  std::deque<std::shared_ptr<Partition>> rest;
  for (std::shared_ptr<Partition>& partition : std::exchange(idle_, {})) {
    const bool lookup = partition->state == Partition::State::kLookup;
    if (partition->retry_at > now) {
      *next = std::min(*next, partition->retry_at);
      rest.push_back(std::move(partition));
    } else if (lookup && lookups.size() < kLookupsPerCall) {
      partition->state = Partition::State::kLookingUp;
      lookups.push_back(std::move(partition));
    } else if (!lookup && streaming_.size() < static_cast<size_t>(options_.max_streams)) {
      errands.push_back(OpenStream(partition, now));
    } else {
      rest.push_back(std::move(partition));
    }
  }
  idle_ = std::move(rest);
  if (!lookups.empty()) errands.push_back([this, lookups] { LookUp(lookups); });
  if (errands.empty()) {
    if (Errand errand = GiveWay(now, next)) errands.push_back(std::move(errand));
  }
  return errands;
}

void Consumer::Core::LookUp(const Partitions& partitions) {
  v1::ListOffsetsRequest request;
  {
    absl::MutexLock lock(&mu_);
    for (const std::shared_ptr<Partition>& partition : partitions) {
      client::AddQuery(*partition->topic, partition->index, Latest(), &request);
      if (std::holds_alternative<Offset>(partition->start)) continue;
      client::AddQuery(*partition->topic, partition->index, partition->start, &request);
    }
  }
  channel_->CallAsync(
      client::kListOffsets, request,
      [self = shared_from_this(), partitions](const absl::StatusOr<std::string>& answer) {
        self->OnLookedUp(partitions, answer);
      });
}

void Consumer::Core::OnLookedUp(const Partitions& partitions,
                                const absl::StatusOr<std::string>& answer) {
  v1::ListOffsetsResponse response;
  absl::Status status = answer.status();
  absl::MutexLock lock(&mu_);
  int expected = 0;
  for (const auto& partition : partitions)
    expected += std::holds_alternative<Offset>(partition->start) ? 1 : 2;
  if (status.ok() && (!response.ParseFromString(*answer) || response.results_size() != expected)) {
    status = MakeError(Reason::kInternal, "the broker's answer to ListOffsets makes no sense");
  }
  int next = 0;
  for (const std::shared_ptr<Partition>& partition : partitions) {
    const int latest = next++;
    const bool has_start = !std::holds_alternative<Offset>(partition->start);
    const int start = has_start ? next++ : latest;
    if (partition->state != Partition::State::kLookingUp) continue;  // dropped meanwhile
    if (status.ok()) {
      TakeLookup(partition, response.results(latest),
                 has_start ? &response.results(start) : nullptr);
    } else if (client::IsPermanent(status)) {
      Fail(partition, status);
    } else {
      Retry(*partition, Partition::State::kLookup, status);
      idle_.push_back(partition);
    }
  }
  changed_.SignalAll();
}

void Consumer::Core::TakeLookup(const std::shared_ptr<Partition>& partition,
                                const v1::ListOffsetsResponse::Result& high_watermark,
                                const v1::ListOffsetsResponse::Result* start) {
  const v1::ListOffsetsResponse::Result& position = start != nullptr ? *start : high_watermark;
  for (const v1::ListOffsetsResponse::Result* result : {&high_watermark, &position}) {
    if (!result->has_error()) continue;
    const absl::Status status = client::StatusOf(result->error());
    if (!client::MayBeTriedAgain(status)) return Fail(partition, status);
    Retry(*partition, Partition::State::kLookup, status);
    idle_.push_back(partition);
    return;
  }
  const Offset latest(high_watermark.offset());
  partition->high_watermark = latest;
  if (partition->until_end && !partition->end.has_value()) partition->end = latest;
  partition->position =
      start != nullptr ? Offset(start->offset()) : std::get<Offset>(partition->start);
  partition->fetch_from = *partition->position;
  partition->failures = 0;
  // An offset beyond the end was asked for by somebody who is to hear that it is out of range.
  const bool at_end =
      partition->end.has_value() && (start != nullptr ? *partition->position >= *partition->end
                                                      : *partition->position == *partition->end);
  partition->state = at_end ? Partition::State::kEnd : Partition::State::kReady;
  if (!at_end) idle_.push_back(partition);
}

Consumer::Core::Errand Consumer::Core::GiveWay(absl::Duration now, absl::Duration* next) {
  const bool somebody_waits = std::any_of(idle_.begin(), idle_.end(), [&](const auto& partition) {
    return partition->state == Partition::State::kReady && partition->retry_at <= now;
  });
  if (!somebody_waits) return nullptr;
  for (const std::shared_ptr<Partition>& partition : streaming_) {
    if (now < partition->streaming_since + kTurn) {
      *next = std::min(*next, partition->streaming_since + kTurn);
      return nullptr;
    }
    if (!partition->buffered.empty()) continue;
    const std::shared_ptr<Partition> kept = partition;
    Errand close = CloseStream(*kept);
    kept->state = Partition::State::kReady;
    idle_.push_back(kept);
    return close;
  }
  *next = std::min(*next, now + kTurn);
  return nullptr;
}

Consumer::Core::Errand Consumer::Core::OpenStream(const std::shared_ptr<Partition>& partition,
                                                  absl::Duration now) {
  auto stream = std::make_shared<FetchStream>(shared_from_this(), partition);
  partition->state = Partition::State::kStreaming;
  partition->stream = stream;
  partition->streaming_since = now;
  streaming_.push_back(partition);
  return
      [this, stream,
       request = client::EncodeFetch(*partition->topic, partition->index, partition->fetch_from,
                                     FetchBytes())] { stream->Open(*channel_, request, stream); };
}

// What the stream still brings is not for this partition any more.
Consumer::Core::Errand Consumer::Core::CloseStream(Partition& partition) {
  const auto is_it = [&](const auto& other) { return other.get() == &partition; };
  std::erase_if(streaming_, is_it);
  std::erase_if(parked_, is_it);
  return [stream = std::exchange(partition.stream, nullptr)] { stream->Cancel(); };
}

void Consumer::Core::OnFetched(FetchStream* stream, client::FetchAnswer answer,
                               const absl::Status& corrupt) {
  const std::shared_ptr<Partition>& partition = stream->partition();
  bool more = false;
  bool cancel = false;
  {
    absl::MutexLock lock(&mu_);
    if (partition->stream.get() != stream) return;
    last_error_ = absl::OkStatus();
    partition->failures = 0;
    partition->high_watermark = answer.high_watermark;
    const bool nothing_sound = answer.next_offset < Offset(0);
    if (!nothing_sound) partition->fetch_from = std::max(partition->fetch_from, answer.next_offset);
    if (!answer.batches.empty()) {
      buffered_bytes_ += static_cast<int64_t>(answer.batches.size());
      partition->buffered.push_back(std::move(answer));
      List(partition);
    } else if (partition->buffered.empty()) {
      partition->position = partition->fetch_from;
    }
    const bool at_end = partition->end.has_value() && partition->fetch_from >= *partition->end;
    if (at_end || !corrupt.ok()) {
      CloseStream(*partition);
      cancel = true;
      partition->state = Partition::State::kEnd;
      if (!corrupt.ok()) Fail(partition, corrupt);
      changed_.SignalAll();
    } else if (MayFetchMore(*partition)) {
      more = true;
    } else {
      parked_.push_back(partition);
    }
  }
  if (more) stream->Read();
  if (cancel) stream->Cancel();
}

void Consumer::Core::OnEnd(FetchStream* stream, const absl::Status& status) {
  const std::shared_ptr<Partition>& partition = stream->partition();
  absl::MutexLock lock(&mu_);
  if (partition->stream.get() != stream) return;
  CloseStream(*partition);
  if (ReasonOf(status) == Reason::kOffsetOutOfRange &&
      options_.when_out_of_range != WhenOutOfRange::kError) {
    // Looked up anew, not taken from the error: the log may have moved on again.
    partition->state = Partition::State::kLookup;
    if (options_.when_out_of_range == WhenOutOfRange::kEarliest) {
      partition->start = Earliest();
    } else {
      partition->start = Latest();
    }
    idle_.push_back(partition);
  } else if (client::IsPermanent(status)) {
    Fail(partition, status);
  } else {
    Retry(*partition, Partition::State::kReady,
          status.ok() ? absl::UnavailableError("the broker ended the stream") : status);
    idle_.push_back(partition);
  }
  changed_.SignalAll();
}

bool Consumer::Core::MayFetchMore(const Partition& partition) const {
  return partition.buffered.size() < kBufferedAnswers &&
         (buffered_bytes_ == 0 || buffered_bytes_ + FetchBytes() <= options_.buffer_bytes);
}

void Consumer::Core::Retry(Partition& partition, Partition::State state, const absl::Status& why) {
  last_error_ = why;
  partition.state = state;
  partition.retry_at = clock_.Monotonic() +
                       std::max(RetryAfterOf(why), client::BackoffDelay(channel_->options().backoff,
                                                                        ++partition.failures));
}

int64_t Consumer::Core::FetchBytes() const {
  const auto streams = static_cast<int64_t>(
      std::clamp<size_t>(partitions_.size(), 1, static_cast<size_t>(options_.max_streams)));
  return std::min(options_.fetch_bytes,
                  std::max(options_.buffer_bytes / (2 * streams), kFetchBytesSmallest));
}

}  // namespace weir
