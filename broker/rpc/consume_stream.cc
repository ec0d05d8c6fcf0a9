#include "broker/rpc/consume_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/record_encoding.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

ConsumeStream::ConsumeStream(const Services* services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      session_(std::make_shared<MemberSession>(services->groups, services->sessions, this)) {
  absl::Status admitted = services_->calls->Enter(this);
  if (admitted.ok()) admitted = CheckGroups(*services_);
  absl::MutexLock lock(&mu_);
  if (!admitted.ok()) {
    End(admitted);
  } else if (!finished_) {  // Stop may have come already
    StartRead(&bytes_);
  }
}

// What the member says.

absl::Status ConsumeStream::Take() {
  v1::ConsumeRequest in;
  WEIR_ASSIGN_OR_RETURN(Reservation memory, DecodeRequest(bytes_, limits::kCommitRequestBytes,
                                                          services_->memory->calls(), &in));
  bytes_.Clear();
  WEIR_RETURN_IF_ERROR(CheckJoins(in.has_join(), /*first=*/!joined_));
  if (!std::exchange(joined_, true)) {
    if (in.max_bytes() < 0) {
      return MakeError(Reason::kInvalidRequest,
                       absl::StrCat("max_bytes is ", in.max_bytes(), "; it must be 0 or more"));
    }
    max_bytes_ = std::min(in.max_bytes() == 0 ? limits::kFetchBytesDefault : in.max_bytes(),
                          limits::kPlainFetchBytes);
    WEIR_ASSIGN_OR_RETURN(JoinRequest request, DecodeMembership(in.join(), context_->peer()));
    group_ = request.group;
    shard_ = services_->groups->PartitionOf(group_);
    {
      absl::MutexLock lock(&mu_);
      joining_ = true;
    }
    session_->Join(std::move(request));
  }
  if (in.commit_size() > 0) Commit(in.commit(), std::move(memory));
  if (in.revoked_epoch() != 0) session_->ConfirmRevoked(MemberEpoch{in.revoked_epoch()});
  return absl::OkStatus();
}

void ConsumeStream::OnReadDone(bool ok) {
  const absl::Status taken = ok ? Take() : absl::OkStatus();
  {
    absl::MutexLock lock(&mu_);
    if (!taken.ok()) {
      End(taken);
    } else if (ok) {
      reading_ = false;  // GoOn reads on
    } else {
      // Whether it was closed or broke is known for sure only when the call is over. A broker that
      // stops has ended the call before: the member comes back.
      leaving_ = !finished_;
      StopFetch();
      const auto is_records = [](const v1::ConsumeResponse& r) { return r.has_records(); };
      out_.erase(std::remove_if(out_.begin() + (writing_ ? 1 : 0), out_.end(), is_records),
                 out_.end());
    }
  }
  GoOn();
}

void ConsumeStream::Commit(const google::protobuf::RepeatedPtrField<v1::GroupOffset>& offsets,
                           Reservation memory) {
  CommitItems items(*services_->catalog, offsets);
  CommitRequest request{.group = group_, .member_id = session_->member_id()};
  request.offsets = items.TakeOffsets();
  {
    absl::MutexLock lock(&mu_);
    request.epoch = epoch_;
    ++commits_;
    ++asked_;
  }
  std::vector<OffsetCommit> asked = request.offsets;
  services_->groups->Ask<std::vector<absl::Status>>(
      shard_,
      [request = std::move(request)](GroupMachine& machine, const MachineTime& now,
                                     Reply<std::vector<absl::Status>> reply) mutable {
        if (!request.offsets.empty())
          return machine.offsets().Commit(now, std::move(request), std::move(reply));
        // Nothing of it exists. The answer still takes its turn.
        return Decision{.answer = [reply = std::move(reply)](const absl::Status&) mutable {
          reply(std::vector<absl::Status>());
        }};
      },
      [this, items = std::move(items), asked = std::move(asked), memory = std::move(memory)](
          const absl::StatusOr<std::vector<absl::Status>>& answers) mutable {
        memory.Release();
        OnCommitted(items, asked, answers);
      });
}

void ConsumeStream::OnCommitted(const CommitItems& items, const std::vector<OffsetCommit>& offsets,
                                const absl::StatusOr<std::vector<absl::Status>>& answers) {
  v1::ConsumeResponse response;
  items.Answer(answers, response.mutable_committed()->mutable_results());
  {
    absl::MutexLock lock(&mu_);
    --commits_;
    unwritten_answers_ += static_cast<int64_t>(response.ByteSizeLong());
    out_.push_back(std::move(response));
    for (size_t i = 0; answers.ok() && i < offsets.size(); ++i) {
      const auto found = feeds_.find(offsets[i].partition);
      if (!(*answers)[i].ok() || found == feeds_.end()) continue;
      Feed& feed = found->second;
      feed.committed = offsets[i].offset;
      if (feed.state == Feed::State::kStuck) {
        feed.state = Feed::State::kReading;
        feed.next = feed.sent = feed.committed;
        StopFetch();  // the next one has it
      }
    }
  }
  GoOn();
  Release();
}

// What the member owns.

void ConsumeStream::OnJoined(const Joined& joined) {
  absl::MutexLock lock(&mu_);
  session_facts_ = joined;
  joining_ = false;
  if (leaving_) PostGoOn();
}

void ConsumeStream::OnAssignment(const Notice& notice) {
  std::vector<TopicPartition> to_locate;
  {
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    PutFeeds(notice, &to_locate);
    v1::ConsumeResponse response;
    EncodeAssignment(*services_->catalog, session_facts_, notice, response.mutable_assignment());
    out_.push_back(std::move(response));
    PostGoOn();
  }
  Locate(std::move(to_locate));
}

void ConsumeStream::PutFeeds(const Notice& notice, std::vector<TopicPartition>* to_locate) {
  Feeds feeds;
  const auto take = [&](const TopicPartition& id,
                        bool revoking) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto old = feeds_.find(id);
    // What was asked for and is owned now was somebody else's meanwhile, who may be further.
    const bool is_back = old != feeds_.end() && old->second.revoking && !revoking;
    if (old != feeds_.end() && !is_back) {
      Feed& feed = feeds[id] = std::move(old->second);
      feed.revoking = revoking;
      return;
    }
    const TopicPtr topic = services_->catalog->Find(id.topic);
    if (topic == nullptr) return;  // deleted: the group will hear of it
    const auto found = services_->partitions->Find(topic, id.partition);
    if (!found.ok()) return;
    feeds[id] = {.topic = topic->name, .partition = found->partition, .revoking = revoking};
    if (!revoking) to_locate->push_back(id);
  };
  for (const TopicPartition& id : notice.assigned) take(id, /*revoking=*/false);
  for (const TopicPartition& id : notice.revoked) take(id, /*revoking=*/true);
  feeds_ = std::move(feeds);
  epoch_ = notice.epoch;
  revoking_ = !notice.revoked.empty();
  paused_ = notice.paused;
  StopFetch();
}

