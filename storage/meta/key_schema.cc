#include "storage/meta/key_schema.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

absl::Status Malformed(absl::string_view key, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the metadata of '", absl::CEscape(key), "' is damaged: ", what));
}

template <typename Message>
absl::StatusOr<Message> Parse(absl::string_view key, absl::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed(key, absl::StrCat("no ", std::string(Message::descriptor()->full_name())));
  }
  return message;
}

// The same message always gives the same bytes: by default protobuf writes maps in any order.
std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  WEIR_CHECK(message.SerializeToCodedStream(&out));
  out.Trim();
  return bytes;
}

}  // namespace

std::string TopicNameKey(absl::string_view name) { return absl::StrCat(kTopicNamePrefix, name); }
std::string TopicKey(TopicId id) { return absl::StrCat(kTopicPrefix, id.ToString()); }
std::string DeletedTopicKey(TopicId id) { return absl::StrCat(kDeletedTopicPrefix, id.ToString()); }
std::string PartitionsKey(TopicId id) { return absl::StrCat(kPartitionsPrefix, id.ToString()); }

std::string EncodeTopicId(TopicId id) { return std::string(id.bytes.begin(), id.bytes.end()); }
std::string Encode(const internal::TopicRecord& record) { return Serialize(record); }
std::string Encode(const internal::PartitionStates& states) { return Serialize(states); }
std::string Encode(const internal::ProducerIds& ids) { return Serialize(ids); }

absl::StatusOr<TopicId> DecodeTopicId(absl::string_view key, absl::string_view bytes) {
  TopicId id;
  if (bytes.size() != id.bytes.size())
    return Malformed(key, absl::StrCat("an id of ", bytes.size(), " bytes"));
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

absl::StatusOr<internal::TopicRecord> DecodeTopicRecord(absl::string_view key,
                                                        absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(internal::TopicRecord record, Parse<internal::TopicRecord>(key, bytes));
  WEIR_RETURN_IF_ERROR(DecodeTopicId(key, record.id()).status());
  if (record.name().empty()) return Malformed(key, "no name");
  if (record.partitions() < 1)
    return Malformed(key, absl::StrCat(record.partitions(), " partitions"));
  return record;
}

absl::StatusOr<internal::PartitionStates> DecodePartitionStates(absl::string_view key,
                                                                absl::string_view bytes) {
  return Parse<internal::PartitionStates>(key, bytes);
}

absl::StatusOr<internal::ProducerIds> DecodeProducerIds(absl::string_view key,
                                                        absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(internal::ProducerIds ids, Parse<internal::ProducerIds>(key, bytes));
  if (ids.next() < 0) return Malformed(key, absl::StrCat("the next producer id is ", ids.next()));
  return ids;
}

}  // namespace weir
