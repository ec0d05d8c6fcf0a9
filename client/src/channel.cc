#include "client/src/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/src/wire_status.h"
#include "storage/base/clock.h"
#include "storage/base/error.h"
#include "storage/base/executor.h"

namespace weir::client {
namespace {

constexpr absl::Duration kConnectStep = absl::Milliseconds(20);

constexpr absl::Duration kKeepaliveAnswer = absl::Seconds(20);

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, std::numeric_limits<int>::max()));
}

grpc::ChannelArguments ArgumentsOf(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix(options.client_id);
  arguments.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<int64_t>(options.max_message_bytes, INT32_MAX)));
  arguments.SetMaxSendMessageSize(-1);
  // A Client is a connection; gRPC would let all with the same options share one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // We know better when and in which order to send again.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(options.backoff.first));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options.backoff.largest));
  if (options.keepalive != absl::InfiniteDuration()) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveAnswer));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  return arguments;
}

absl::Status EndOf(const grpc::Status& status, const grpc::ClientContext& context) {
  absl::string_view trailer;
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto found = trailers.find(kErrorTrailer); found != trailers.end()) {
    trailer = absl::string_view(found->second.data(), found->second.size());
  }
  return client::StatusOfCall(static_cast<int>(status.error_code()), status.error_message(),
                              trailer);
}

grpc::ByteBuffer Serialise(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

absl::string_view ViewOf(const grpc::Slice& slice) {
  return absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// A slice that shows bytes of somebody else and holds a reference to them.
grpc::Slice Borrow(absl::string_view bytes, std::shared_ptr<const void> owner) {
  return grpc::Slice(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); },
      new std::shared_ptr<const void>(std::move(owner)));
}

SharedBytes Share(const grpc::ByteBuffer& buffer) {
  auto slices = std::make_shared<std::vector<grpc::Slice>>();
  if (!buffer.Dump(slices.get()).ok()) return SharedBytes();
  SharedBytes::Pieces pieces(slices->size());
  std::transform(slices->begin(), slices->end(), pieces.begin(), ViewOf);
  return SharedBytes(std::move(pieces), std::move(slices));
}

// gRPC's threads end with the last channel, which waits for them: none of them must be the one that
// destroys it. But the last who holds on to a Channel may well be a callback. So all channels are
// destroyed here.
Executor& ChannelEnds() {
  // Never destroyed: a callback may still hold the last of a channel while the process ends.
  static ThreadExecutor* const executor = new ThreadExecutor("weir-channels", 1);
  // But what it was given by then is done.
  struct AtExit {
    ~AtExit() {
      absl::Notification done;
      executor->Post([&done] { done.Notify(); });
      done.WaitForNotification();
    }
  };
  static const AtExit at_exit;
  return *executor;
}

class GrpcStream final : public Stream,
                         public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  GrpcStream(std::shared_ptr<Channel> channel, StreamEvents* events)
      : channel_(std::move(channel)), events_(events) {}

  // `self` is let go when the call is over.
  void Start(grpc::GenericStub& stub, const std::string& method, std::shared_ptr<GrpcStream> self) {
    self_ = std::move(self);
    stub.PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
    // Reads and writes start outside of reactions, so the call must not end between them unnoticed.
    AddHold();
    StartCall();
  }

  void Write(absl::string_view head, absl::string_view body,
             std::shared_ptr<const void> owner) override {
    grpc::Slice slices[] = {grpc::Slice(head.data(), head.size()), Borrow(body, std::move(owner))};
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    out_ = grpc::ByteBuffer(slices, 2);
    StartWrite(&out_);
  }
  void WriteLast(absl::string_view message) override {
    grpc::Slice slice(message.data(), message.size());
    absl::MutexLock lock(&mu_);
    if (ended_) return;
    out_ = grpc::ByteBuffer(&slice, 1);
    last_ = true;
    StartWriteLast(&out_, grpc::WriteOptions());
  }
  void Read() override {
    absl::MutexLock lock(&mu_);
    if (!ended_) StartRead(&in_);
  }
  void Cancel() override {
    context_.TryCancel();
    End();
  }

 private:
  void OnWriteDone(bool ok) override {
    // A failed write means that the stream is over, but its end comes only when all that arrived
    // before has been read.
    if (ok && !last_) events_->OnWritten();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return End();
    SharedBytes message = Share(in_);
    in_.Clear();
    events_->OnMessage(std::move(message));
  }
  void OnDone(const grpc::Status& status) override {
    events_->OnClosed(EndOf(status, context_));
    self_.reset();
  }

  // No further operation starts; when those that run have come back OnDone follows.
  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (ended_) return;
      ended_ = true;
    }
    RemoveHold();
  }

  const std::shared_ptr<Channel> channel_;  // outlives context_, which refers to its insides
  StreamEvents* const events_;
  std::shared_ptr<GrpcStream> self_;
  grpc::ClientContext context_;
  absl::Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool last_ = false;
  grpc::ByteBuffer out_;  // one write at a time
  grpc::ByteBuffer in_;   // one read at a time
};

