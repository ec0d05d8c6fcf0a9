#include "broker/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/data_directory.h"
#include "broker/gauges.h"
#include "broker/groups.h"
#include "broker/limits/admission.h"
#include "broker/limits/disk_watermark.h"
#include "broker/log_events.h"
#include "broker/metrics/http_server.h"
#include "broker/metrics/metrics.h"
#include "broker/partition/partition_manager.h"
#include "broker/partition/produce.h"
#include "broker/partition/producer_identities.h"
#include "broker/partition/retention_task.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/grpc_server.h"
#include "broker/runtime/periodic_task.h"
#include "broker/runtime/timer_queue.h"
#include "broker/runtime/waiters.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "storage/base/executor.h"
#include "storage/base/limits.h"
#include "storage/log/log_manager.h"

namespace weir {
namespace {

constexpr int kDiskThreads = 4;
constexpr int kAdminThreads = 2;
constexpr absl::Duration kDiskCheckPause = absl::Milliseconds(500);
// What gRPC may hold beside the requests that are accounted for in the produce share.
constexpr int64_t kTransportBytes = 128 * limits::kMiB;
// By how much the reserve grows between two looks at the disk.
constexpr int64_t kReserveStep = 16 * limits::kMiB;
// What the metadata store and the recovery point may need of the reserve: beside the journal, all
// of which may have to be written again, and one more file of it.
constexpr int64_t kReserveForState = 16 * limits::kMiB;
// Descriptors for connections, the journal, the metadata store and the libraries.
constexpr size_t kOtherDescriptors = 1024;

// Raises the limit of open files as far as this process may. Returns it.
size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kOtherDescriptors;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? size_t{1} << 30 : static_cast<size_t>(limit.rlim_cur);
}

uint64_t RandomBits() {
  const TopicId id = RandomTopicId();
  uint64_t bits = 0;
  std::memcpy(&bits, id.bytes.data(), sizeof(bits));
  return bits;
}

// Waits until everything posted before has run.
void Drain(Executor* executor) {
  absl::Notification done;
  executor->Post([&] { done.Notify(); });
  done.WaitForNotification();
}

class ServerImpl : public Server {
 public:
  ServerImpl(const BrokerConfig& config, std::function<void(const absl::Status&)> on_fenced)
      : config_(config),
        on_fenced_(std::move(on_fenced)),
        memory_(config.memory_limit),
        watermark_({.low_bytes = config.disk_low, .ok_bytes = config.disk_ok}) {}
  ~ServerImpl() override;

  absl::Status Start();

  Endpoint grpc() const override { return {config_.listen.host, grpc_->port()}; }
  Endpoint http() const override { return {config_.http.host, http_->port()}; }
  absl::Status Stop(absl::Duration grace) override;
  void SayFarewell(absl::Duration grace) override;

 private:
  absl::Status OpenTopics();
  absl::Status OpenLogs();
  absl::Status OpenGroups();
  absl::Status Listen();
  void StartLoops();
  void CheckDisk();
  int64_t WantedReserve() const;
  void KeepReserve();
  void OnFenced(const absl::Status& reason);
  absl::Status Ready() const;
  absl::StatusOr<std::string> ReadyPage() const;

  const BrokerConfig config_;
  const std::function<void(const absl::Status&)> on_fenced_;
  FileSystem& fs_ = FileSystem::Posix();
  Clock& clock_ = Clock::Real();
  std::atomic<bool> fenced_{false};
  std::atomic<bool> stopped_{false};

