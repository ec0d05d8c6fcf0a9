#include "tests/support/letter_world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "tests/support/sim_file_system.h"
#include "tests/unit/meta_fake_kv_store.h"

namespace weir {
namespace {

constexpr int64_t kJournalFileBytes = 24 * limits::kMiB;
constexpr int64_t kMemory = 64 * limits::kMiB;
constexpr int64_t kFirstTimestampMs = 5'000;

}  // namespace

std::optional<std::string> ReadRecord::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

size_t FakeLetterMachines::dying(const SharePartitionId& id) const {
  const auto found = dying_.find(id);
  return found == dying_.end() ? 0 : found->second.size();
}

void FakeLetterMachines::Answer(absl::AnyInvocable<void()> answer) {
  if (strand_ == nullptr) return answer();
  strand_->Post(std::move(answer));
}

void FakeLetterMachines::Change() {
  if (const auto before = std::exchange(before_change_, nullptr)) before();
}

absl::Status FakeLetterMachines::Append(std::vector<BatchAppend> batches) {
  int64_t bytes = 0;
  for (const BatchAppend& batch : batches) {
    const auto valid = ValidateBatch(batch.bytes, limits::kMaxMessageBytesLargest);
    if (!valid.ok()) return valid.status();
    bytes += static_cast<int64_t>(batch.bytes.size());
  }
  if (bytes > limits::kDecisionAppendBytes)
    return absl::InternalError("more than one decision may append");
  largest_write_ = std::max(largest_write_, bytes);
  if (batches.empty()) return absl::OkStatus();
  if (absl::Status checked = log_->log().CheckAtomicAppend(batches, {}); !checked.ok())
    return checked;
  absl::Status status = absl::UnknownError("no answer");
  AppendRequest request{.batches = std::move(batches), .atomic = true};
  request.done = [&status](absl::StatusOr<std::vector<AppendResult>> results) {
    status = results.status();
  };
  log_->log().Append(std::move(request));
  log_->Pump();
  return status;
}

void FakeLetterMachines::Take(const SharePartitionId& id, size_t limit,
                              Reply<std::vector<DyingJob>> reply) {
  ++takes_;
  std::vector<DyingJob> taken;
  for (const auto& [offset, job] : dying_[id]) {
    if (taken.size() == limit) break;
    if (taken_.emplace(id, offset).second) taken.push_back(job);
  }
  most_taken_ = std::max(most_taken_, taken.size());
  Answer(
      [reply = std::move(reply), taken = std::move(taken)]() mutable { reply(std::move(taken)); });
}

void FakeLetterMachines::Write(DeadLettersRequest request, Reply<int64_t> reply) {
  Change();
  ++writes_;
  std::map<Offset, DyingJob>& dying = dying_[request.id];
  const bool all = std::all_of(request.jobs.begin(), request.jobs.end(),
                               [&](Offset job) { return dying.contains(job); });
  absl::StatusOr<int64_t> answer = 0;
  if (all) {
    const absl::Status appended = Append(std::move(request.batches));
    if (appended.ok()) {
      for (const Offset job : request.jobs) dying.erase(job);
      answer = static_cast<int64_t>(request.jobs.size());
    } else {
      postponed_.emplace_back(request.jobs, appended);
      answer = appended;
    }
  } else {
    for (const Offset job : request.jobs) taken_.erase({request.id, job});
  }
  Answer([reply = std::move(reply), answer]() mutable { reply(std::move(answer)); });
}

void FakeLetterMachines::Postpone(const SharePartitionId&, std::vector<Offset> jobs,
                                  const absl::Status& why, Done done) {
  postponed_.emplace_back(std::move(jobs), why);
  Answer([done = std::move(done)]() mutable { done(absl::OkStatus()); });
}

void FakeLetterMachines::Mark(MarkRequest request, Reply<std::vector<Offset>> reply) {
  Change();
  std::set<Offset>& marks = marks_[request.id];
  std::vector<Offset> before;
  for (const Offset offset : request.offsets) {
    if (marks.contains(offset)) before.push_back(offset);
  }
  absl::StatusOr<std::vector<Offset>> answer = before;
  if (before.empty()) {
    const absl::Status appended = Append(std::move(request.batches));
    if (appended.ok()) marks.insert(request.offsets.begin(), request.offsets.end());
    if (!appended.ok()) answer = appended;
  }
  Answer([reply = std::move(reply), answer = std::move(answer)]() mutable {
    reply(std::move(answer));
  });
}

void FakeLetterMachines::Marked(const SharePartitionId& id, std::vector<Offset> offsets,
                                Reply<std::vector<Offset>> reply) {
  std::erase_if(offsets, [&](Offset offset) { return !marks_[id].contains(offset); });
  Answer([reply = std::move(reply), offsets = std::move(offsets)]() mutable {
    reply(std::move(offsets));
  });
}

std::shared_ptr<const ShareGroup> FakeShareDirectory::FindGroup(absl::string_view group) const {
  if (group != LetterWorld::kGroup) return nullptr;
  auto found = std::make_shared<ShareGroup>();
  found->id = LetterWorld::kGroup;
  if (const TopicPtr topic = catalog_->Find(LetterWorld::kLetters)) {
    found->dead_letter_topic =
        ShareTopic{.id = topic->id, .name = topic->name, .partitions = topic->partitions};
  }
  return found;
}

std::vector<std::shared_ptr<const ShareGroup>> FakeShareDirectory::AllGroups() const {
  return {FindGroup(LetterWorld::kGroup)};
}

absl::StatusOr<ShareTopic> FakeShareDirectory::Require(const std::string& name,
                                                       int32_t partitions) {
  if (!failure_.ok()) return failure_;
  TopicPtr topic = catalog_->Find(name);
  if (topic == nullptr) {
    WEIR_ASSIGN_OR_RETURN(topic, catalog_->Create({.name = name, .partitions = partitions}));
  }
  return ShareTopic{.id = topic->id, .name = topic->name, .partitions = topic->partitions};
}

absl::StatusOr<ShareTopic> FakeShareDirectory::RequireDeadLetterTopic(const std::string&) {
  return Require(LetterWorld::kLetters, 1);
}

absl::StatusOr<ShareTopic> FakeShareDirectory::RequireRedriveTopic(const std::string& group,
                                                                   const std::string& topic) {
  if (topic.starts_with("redrive.")) return Require(topic, 4);
  return Require(absl::StrCat("redrive.", topic, ".", group), 4);
}

LetterWorld::LetterWorld()
    : log_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{},
                                      LogWorldOptions{.journal_file_bytes = kJournalFileBytes})),
      memory_(kMemory) {
  WEIR_CHECK(log_->Open().ok());
  auto store = LocalMetadataStore::Open(
      std::make_unique<FakeKvStore>(std::make_shared<FakeKvDisk>()), nullptr);
  WEIR_CHECK(store.ok());
  store_ = *std::move(store);
  auto catalog = TopicCatalog::Load({.store = store_.get(),
                                     .clock = &clock(),
                                     .new_topic_id = [this] { return LogWorld::Topic(++ids_); },
                                     .broker_id = "broker-1",
                                     .leader_epoch = LeaderEpoch{1}});
  WEIR_CHECK(catalog.ok());
  catalog_ = *std::move(catalog);
  partitions_ = std::make_unique<PartitionManager>(catalog_.get(), &log_->log(), &waiters_, &disk_);
  machines_ = std::make_unique<FakeLetterMachines>(log_.get(), /*strand=*/nullptr);
  directory_ = std::make_unique<FakeShareDirectory>(catalog_.get());
  writer_ = NewWriter(machines_.get());
  writer_->Start();
}