struct UnaryCall {
  std::shared_ptr<Channel> channel;  // as above
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  Channel::Done done;
};

}  // namespace

struct Channel::Grpc {
  std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
};

Channel::Channel(ClientOptions options)
    : options_(std::move(options)), grpc_([this] {
        auto channel = grpc::CreateCustomChannel(
            options_.broker, grpc::InsecureChannelCredentials(), ArgumentsOf(options_));
        return std::unique_ptr<Grpc>(new Grpc{channel, grpc::GenericStub(channel)});
      }()) {
  ChannelEnds();  // so that it outlives even a static Client
}

Channel::~Channel() {
  ChannelEnds().Post([grpc = std::move(grpc_)]() mutable { grpc.reset(); });
}

absl::Status Channel::Call(const std::string& method, const google::protobuf::MessageLite& request,
                           google::protobuf::MessageLite* response) {
  absl::Notification answered;
  absl::StatusOr<std::string> answer;
  CallAsync(method, request, [&](absl::StatusOr<std::string> result) {
    answer = std::move(result);
    answered.Notify();
  });
  answered.WaitForNotification();
  if (!answer.ok()) return answer.status();
  if (!response->ParseFromString(*answer)) {
    return MakeError(Reason::kInternal,
                     absl::StrCat("the answer to ", method, " is no ", response->GetTypeName()));
  }
  return absl::OkStatus();
}

void Channel::CallAsync(const std::string& method, const google::protobuf::MessageLite& request,
                        Done done) {
  auto* call = new UnaryCall{.channel = shared_from_this()};
  call->context.set_deadline(absl::ToChronoTime(Clock::Real().Now() + options_.call_timeout));
  call->request = Serialise(request);
  call->done = std::move(done);
  grpc_->stub.UnaryCall(&call->context, method, grpc::StubOptions(), &call->request,
                        &call->response, [call](const grpc::Status& status) {
                          const std::unique_ptr<UnaryCall> owned(call);
                          const absl::Status result = EndOf(status, call->context);
                          if (!result.ok()) return call->done(result);
                          call->done(Share(call->response).ToString());
                        });
}

std::shared_ptr<Stream> Channel::Open(const std::string& method, StreamEvents* events) {
  auto stream = std::make_shared<GrpcStream>(shared_from_this(), events);
  stream->Start(grpc_->stub, method, stream);
  return stream;
}

bool Channel::Connected() {
  if (grpc_->channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) return true;
  // While no call is under way nobody but who waits here drives the connection on: gRPC itself
  // looks at it every 5 s.
  return WaitUntilConnected(kConnectStep).ok();
}

absl::Status Channel::WaitUntilConnected(absl::Duration timeout) {
  if (grpc_->channel->WaitForConnected(absl::ToChronoTime(Clock::Real().Now() + timeout)))
    return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("no connection to ", options_.broker, " within ",
                                                  absl::FormatDuration(timeout)));
}

}  // namespace weir::client