void ConsumeStream::Locate(std::vector<TopicPartition> partitions) {
  for (size_t begin = 0; begin < partitions.size(); begin += limits::kOffsetsPerRequest) {
    const size_t end = std::min(partitions.size(), begin + limits::kOffsetsPerRequest);
    FetchOffsetsRequest request{
        .group = group_, .partitions = {partitions.begin() + begin, partitions.begin() + end}};
    {
      absl::MutexLock lock(&mu_);
      ++asked_;
    }
    services_->groups->Ask<FetchedOffsets>(
        shard_,
        [request = std::move(request)](GroupMachine& machine, const MachineTime&,
                                       Reply<FetchedOffsets> reply) {
          return machine.offsets().Fetch(request, std::move(reply));
        },
        [this](const absl::StatusOr<FetchedOffsets>& offsets) { OnLocated(offsets); });
  }
}

void ConsumeStream::OnLocated(const absl::StatusOr<FetchedOffsets>& offsets) {
  {
    absl::MutexLock lock(&mu_);
    if (!offsets.ok()) End(offsets.status());
    for (size_t i = 0; offsets.ok() && i < offsets->offsets.size(); ++i) {
      const FetchedOffset& fetched = offsets->offsets[i];
      const auto found = feeds_.find(fetched.partition);
      if (found == feeds_.end() || found->second.state != Feed::State::kLocating) continue;
      Feed& feed = found->second;
      feed.state = Feed::State::kReading;
      if (fetched.read_from == ReadFrom::kCommitted) {
        feed.next = fetched.committed->offset;
      } else if (fetched.read_from == ReadFrom::kNowhere) {
        PutError(fetched.partition, &feed,
                 MakeError(Reason::kNoCommittedOffset,
                           "the group starts nowhere: commit or reset an offset first"));
      } else if (const auto bounds = services_->logs->Bounds(fetched.partition); bounds.ok()) {
        feed.next = bounds->log_start;
      } else {
        PutError(fetched.partition, &feed, bounds.status());
      }
      feed.sent = feed.committed = feed.next;
    }
    StopFetch();  // the next one has these too
  }
  GoOn();
  Release();
}

