#include "tools/bench/bench_broker.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"

namespace weir {
namespace {
constexpr absl::Duration kConnectTimeout = absl::Seconds(3);
constexpr absl::Duration kCallTimeout = absl::Minutes(10);  // a slow call is a figure, not an error
// The process that serves `data_directory`, when that is on this machine and can be read.
std::optional<pid_t> FindProcess(const std::string& data_directory) {
  const absl::StatusOr<std::string> owner =
      ReadFile(FileSystem::Posix(), JoinPath(data_directory, "weir.lock"));
  absl::string_view text = owner.ok() ? absl::string_view(*owner) : absl::string_view();
  pid_t pid = 0;
  if (!absl::ConsumePrefix(&text, "pid ")) return std::nullopt;
  const absl::string_view number = text.substr(0, text.find_first_not_of("0123456789"));
  if (!absl::SimpleAtoi(number, &pid) || !ProcessStats::Of(pid).ok()) return std::nullopt;
  return pid;
}

}  // namespace

absl::StatusOr<BenchBroker> BenchBroker::Attach(std::string address, std::string http,
                                                std::optional<pid_t> pid) {
  BenchBroker broker;
  broker.address_ = std::move(address);
  broker.http_ = std::move(http);
  broker.pid_ = pid;
  Client client = broker.NewClient();
  if (!client.WaitUntilConnected(kConnectTimeout).ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot connect to a broker at ", broker.address_, "; --spawn starts one"));
  }
  if (!pid) {
    WEIR_ASSIGN_OR_RETURN(const Admin::BrokerDescription described, Admin(client).DescribeBroker());
    broker.pid_ = FindProcess(described.data_dir);
  }
  return broker;
}

absl::StatusOr<BenchBroker> BenchBroker::Spawn(const BrokerProcess::Options& options) {
  BenchBroker broker;
  WEIR_ASSIGN_OR_RETURN(broker.process_, BrokerProcess::Start(options));
  broker.address_ = broker.process_->address();
  broker.http_ = broker.process_->http_address();
  return broker;
}

absl::StatusOr<BenchBroker*> BenchBroker::SpawnTwin() {
  if (process_ == nullptr)
    return absl::FailedPreconditionError("this case starts a second broker: it needs --spawn");
  WEIR_ASSIGN_OR_RETURN(BenchBroker twin, Spawn(process_->options()));
  twin_ = std::make_unique<BenchBroker>(std::move(twin));
  return twin_.get();
}

void BenchBroker::Abandon() const {
  if (process_ != nullptr) process_->Abandon();
  if (twin_ != nullptr) twin_->Abandon();
}

Client BenchBroker::NewClient() const {
  return Client({.broker = address_, .client_id = "weir-bench", .call_timeout = kCallTimeout});
}

absl::StatusOr<std::string> BenchBroker::CreateTopic(int32_t partitions,
                                                     std::map<std::string, std::string> config) {
  const Client client = NewClient();
  const std::string name =
      absl::StrCat("bench-", Clock::Real().NowMs(), "-", getpid(), "-", topics_made_++);
  WEIR_RETURN_IF_ERROR(
      Admin(client)
          .CreateTopic({.name = name, .partitions = partitions, .config = std::move(config)})
          .status());
  topics_.insert(name);
  return name;
}

absl::Status BenchBroker::DeleteTopic(const std::string& topic) {
  topics_.erase(topic);
  return Admin(NewClient()).DeleteTopic(topic);
}

absl::Status BenchBroker::DeleteTopics() {
  const std::set<std::string> topics = topics_;
  for (const std::string& topic : topics) WEIR_RETURN_IF_ERROR(DeleteTopic(topic));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> BenchBroker::Configuration() {
  WEIR_ASSIGN_OR_RETURN(const Admin::BrokerDescription described,
                        Admin(NewClient()).DescribeBroker());
  utsname machine{};
  uname(&machine);
  std::vector<std::pair<std::string, std::string>> configuration = {
      {"broker_version", described.version},
      {"broker_data_dir", described.data_dir},
      {"broker_memory_budget", absl::StrCat(described.memory_budget_bytes)},
      {"broker", process_ != nullptr ? absl::StrJoin(process_->command_line(), " ") : address_},
      {"processors", absl::StrCat(std::thread::hardware_concurrency())},
      {"kernel", absl::StrCat(machine.sysname, " ", machine.release, " ", machine.machine)}};
  return configuration;
}

}  // namespace weir