std::unique_ptr<DeadLetterWriter> LetterWorld::NewWriter(LetterMachines* machines) {
  return std::make_unique<DeadLetterWriter>(
      DeadLetterWriter::Options{.machines = machines,
                                .directory = directory_.get(),
                                .partitions = partitions_.get(),
                                .catalog = catalog_.get(),
                                .disk = &disk_,
                                .memory = &memory_,
                                .clock = &clock()});
}

LetterWorld::~LetterWorld() {
  writer_->Stop();
  waiters_.Stop();
  wake_.RunAll();
}

TopicPtr LetterWorld::Create(const std::string& name, int32_t partitions, TopicConfigMap config) {
  auto topic =
      catalog_->Create({.name = name, .partitions = partitions, .config = std::move(config)});
  WEIR_CHECK(topic.ok());
  return *topic;
}

SharePartitionId LetterWorld::Id(const std::string& topic, int32_t partition) const {
  return {
      .group = kGroup,
      .partition = {.topic = catalog_->Find(topic)->id, .partition = PartitionIndex{partition}}};
}

void LetterWorld::Append(const std::string& topic, int32_t partition, std::string batch) {
  const auto found = partitions_->Find(topic, PartitionIndex{partition});
  WEIR_CHECK(found.ok());
  const auto opened = found->partition->OpenLog();
  WEIR_CHECK(opened.ok());
  BatchAppend append{.log = *opened, .header = DecodeBatchHeader(batch.data())};
  append.bytes = SharedBytes::FromString(std::move(batch));
  AppendRequest request;
  request.batches.push_back(std::move(append));
  bool appended = false;
  request.done = [&](absl::StatusOr<std::vector<AppendResult>> results) {
    appended = results.ok();
  };
  log_->log().Append(std::move(request));
  log_->Pump();
  WEIR_CHECK(appended);
}

