// What machines write as protobuf messages: records of internal partitions and values of the state
// store, and how they are read back. Pure functions, any thread.
#ifndef WEIR_BROKER_RUNTIME_STORED_MESSAGE_H_
#define WEIR_BROKER_RUNTIME_STORED_MESSAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/runtime/internal_record.h"

namespace weir {

// DATA_LOSS.
inline absl::Status Malformed(absl::string_view message, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a stored ", message, " is damaged: ", what));
}

template <typename Message>
InternalRecord RecordOfMessage(uint16_t kind, uint16_t version, const Message& message) {
  return {.kind = kind, .version = version, .payload = message.SerializeAsString()};
}

// DATA_LOSS when the bytes are no such message.
template <typename Message>
absl::StatusOr<Message> ParseStored(absl::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Malformed(std::string(Message::descriptor()->name()), "it cannot be parsed");
  return message;
}

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STORED_MESSAGE_H_
