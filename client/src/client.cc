#include "weir/client.h"

#include <utility>

#include "client/src/channel.h"

namespace weir {

Client::Client(ClientOptions options)
    : channel_(std::make_shared<client::Channel>(std::move(options))) {}

absl::Status Client::WaitUntilConnected(absl::Duration timeout) {
  return channel_->WaitUntilConnected(timeout);
}

const ClientOptions& Client::options() const { return channel_->options(); }

}  // namespace weir
