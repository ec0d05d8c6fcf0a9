// Producer::Core::Connection: one ProduceStream, from Connect to its end. It only hands on, and
// keeps itself and the Core alive until it is over. Any thread.
#ifndef WEIR_CLIENT_SRC_PRODUCER_CONNECTION_H_
#define WEIR_CLIENT_SRC_PRODUCER_CONNECTION_H_

#include <memory>
#include <utility>

#include "client/src/channel.h"
#include "client/src/produce_wire.h"
#include "client/src/producer_core.h"

namespace weir {

class Producer::Core::Connection : public client::StreamEvents {
 public:
  explicit Connection(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // `self` is this. Writes and reads only afterwards.
  void Open(client::Channel& channel, std::shared_ptr<Connection> self) {
    self_ = std::move(self);
    stream_ = channel.Open(client::kProduceStream, this);
  }
  void Write(absl::string_view head, absl::string_view body, std::shared_ptr<const void> owner) {
    stream_->Write(head, body, std::move(owner));
  }
  void Read() { stream_->Read(); }
  void Cancel() { stream_->Cancel(); }

 private:
  void OnWritten() override { core_->OnWritten(); }
  void OnMessage(SharedBytes message) override { core_->OnAnswer(*this, message); }
  void OnClosed(const absl::Status& status) override {
    const std::shared_ptr<Connection> self = std::move(self_);
    core_->OnClosed(status);
  }

  const std::shared_ptr<Core> core_;
  std::shared_ptr<Connection> self_;
  std::shared_ptr<client::Stream> stream_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_SRC_PRODUCER_CONNECTION_H_