void LetterWorld::AppendValues(const std::string& topic, int32_t partition,
                               const std::vector<std::string>& values) {
  RecordBatchBuilder builder;
  for (size_t i = 0; i < values.size(); ++i) {
    builder.Append(kFirstTimestampMs + static_cast<int64_t>(i), absl::StrCat("k", i), values[i],
                   {HeaderView{"trace", "t"}});
  }
  Append(topic, partition, builder.Finish({}));
}

std::vector<ReadRecord> LetterWorld::Records(const std::string& topic) {
  std::vector<ReadRecord> records;
  const TopicPtr found = catalog_->Find(topic);
  for (int32_t i = 0; found != nullptr && i < found->partitions; ++i) {
    const auto partition = partitions_->Find(found, PartitionIndex{i});
    const auto log = partition->partition->OpenLog();
    WEIR_CHECK(log.ok());
    Offset at = (*log)->log_start();
    while (at < (*log)->high_watermark()) {
      const auto read = (*log)->Read(at, limits::kMiB, ReadMode::kMayBlock, nullptr);
      WEIR_CHECK(read.ok());
      at = read->next_offset;
      absl::string_view rest = read->batches.view();
      while (!rest.empty()) {
        const auto size = static_cast<size_t>(DecodeBatchHeader(rest.data()).size_bytes());
        RecordReader reader(rest.substr(0, size));
        RecordView view;
        while (reader.Next(&view)) {
          ReadRecord& record = records.emplace_back(ReadRecord{.partition = PartitionIndex{i},
                                                               .offset = view.offset,
                                                               .timestamp_ms = view.timestamp_ms});
          if (view.key.has_value()) record.key = std::string(*view.key);
          if (view.value.has_value()) record.value = std::string(*view.value);
          for (const HeaderView& header : view.headers.Decode())
            record.headers.emplace_back(header.key, header.value.value_or("(null)"));
        }
        rest.remove_prefix(size);
      }
    }
  }
  return records;
}

void LetterWorld::Run() {
  bool worked = true;
  while (worked) {
    worked = strand_.RunOne() || disk_.RunOne() || wake_.RunOne();
    most_memory_ = std::max(most_memory_, memory_.used());
  }
}

void LetterWorld::Tell(const SharePartitionId& id) {
  machines_->SetStrand(&strand_);
  writer_->OnDying(id);
  Run();
  machines_->SetStrand(nullptr);
}

}  // namespace weir
