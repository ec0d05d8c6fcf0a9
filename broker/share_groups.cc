#include "broker/share_groups.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

static_assert(static_cast<int>(GroupOrder::kNone) == static_cast<int>(ShareOrder::kNone) &&
              static_cast<int>(GroupOrder::kKey) == static_cast<int>(ShareOrder::kKey));

ShareSettings SettingsOf(const GroupHead& head) {
  const GroupConfig& config = head.config;
  return {.incarnation = head.created_ms,
          .pause = head.paused_by_breaker ? SharePause::kPausedByBreaker
                   : head.paused          ? SharePause::kPaused
                                          : SharePause::kRunning,
          .order = static_cast<ShareOrder>(config.order),
          .ack_timeout_ms = config.ack_timeout_ms,
          .max_delivery_attempts = static_cast<int32_t>(config.max_delivery_attempts),
          .retry_backoff_initial_ms = config.retry_backoff_initial_ms,
          .retry_backoff_max_ms = config.retry_backoff_max_ms,
          .max_in_flight = config.max_in_flight,
          .max_parked = config.max_parked,
          .breaker_count = config.breaker_count,
          .breaker_window_ms = config.breaker_window_ms};
}

ShareTopic TopicOf(const TopicView::Topic& topic) {
  return {.id = topic.id, .name = topic.name, .partitions = topic.partitions};
}

std::vector<TopicPartition> PartitionsOf(const ShareTopic& topic) {
  std::vector<TopicPartition> partitions;
  for (int32_t i = 0; i < topic.partitions; ++i)
    partitions.push_back({topic.id, PartitionIndex{i}});
  return partitions;
}

void AddSources(const ShareTopic& topic, const ShareStarts& starts, bool redrive,
                ShareGroup* group) {
  for (const TopicPartition& partition : PartitionsOf(topic)) {
    const auto start = starts.find(partition);
    group->sources.push_back({.topic = topic.name,
                              .partition = partition,
                              .start = start == starts.end() ? Offset{0} : start->second,
                              .redrive = redrive});
  }
}

}  // namespace

ShareGroups::ShareGroups(const TopicView* topics, int32_t shards)
    : topics_(topics), heads_(shards, [this](const std::string& group) { Refresh(group); }) {}

ShareGroups::~ShareGroups() = default;

void ShareGroups::Start(ShareShards* shares, ShareGroupAdmin* admin, TimerQueue* timers,
                        Executor* executor) {
  admin_ = admin;
  {
    absl::MutexLock lock(&mu_);
    shares_ = shares;
    for (size_t i = 0; i < shares->size(); ++i) Sweep(PartitionIndex{static_cast<int32_t>(i)});
    for (auto& [group, entry] : entries_) OpenWanted(group, &entry);
  }
  follow_ = std::make_unique<PeriodicTask>(timers, executor,
                                           absl::Milliseconds(limits::kTopicsPauseMs), [this] {
                                             {
                                               absl::MutexLock lock(&mu_);
                                               if (!std::exchange(look_again_, false)) return;
                                             }
                                             RefreshAll();
                                           });
}

void ShareGroups::Stop() {
  follow_.reset();
  absl::MutexLock lock(&mu_);
  shares_ = nullptr;
}

void ShareGroups::NoteTopicsChanged() {
  absl::MutexLock lock(&mu_);
  look_again_ = true;
}

void ShareGroups::NoteLoaded(PartitionIndex shard) {
  absl::MutexLock lock(&mu_);
  Sweep(shard);
}

ShareGroup ShareGroups::Wanted(const ShareHead& head) const {
  const ShareTopics& share = head.head.share;
  ShareGroup group{.id = head.head.id, .settings = SettingsOf(head.head)};
  std::vector<TopicView::Topic> read = ReadBy(share, *topics_);
  std::sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const TopicView::Topic& topic : read)
    AddSources(TopicOf(topic), head.starts, /*redrive=*/false, &group);
  for (const auto& [source, owned] : share.redrive) {
    const auto topic = topics_->Find(owned.id);
    if (!topic.has_value()) continue;  // somebody has deleted it
    group.redrive_topics[source] = TopicOf(*topic);
    AddSources(TopicOf(*topic), head.starts, /*redrive=*/true, &group);
  }
  if (const auto topic = topics_->Find(share.dead_letter.id))
    group.dead_letter_topic = TopicOf(*topic);
  return group;
}

