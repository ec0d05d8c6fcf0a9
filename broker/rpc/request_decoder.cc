#include "broker/rpc/request_decoder.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/decoded_size.h"
#include "broker/rpc/wire_bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// The decoded request, what the call makes of it, and two parts for the answer: an error has a text
// of its own.
constexpr int64_t kTimesDecoded = 4;

}  // namespace

absl::StatusOr<Reservation> DecodeRequest(const grpc::ByteBuffer& bytes, int64_t most_bytes,
                                          MemoryShare& memory, google::protobuf::Message* request) {
  const google::protobuf::Descriptor& type = *request->GetDescriptor();
  const auto size = static_cast<int64_t>(bytes.Length());
  if (size > most_bytes) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the request has ", size, " bytes; a ", type.full_name(),
                                  " may have at most ", most_bytes));
  }
  WEIR_ASSIGN_OR_RETURN(const int64_t decoded,
                        DecodedBytes(ShareBuffer(bytes), type, limits::kDecodedRequestBytes));
  const int64_t needed = size + kTimesDecoded * decoded;
  std::optional<Reservation> reserved = memory.TryReserve(needed);
  if (!reserved.has_value()) return OverMemoryBudget(memory, needed);
  if (!FromByteBuffer(bytes, request)) return NotA(type);
  return *std::move(reserved);
}

}  // namespace weir
