// KeySchema: where the metadata store keeps what, and how values become bytes (weir.internal
// messages). Pure functions, any thread.
//
//   topic/name/<name>     the live topic's id, 16 bytes: this key makes names unique
//   topic/id/<uuid>       TopicRecord of a live topic
//   topic/deleted/<uuid>  TopicRecord of a deleted one whose files may still be there
//   partitions/<uuid>     PartitionStates of a live topic
//   producer-ids          ProducerIds
#ifndef WEIR_STORAGE_META_KEY_SCHEMA_H_
#define WEIR_STORAGE_META_KEY_SCHEMA_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/types.h"
#include "weir/internal/state.pb.h"

namespace weir {

inline constexpr absl::string_view kTopicNamePrefix = "topic/name/";
inline constexpr absl::string_view kTopicPrefix = "topic/id/";
inline constexpr absl::string_view kDeletedTopicPrefix = "topic/deleted/";
inline constexpr absl::string_view kPartitionsPrefix = "partitions/";
inline constexpr absl::string_view kProducerIdsKey = "producer-ids";

std::string TopicNameKey(absl::string_view name);
std::string TopicKey(TopicId id);
std::string DeletedTopicKey(TopicId id);
std::string PartitionsKey(TopicId id);

// 16 bytes.
std::string EncodeTopicId(TopicId id);

std::string Encode(const internal::TopicRecord& record);
std::string Encode(const internal::PartitionStates& states);
std::string Encode(const internal::ProducerIds& ids);

// DATA_LOSS when the bytes are not what Encode gives; `key` is for the message.
absl::StatusOr<TopicId> DecodeTopicId(absl::string_view key, absl::string_view bytes);
// Also checks that the record has an id, a name and partitions.
absl::StatusOr<internal::TopicRecord> DecodeTopicRecord(absl::string_view key,
                                                        absl::string_view bytes);
absl::StatusOr<internal::PartitionStates> DecodePartitionStates(absl::string_view key,
                                                                absl::string_view bytes);
absl::StatusOr<internal::ProducerIds> DecodeProducerIds(absl::string_view key,
                                                        absl::string_view bytes);

}  // namespace weir

#endif  // WEIR_STORAGE_META_KEY_SCHEMA_H_
