#include "client/src/work_wire.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <deque>
#include <vector>

#include "storage/base/error.h"

namespace weir::client {
namespace {

using google::protobuf::Arena;
using google::protobuf::io::ArrayInputStream;
using google::protobuf::io::ConcatenatingInputStream;
using google::protobuf::io::ZeroCopyInputStream;

// A job that is handed out alone is two small messages: one arena instead of many allocations.
struct Answer {
  Arena arena;
  v1::WorkResponse* response = Arena::CreateMessage<v1::WorkResponse>(&arena);
};

}  // namespace

absl::StatusOr<std::shared_ptr<const v1::WorkResponse>> DecodeWork(const SharedBytes& message) {
  const auto answer = std::make_shared<Answer>();
  std::deque<ArrayInputStream> pieces;
  std::vector<ZeroCopyInputStream*> in_turn;
  for (const absl::string_view piece : message.pieces())
    in_turn.push_back(&pieces.emplace_back(piece.data(), static_cast<int>(piece.size())));
  ConcatenatingInputStream in(in_turn.data(), static_cast<int>(in_turn.size()));
  if (!answer->response->ParseFromZeroCopyStream(&in))
    return MakeError(Reason::kInternal, "the broker's answer is no weir.v1.WorkResponse");
  return std::shared_ptr<const v1::WorkResponse>(answer, answer->response);
}

}  // namespace weir::client