void ShareGroups::Refresh(const std::string& group) {
  bool changed = false;
  {
    absl::MutexLock lock(&mu_);
    changed = Update(group);
  }
  if (changed) Tell(group);
}

void ShareGroups::RefreshAll() {
  for (const ShareHeadPtr& head : heads_.All()) Refresh(head->head.id);
}

bool ShareGroups::Update(const std::string& group) {
  const ShareHeadPtr head = heads_.Find(group);
  const auto found = entries_.find(group);
  const bool is_another = found != entries_.end() && head != nullptr &&
                          found->second.head->head.created_ms != head->head.created_ms;
  if (found != entries_.end() && (head == nullptr || is_another)) {
    for (const auto& [partition, opening] : found->second.partitions) Remove(group, partition);
    entries_.erase(found);
    if (head == nullptr) return true;
  }
  if (head == nullptr) return false;
  Entry& entry = entries_[group];
  entry.head = head;
  entry.wanted = Wanted(*head);
  OpenWanted(group, &entry);
  return Publish(&entry);
}

void ShareGroups::OpenWanted(const std::string& group, Entry* entry) {
  if (shares_ == nullptr) return;
  absl::flat_hash_map<TopicPartition, Offset> wanted;
  for (const ShareSource& source : entry->wanted.sources) wanted[source.partition] = source.start;
  if (entry->wanted.dead_letter_topic.has_value()) {
    for (const TopicPartition& partition : PartitionsOf(*entry->wanted.dead_letter_topic))
      wanted[partition] = Offset{0};
  }
  std::vector<TopicPartition> unwanted;
  for (const auto& [partition, opening] : entry->partitions) {
    if (!wanted.contains(partition)) unwanted.push_back(partition);
  }
  for (const TopicPartition& partition : unwanted) {
    if (entry->partitions[partition].state == Opening::State::kOpening) --entry->opening;
    entry->partitions.erase(partition);
    Remove(group, partition);
  }
  for (const auto& [partition, start] : wanted) {
    const auto [at, is_new] = entry->partitions.try_emplace(partition);
    if (is_new || at->second.state == Opening::State::kFailed) Open(group, entry, partition, start);
  }
}

void ShareGroups::Open(const std::string& group, Entry* entry, const TopicPartition& partition,
                       Offset start) {
  const int64_t ticket = ++last_ticket_;
  Opening& opening = entry->partitions[partition];
  opening.state = Opening::State::kOpening;
  opening.ticket = ticket;
  ++entry->opening;
  readers_[partition].insert(group);
  const SharePartitionId id{group, partition};
  shares_->Ask<Offset>(
      shares_->PartitionOf(id),
      [id, start](ShareMachine& machine, const MachineTime& now, Reply<Offset> reply) {
        return machine.admin().Open(now, id, start, std::move(reply));
      },
      [this, id, ticket](const absl::StatusOr<Offset>& opened) {
        OnOpened(id, ticket, opened.status());
      });
}

void ShareGroups::OnOpened(const SharePartitionId& id, int64_t ticket, const absl::Status& opened) {
  bool changed = false;
  {
    absl::MutexLock lock(&mu_);
    const auto entry = entries_.find(id.group);
    if (entry == entries_.end()) return;
    const auto found = entry->second.partitions.find(id.partition);
    // Otherwise it was removed meanwhile, and maybe opened once more.
    if (found == entry->second.partitions.end() || found->second.ticket != ticket) return;
    Opening& opening = found->second;
    opening.state = opened.ok() ? Opening::State::kOpen : Opening::State::kFailed;
    if (!opened.ok()) {
      look_again_ = true;
      if (!std::exchange(opening.has_failed, true)) {
        spdlog::warn("group {} cannot read partition {}/{} for now: {}", id.group,
                     id.partition.topic.ToString(), id.partition.partition.value(),
                     std::string(opened.message()));
      }
    }
    if (--entry->second.opening > 0) return;
    changed = Publish(&entry->second);
  }
  if (changed) Tell(id.group);
}

void ShareGroups::Remove(const std::string& group, const TopicPartition& partition) {
  if (const auto readers = readers_.find(partition); readers != readers_.end()) {
    readers->second.erase(group);
    if (readers->second.empty()) readers_.erase(readers);
  }
  if (shares_ == nullptr) return;
  const SharePartitionId id{group, partition};
  // When it fails the machine is loaded again, or the broker ends: it is swept then.
  shares_->Tell(
      shares_->PartitionOf(id),
      [id](ShareMachine& machine, const MachineTime&, Done done) {
        return machine.admin().Remove(id, std::move(done));
      },
      [](const absl::Status&) {});
}