std::optional<MemberEpoch> ConsumeStream::GivenUp() {
  if (!revoking_) return std::nullopt;
  for (const auto& [id, feed] : feeds_) {
    if (feed.revoking && feed.committed < feed.sent) return std::nullopt;
  }
  revoking_ = false;
  return epoch_;
}

// Records.

ConsumeStream::PlannedFetch ConsumeStream::PlanFetch() {
  PlannedFetch plan;
  if (finished_ || leaving_ || paused_ || fetch_ != nullptr || !out_.empty()) return plan;
  std::vector<FetchQuery> queries;
  for (const auto& [id, feed] : feeds_) {
    if (feed.state != Feed::State::kReading || feed.revoking) continue;
    queries.push_back({.partition = feed.partition, .offset = feed.next, .max_bytes = max_bytes_});
    plan.asked.emplace_back(id, feed.next);
  }
  if (queries.empty()) return plan;
  plan.first = ++turn_ % queries.size();
  fetch_ = plan.fetch = std::make_shared<Fetch>(
      std::move(queries), plan.first,
      FetchLimits{.max_bytes = max_bytes_, .deadline = absl::InfiniteDuration()},
      services_->waiters, services_->disk, &services_->memory->fetch());
  ++asked_;
  return plan;
}

void ConsumeStream::OnFetched(const Asked& asked, size_t first,
                              absl::StatusOr<Fetch::Results> results) {
  int64_t bytes = 0;
  {
    absl::MutexLock lock(&mu_);
    fetch_ = nullptr;
    if (!results.ok() && !absl::IsCancelled(results.status())) End(results.status());
    int64_t room = max_bytes_;
    for (size_t i = 0; results.ok() && i < asked.size() && room > 0; ++i) {
      const size_t at = (first + i) % asked.size();  // in the order in which they were read
      const auto& [id, from] = asked[at];
      const auto found = feeds_.find(id);
      if (found == feeds_.end() || !found->second.Awaits(from)) continue;
      absl::StatusOr<PartitionRead>& read = (*results)[at];
      if (!read.ok()) {
        PutError(id, &found->second, read.status());
      } else if (read->read.batches.size > 0) {
        bytes += static_cast<int64_t>(read->read.batches.size);
        room -= PutRecords(id, &found->second, read->read, room);
        read->read.batches = {};
        out_memory_.Absorb(std::move(read->memory));
      }
    }
    // Compressed batches become more; what waits to be written is held until the member has taken
    // it.
    const int64_t put = max_bytes_ - room;
    if (put > 0 && !out_memory_.TryGrow(put))
      End(OverMemoryBudget(services_->memory->fetch(), put));
    if (put > 0) out_memory_.Shrink(std::min(put, out_memory_.bytes()));
  }
  if (bytes > 0) services_->metrics->CountFetched(bytes);
  GoOn();
  Release();
}

