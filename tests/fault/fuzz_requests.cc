// Hostile requests: any bytes as the message of every call, sent over a real connection to a whole
// broker in this process. Each call ends, with OK or an error of the table that is not INTERNAL;
// what another client has written stays; and once nothing is under way the memory of requests is
// all free.
#include "tests/fault/fuzz_requests.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <stdlib.h>

#include <cstdint>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/config.h"
#include "broker/runtime/logging.h"
#include "broker/server.h"
#include "storage/base/check.h"
#include "weir/v1/admin.grpc.pb.h"
#include "weir/v1/group.grpc.pb.h"
#include "weir/v1/log.grpc.pb.h"

namespace weir {
namespace {

constexpr char kKept[] = "what-another-client-wrote";
constexpr int kRecords = 3;
constexpr uint64_t kCheckEvery = 2'000;  // inputs

// Of a call: what waits for records or jobs does not wait long.
int DeadlineMs(absl::string_view call) {
  return absl::StrContains(call, "Fetch") || absl::StrContains(call, "Acquire") ? 40 : 20'000;
}

class Broker {
 public:
  Broker() {
    WEIR_CHECK(mkdtemp(directory_) != nullptr);
    WEIR_CHECK(SetUpLogging(LogLines::kText, "error").ok());
    BrokerConfig config;
    config.data_dir = absl::StrCat(directory_, "/data");
    config.listen = config.http = {"127.0.0.1", 0};
    config.memory_limit = 64 << 20;
    config.disk_low = 0;
    config.disk_ok = 0;
    auto started = Server::Start(config, [](const absl::Status& why) { WEIR_CHECK(why.ok()); });
    WEIR_CHECK(started.ok());
    server_ = *std::move(started);
    channel_ = grpc::CreateChannel(server_->grpc().ToString(), grpc::InsecureChannelCredentials());
    log_ = v1::LogService::NewStub(channel_);
    admin_ = v1::AdminService::NewStub(channel_);
    groups_ = v1::GroupService::NewStub(channel_);
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
    Create(kKept);
    v1::ProduceRequest produce;
    produce.set_topic(kKept);
    for (int i = 0; i < kRecords; ++i)
      produce.mutable_records()->add_records()->set_value(absl::StrCat("record ", i));
    v1::ProduceResponse produced;
    grpc::ClientContext context;
    WEIR_CHECK(log_->Produce(&context, produce, &produced).ok());
    CreateTargets();
  }
  ~Broker() {
    WEIR_CHECK(server_->Stop(absl::Seconds(10)).ok());
    server_ = nullptr;
    WEIR_CHECK(system(absl::StrCat("rm -rf ", directory_).c_str()) == 0);
  }

  void Create(const std::string& name) {
    v1::CreateTopicRequest request;
    request.set_name(name);
    request.set_partitions(2);
    v1::CreateTopicResponse response;
    grpc::ClientContext context;
    admin_->CreateTopic(&context, request, &response);
  }

  // What requests of the corpus name; they may be there already.
  void CreateTargets() {
    Create("t");
    v1::CreateGroupRequest request;
    request.set_group("s");
    request.set_type(v1::SHARE);
    request.set_start(v1::EARLIEST);
    request.mutable_subscription()->add_topics("t");
    v1::CreateGroupResponse response;
    grpc::ClientContext context;
    groups_->CreateGroup(&context, request, &response);
  }

  // Sends one message of any bytes and takes whatever comes back until the call ends.
  void Call(const char* method, absl::string_view message) {
    grpc::ClientContext context;
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
                                      gpr_time_from_millis(DeadlineMs(method), GPR_TIMESPAN)));
    grpc::CompletionQueue queue;
    const auto step = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      WEIR_CHECK(queue.Next(&tag, &ok));
      return ok;
    };
    const auto call = stub_->PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    bool going = step();
    const grpc::Slice slice(message.data(), message.size());
    if (going) {
      call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
      going = step();
    }
    while (going) {
      grpc::ByteBuffer answer;
      call->Read(&answer, nullptr);
      going = step();
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    step();
    CheckEnd(context, status);
  }

  void CheckWhatStays() {
    CreateTargets();  // somebody may have deleted them
    v1::FetchRequest request;
    for (int32_t partition = 0; partition < 2; ++partition) {
      v1::FetchPartition* const asked = request.add_partitions();
      asked->set_topic(kKept);
      asked->set_partition(partition);
    }
    v1::FetchResponse response;
    grpc::ClientContext context;
    WEIR_CHECK(log_->Fetch(&context, request, &response).ok());
    int records = 0;
    for (const v1::PartitionRecords& part : response.partitions()) {
      WEIR_CHECK(!part.has_error());
      for (const v1::Record& record : part.records().records())
        records += absl::StartsWith(record.value(), "record ");
    }
    WEIR_CHECK(records == kRecords);
    // Calls whose client has gone end a little later.
    for (int tries = 0; MemoryUsed() != 0; ++tries) WEIR_CHECK(tries < 10'000);
  }

 private:
  static void CheckEnd(const grpc::ClientContext& context, const grpc::Status& status) {
    if (status.ok()) return;
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto reason = trailers.find("weir-reason");
    if (reason != trailers.end()) {
      WEIR_CHECK(reason->second != "INTERNAL" && !status.error_message().empty());
      return;
    }
    // gRPC's own words: the time is up.
    WEIR_CHECK(status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
               status.error_code() == grpc::StatusCode::CANCELLED);
  }

  int64_t MemoryUsed() {
    v1::DescribeBrokerResponse response;
    grpc::ClientContext context;
    WEIR_CHECK(admin_->DescribeBroker(&context, {}, &response).ok());
    return response.memory_used_bytes();
  }

  char directory_[23] = "/tmp/weir-fuzz-XXXXXX";
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::LogService::Stub> log_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::GroupService::Stub> groups_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

void RunOne(absl::string_view input) {
  static Broker broker;
  static uint64_t runs = 0;
  if (input.empty()) return;
  const size_t call = static_cast<uint8_t>(input[0]) % std::size(kFuzzedCalls);
  broker.Call(kFuzzedCalls[call], input.substr(1));
  if (++runs % kCheckEvery == 0) broker.CheckWhatStays();
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