bool ShareGroups::IsOpen(const Entry& entry, const TopicPartition& partition) const {
  const auto found = entry.partitions.find(partition);
  return found != entry.partitions.end() && found->second.state == Opening::State::kOpen;
}

bool ShareGroups::Publish(Entry* entry) {
  auto group = std::make_shared<ShareGroup>(entry->wanted);
  std::erase_if(group->sources, [&](const ShareSource& source) {
    mu_.AssertHeld();
    return !IsOpen(*entry, source.partition);
  });
  if (group->dead_letter_topic.has_value()) {
    for (const TopicPartition& partition : PartitionsOf(*entry->wanted.dead_letter_topic)) {
      if (!IsOpen(*entry, partition)) group->dead_letter_topic.reset();
    }
  }
  if (entry->published != nullptr && *entry->published == *group) return false;
  entry->published = std::move(group);
  return true;
}

void ShareGroups::Sweep(PartitionIndex shard) {
  if (shares_ == nullptr) return;
  shares_->Ask<std::vector<SharePartitionId>>(
      shard,
      [](ShareMachine& machine, const MachineTime&, Reply<std::vector<SharePartitionId>> reply) {
        std::vector<SharePartitionId> found;
        for (const auto& [number, entry] : machine.table().entries())
          found.push_back(entry->partition.id());
        return Decision{.answer = [found = std::move(found),
                                   reply = std::move(reply)](const absl::Status& durable) mutable {
          if (durable.ok()) {
            reply(std::move(found));
          } else {
            reply(durable);
          }
        }};
      },
      [this](const absl::StatusOr<std::vector<SharePartitionId>>& found) {
        if (found.ok()) OnSwept(*found);
      });
}

void ShareGroups::OnSwept(const std::vector<SharePartitionId>& found) {
  absl::MutexLock lock(&mu_);
  for (const SharePartitionId& id : found) {
    const auto entry = entries_.find(id.group);
    if (entry == entries_.end() || !entry->second.partitions.contains(id.partition))
      Remove(id.group, id.partition);
  }
}

void ShareGroups::Tell(const std::string& group) {
  std::vector<Listener> listeners;
  {
    absl::MutexLock lock(&mu_);
    listeners = listeners_;
  }
  for (const Listener& listener : listeners) listener(group);
}

std::vector<std::string> ShareGroups::ReadersOf(const TopicPartition& partition) const {
  absl::MutexLock lock(&mu_);
  const auto found = readers_.find(partition);
  if (found == readers_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::shared_ptr<const ShareGroup> ShareGroups::FindGroup(absl::string_view group) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = entries_.find(group);
  return found == entries_.end() ? nullptr : found->second.published;
}

std::vector<std::shared_ptr<const ShareGroup>> ShareGroups::AllGroups() const {
  std::vector<std::shared_ptr<const ShareGroup>> all;
  absl::ReaderMutexLock lock(&mu_);
  all.reserve(entries_.size());
  for (const auto& [group, entry] : entries_) all.push_back(entry.published);
  return all;
}

void ShareGroups::AddListener(Listener listener) {
  absl::MutexLock lock(&mu_);
  listeners_.push_back(std::move(listener));
}

void ShareGroups::AwaitOpen(absl::string_view group) {
  absl::MutexLock lock(&mu_);
  const auto is_over = [&] {
    mu_.AssertReaderHeld();
    const auto found = entries_.find(group);
    return found == entries_.end() || found->second.opening == 0;
  };
  mu_.Await(absl::Condition(&is_over));
}

absl::StatusOr<ShareTopic> ShareGroups::RequireDeadLetterTopic(const std::string& group) {
  return Opened(group, admin_->RequireDeadLetterTopic(group));
}

absl::StatusOr<ShareTopic> ShareGroups::RequireRedriveTopic(const std::string& group,
                                                            const std::string& topic) {
  return Opened(group, admin_->RequireRedriveTopic(group, topic));
}

absl::StatusOr<ShareTopic> ShareGroups::Opened(const std::string& group,
                                               const absl::StatusOr<TopicPtr>& topic) {
  WEIR_RETURN_IF_ERROR(topic.status());
  AwaitOpen(group);
  return ShareTopic{.id = (*topic)->id, .name = (*topic)->name, .partitions = (*topic)->partitions};
}

}  // namespace weir
