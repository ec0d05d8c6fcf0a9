#include "storage/log/append.h"

#include <cstring>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {
constexpr absl::string_view kPayloadUrl = "weir/part";  // topic id, 16 bytes | partition i32
constexpr size_t kTopicBytes = sizeof(TopicId::bytes);
}  // namespace

std::optional<TopicPartition> RefusedPart(const absl::Status& refusal) {
  const absl::optional<absl::Cord> cord = refusal.GetPayload(kPayloadUrl);
  if (!cord.has_value()) return std::nullopt;
  const std::string bytes(*cord);
  ByteReader in(bytes);
  TopicPartition part;
  const absl::string_view topic = in.ReadBytes(kTopicBytes);
  part.partition = PartitionIndex{in.Read<int32_t>()};
  if (!in.ok()) return std::nullopt;
  std::memcpy(part.topic.bytes.data(), topic.data(), kTopicBytes);
  return part;
}

absl::Status OfPart(const TopicPartition& part, const absl::Status& refusal) {
  absl::Status named(refusal.code(), absl::StrCat("partition ", part.topic.ToString(), "/",
                                                  part.partition.value(), ": ", refusal.message()));
  refusal.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { named.SetPayload(url, payload); });
  std::string bytes(reinterpret_cast<const char*>(part.topic.bytes.data()), kTopicBytes);
  AppendLittle(&bytes, part.partition.value());
  named.SetPayload(kPayloadUrl, absl::Cord(bytes));
  return named;
}

}  // namespace weir