int64_t ConsumeStream::PutRecords(const TopicPartition& id, Feed* feed, const LogRead& read,
                                  int64_t room) {
  const int64_t most_first = room == max_bytes_ ? std::numeric_limits<int64_t>::max() : room;
  PlainRecords plain =
      DecodePlainRecords(read.batches.view(), feed->next, read.next_offset, room, most_first);
  if (plain.records.records_size() == 0) {
    if (!plain.status.ok()) {
      PutError(id, feed, plain.status);
    } else {
      feed->next = plain.next_offset;
    }
    return 0;
  }
  feed->next = feed->sent = plain.next_offset;
  v1::ConsumedRecords& records = *out_.emplace_back().mutable_records();
  records.set_topic(feed->topic);
  records.set_partition(id.partition.value());
  records.mutable_records()->Swap(plain.records.mutable_records());
  records.set_next_offset(plain.next_offset.value());
  records.set_high_watermark(read.high_watermark.value());
  return plain.bytes;
}

void ConsumeStream::PutError(const TopicPartition& id, Feed* feed, const absl::Status& why) {
  feed->state = Feed::State::kStuck;
  services_->metrics->CountError(why);
  v1::ConsumedRecords& records = *out_.emplace_back().mutable_records();
  records.set_topic(feed->topic);
  records.set_partition(id.partition.value());
  records.set_next_offset(feed->next.value());
  *records.mutable_error() = EncodeError(why);
}

void ConsumeStream::StopFetch() {
  if (fetch_ != nullptr) fetch_->Cancel();
}

// The stream.

void ConsumeStream::PostGoOn() {
  ++asked_;
  services_->disk->Post([this] {
    GoOn();
    Release();
  });
}

void ConsumeStream::GoOn() {
  std::optional<MemberEpoch> given_up;
  PlannedFetch plan;
  {
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    if (!writing_ && !out_.empty()) {
      writing_ = true;
      message_ = ToByteBuffer(out_.front());
      StartWrite(&message_);
    }
    if (leaving_ && !joining_ && commits_ == 0 && out_.empty()) return End(absl::OkStatus());
    if (!reading_ && commits_ < limits::kStreamRequests &&
        unwritten_answers_ < limits::kUnwrittenAnswerBytes) {
      reading_ = true;
      StartRead(&bytes_);
    }
    given_up = GivenUp();
    plan = PlanFetch();
  }
  if (given_up.has_value()) session_->ConfirmRevoked(*given_up);
  if (plan.fetch == nullptr) return;
  plan.fetch->Start([this, asked = std::move(plan.asked),
                     first = plan.first](absl::StatusOr<Fetch::Results> results) {
    OnFetched(asked, first, std::move(results));
  });
}

void ConsumeStream::OnWriteDone(bool) {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    message_.Clear();
    if (out_.front().has_committed())
      unwritten_answers_ -= static_cast<int64_t>(out_.front().ByteSizeLong());
    out_.pop_front();
    if (out_.empty()) out_memory_.Release();
  }
  GoOn();
}

void ConsumeStream::OnEnd(const absl::Status& why) {
  absl::MutexLock lock(&mu_);
  End(why);
}

void ConsumeStream::Stop() {
  absl::MutexLock lock(&mu_);
  End(ShuttingDown());
}

void ConsumeStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  End(absl::CancelledError("the member has gone"));
}

void ConsumeStream::End(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  StopFetch();
  if (!status.ok() && !absl::IsCancelled(status)) services_->metrics->CountError(status);
  Finish(EndStatus(context_, status));
}

void ConsumeStream::OnDone() {
  bool leave = false;
  {
    absl::MutexLock lock(&mu_);
    leave = leaving_ && !context_->IsCancelled();
  }
  session_->Close(leave);
  Release();
}

void ConsumeStream::Release() {
  {
    absl::MutexLock lock(&mu_);
    if (--asked_ > 0) return;
  }
  services_->calls->Leave(this);  // a stopping broker waits for what is still under way here
  delete this;
}

}  // namespace weir