  // In start order; destroyed in stop order.
  Metrics metrics_;
  MemoryBudget memory_;
  DiskWatermark watermark_;
  CallRegistry calls_;
  TimerQueue timers_{&clock_, TimerQueue::Drive::kThread};
  ThreadExecutor wake_{"weir-wake", 1};
  Waiters waiters_{&timers_, &wake_, limits::kWaits};
  LogEvents events_{&waiters_, &metrics_, [this](TopicId id) { return catalog_->Find(id); },
                    [this](const absl::Status& reason) { OnFenced(reason); }};
  DataDirectory directory_;
  absl::Status read_only_;     // not OK: nothing is written until the next start, and why
  bool reserve_grows_ = true;  // the upkeep thread's
  std::unique_ptr<TopicCatalog> catalog_;
  std::unique_ptr<ProducerIdentities> producers_;
  ThreadExecutor completions_{"weir-complete", 1};
  ThreadExecutor background_{"weir-background", 1};
  std::unique_ptr<LogManager> logs_;
  ThreadExecutor disk_{"weir-disk", kDiskThreads};
  std::unique_ptr<PartitionManager> partitions_;
  std::unique_ptr<ProduceEngine> produce_;
  std::unique_ptr<Groups> groups_;
  ThreadExecutor admin_{"weir-admin", kAdminThreads};
  ThreadExecutor retention_thread_{"weir-retention", 1};
  ThreadExecutor upkeep_{"weir-upkeep", 1};
  std::unique_ptr<RetentionTask> retention_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<PeriodicTask> retention_loop_;
  std::unique_ptr<PeriodicTask> disk_loop_;
};

ServerImpl::~ServerImpl() {
  if (stopped_) return;
  if (const absl::Status status = Stop(absl::ZeroDuration()); !status.ok()) {
    spdlog::error("the stop was not orderly: {}", std::string(status.message()));
  }
}

absl::Status ServerImpl::Start() {
  WEIR_ASSIGN_OR_RETURN(
      directory_, OpenDataDirectory(fs_, config_.data_dir,
                                    [this](const absl::Status& reason) { OnFenced(reason); }));
  WEIR_RETURN_IF_ERROR(OpenTopics());
  if (const absl::Status opened = OpenLogs(); !opened.ok())
    return WithFreeSpace(fs_, directory_.path, opened);
  if (read_only_.ok()) WEIR_RETURN_IF_ERROR(OpenGroups());
  CheckDisk();
  KeepReserve();
  if (read_only_.ok()) {
    retention_ = std::make_unique<RetentionTask>(catalog_.get(), logs_.get(), groups_->log_starts(),
                                                 &clock_);
  }
  AddGauges({.clock = &clock_,
             .waiters = &waiters_,
             .calls = &calls_,
             .memory = &memory_,
             .watermark = &watermark_,
             .catalog = catalog_.get(),
             .partitions = partitions_.get(),
             .logs = logs_.get(),
             .groups = groups_.get(),
             .read_only = !read_only_.ok(),
             .ready = [this] { return Ready().ok(); },
             .retention_paused = [this] { return retention_ != nullptr && retention_->paused(); }},
            &metrics_);
  WEIR_RETURN_IF_ERROR(Listen());
  StartLoops();
  if (fenced_) return logs_->health();
  grpc_->SetServing(true);
  return absl::OkStatus();
}

absl::Status ServerImpl::OpenTopics() {
  WEIR_ASSIGN_OR_RETURN(catalog_,
                        TopicCatalog::Load({.store = directory_.store.get(),
                                            .clock = &clock_,
                                            .broker_id = directory_.meta.broker_id,
                                            .leader_epoch = directory_.meta.leader_epoch,
                                            .default_partitions = config_.topic_partitions,
                                            .defaults = config_.topic_defaults}));
  WEIR_ASSIGN_OR_RETURN(
      producers_, ProducerIdentities::Load(directory_.store.get(), &clock_,
                                           absl::Milliseconds(config_.producer_id_expiration_ms)));
  return absl::OkStatus();
}

absl::Status ServerImpl::OpenLogs() {
  const size_t descriptors = RaiseDescriptorLimit();
  const size_t open_files = std::min(
      config_.open_files, std::max(descriptors, 2 * kOtherDescriptors) - kOtherDescriptors);
  if (open_files < config_.open_files) {
    spdlog::warn("this process may open {} files; open_files is taken as {} instead of {}",
                 descriptors, open_files, config_.open_files);
  }
  RecoveryReport report;
  WEIR_ASSIGN_OR_RETURN(
      logs_,
      LogManager::Open(
          {.file_system = &fs_,
           .clock = &clock_,
           .directory = directory_.path,
           .listener = &events_,
           .completions = &completions_,
           .background = &background_,
           .leader_epoch = directory_.meta.leader_epoch,
           .live_topics = catalog_->LiveIds(),
           .deleted_topics = catalog_->DeletedIds(),
           .directory_uuid = TopicId::Parse(directory_.meta.broker_id).value_or(TopicId{}).bytes,
           .journal_file_bytes = config_.journal_file_bytes,
           .journal_files = config_.journal_files,
           .open_files = open_files,
           .dirty_segments = std::min(limits::kCheckpointDirtySegments, open_files / 2),
           .producer_expiration_ms = config_.producer_id_expiration_ms},
          &report));
  spdlog::info(
      "recovered {} partitions in {}: the last stop was {}, {} rounds with {} batches ({} bytes) "
      "were redone",
      report.partitions, absl::FormatDuration(report.duration),
      report.clean ? "orderly" : "not orderly", report.rounds_redone, report.batches_redone,
      report.bytes_redone);
  for (const std::string& note : report.notes) spdlog::info("recovery: {}", note);
  for (const RecoveryReport::Damage& damage : report.damaged)
    events_.OnDamaged(damage.partition, damage.what);
  for (const std::string& path : report.unknown_directories) {
    spdlog::warn("{} belongs to no topic; it is kept and not touched", path);
  }
  partitions_ = std::make_unique<PartitionManager>(catalog_.get(), logs_.get(), &waiters_, &disk_);
  produce_ = std::make_unique<ProduceEngine>(partitions_.get(), catalog_.get(), logs_.get(),
                                             &clock_, &metrics_);
  read_only_ = report.read_only;
  if (read_only_.ok()) return partitions_->FinishDeletions();
  // The marks of deletion stay too: the journal still holds what they stand for.
  spdlog::error("{}", std::string(read_only_.message()));
  directory_.store->RefuseChanges(read_only_);
  return absl::OkStatus();
}

absl::Status ServerImpl::OpenGroups() {
  StateNotes notes;
  WEIR_ASSIGN_OR_RETURN(
      groups_, Groups::Start({.file_system = &fs_,
                              .data_directory = directory_.path,
                              .catalog = catalog_.get(),
                              .logs = logs_.get(),
                              .partitions = partitions_.get(),
                              .disk = &disk_,
                              .memory = &memory_.fetch(),
                              .timers = &timers_,
                              .clock = &clock_,
                              .leader_epoch = directory_.meta.leader_epoch,
                              .random = RandomBits,
                              .disk_is_low = [this] { return !watermark_.status().ok(); },
                              .on_failure = [this](const absl::Status& why) { OnFenced(why); }},
                             &notes));
  for (const std::string& note : notes) spdlog::warn("state: {}", note);
  return absl::OkStatus();
}

absl::Status ServerImpl::Listen() {
  services_.reset(new Services{.facts = {.version = std::string(WeirVersion()),
                                         .broker_id = directory_.meta.broker_id,
                                         .leader_epoch = directory_.meta.leader_epoch,
                                         .start_time_ms = clock_.NowMs(),
                                         .data_dir = directory_.path,
                                         .read_only = std::string(read_only_.message())},
                               .clock = &clock_,
                               .catalog = catalog_.get(),
                               .partitions = partitions_.get(),
                               .producers = producers_.get(),
                               .produce = produce_.get(),
                               .logs = logs_.get(),
                               .waiters = &waiters_,
                               .disk = &disk_,
                               .admin = &admin_,
                               .memory = &memory_,
                               .watermark = &watermark_,
                               .metrics = &metrics_,
                               .calls = &calls_});
  if (groups_ != nullptr) {
    services_->groups = groups_->shards();
    services_->sessions = groups_->sessions();
    services_->share_admin = groups_->share_admin();
    services_->shares = groups_->shares();
    services_->share_directory = groups_->share_directory();
    services_->workers = groups_->workers();
    services_->log_starts = groups_->log_starts();
  }
  WEIR_ASSIGN_OR_RETURN(
      grpc_, GrpcServer::Start({.host = config_.listen.host,
                                .port = config_.listen.port,
                                .buffer_bytes = memory_.produce().limit() + kTransportBytes},
                               services_.get()));
  WEIR_ASSIGN_OR_RETURN(http_, HttpServer::Start(config_.http.host, config_.http.port,
                                                 {.metrics = [this] { return metrics_.Text(); },
                                                  .ready = [this] { return ReadyPage(); }}));
  return absl::OkStatus();
}

void ServerImpl::StartLoops() {
  if (retention_ != nullptr) {
    retention_loop_ = std::make_unique<PeriodicTask>(&timers_, &retention_thread_,
                                                     config_.retention_check_interval,
                                                     [this] { retention_->Run(); });
  }
  disk_loop_ = std::make_unique<PeriodicTask>(&timers_, &upkeep_, kDiskCheckPause, [this] {
    CheckDisk();
    KeepReserve();
  });
}

void ServerImpl::CheckDisk() {
  const bool was_low = !watermark_.status().ok();
  // What the reserve gave up for the start is not free: the disk is as full as it was before.
  const DiskReserve& reserve = *directory_.reserve;
  const int64_t owed =
      std::max<int64_t>(std::min(reserve.released(), WantedReserve()) - reserve.size(), 0);
  const absl::Status status = watermark_.Check(fs_, directory_.path, owed);
  if (!status.ok() && !was_low)
    spdlog::warn("produces are refused: {}", std::string(status.message()));
  if (status.ok() && was_low) {
    spdlog::info("there is room on the disk: {}", read_only_.ok()
                                                      ? "produces are taken again"
                                                      : "restart the broker, which is read-only");
  }
  logs_->RefuseAppends(status);
}

int64_t ServerImpl::WantedReserve() const {
  return logs_->journal_bytes() + config_.journal_file_bytes + kReserveForState;
}

void ServerImpl::KeepReserve() {
  if (!read_only_.ok()) return;  // the space is left to the next start
  // On a disk that is low it only takes back what it gave up for the start, and at once.
  DiskReserve& reserve = *directory_.reserve;
  const int64_t soon =
      watermark_.status().ok() ? reserve.size() + kReserveStep : reserve.released();
  const absl::Status grown = reserve.Grow(std::min(soon, WantedReserve()));
  if (!grown.ok() && reserve_grows_) {
    spdlog::warn("the reserve for recovery is too small: {}", std::string(grown.message()));
  }
  reserve_grows_ = grown.ok();
}

void ServerImpl::OnFenced(const absl::Status& reason) {
  if (fenced_.exchange(true)) return;
  spdlog::critical("the data directory takes no more writes, the broker ends: {}",
                   std::string(reason.message()));
  on_fenced_(reason);
}

absl::Status ServerImpl::Ready() const {
  if (fenced_)
    return MakeError(Reason::kLogDirFenced,
                     "a disk error has closed the data directory for writing");
  return calls_.stopped() ? ShuttingDown() : absl::OkStatus();
}

absl::StatusOr<std::string> ServerImpl::ReadyPage() const {
  WEIR_RETURN_IF_ERROR(Ready());
  return read_only_.ok() ? "ok" : absl::StrCat("ok, but ", read_only_.message());
}

absl::Status ServerImpl::Stop(absl::Duration grace) {
  stopped_ = true;
  if (retention_ != nullptr) retention_->Stop();
  retention_loop_.reset();
  disk_loop_.reset();
  if (grpc_ != nullptr) grpc_->SetServing(false);
  calls_.StopAll();
  waiters_.Stop();
  if (grpc_ != nullptr) grpc_->Shutdown(grace);
  metrics_.DropCollectors();
  http_.reset();
  if (groups_ != nullptr) groups_->Stop();
  if (logs_ == nullptr) return absl::OkStatus();
  const absl::Status closed = logs_->Close();
  // What the log has posted refers to it.
  Drain(&completions_);
  Drain(&background_);
  return closed;
}

void ServerImpl::SayFarewell(absl::Duration grace) {
  grpc_->SetServing(false);
  calls_.StopAll();
  waiters_.Stop();
  grpc_->Shutdown(grace);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const BrokerConfig& config, std::function<void(const absl::Status&)> on_fenced) {
  auto server = std::make_unique<ServerImpl>(config, std::move(on_fenced));
  WEIR_RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace weir
