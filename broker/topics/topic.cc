#include "broker/topics/topic.h"

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/meta/key_schema.h"

namespace weir {

internal::TopicRecord ToRecord(const Topic& topic, bool deleted) {
  internal::TopicRecord record;
  record.set_id(EncodeTopicId(topic.id));
  record.set_name(topic.name);
  record.set_partitions(topic.partitions);
  record.mutable_config()->insert(topic.overrides.begin(), topic.overrides.end());
  record.set_created_ms(topic.created_ms);
  record.set_deleted(deleted);
  return record;
}

absl::StatusOr<Topic> FromRecord(const internal::TopicRecord& record, Revision revision,
                                 const TopicConfig& defaults) {
  Topic topic;
  WEIR_ASSIGN_OR_RETURN(topic.id, DecodeTopicId(record.name(), record.id()));
  topic.name = record.name();
  topic.partitions = record.partitions();
  topic.overrides = TopicConfigMap(record.config().begin(), record.config().end());
  topic.created_ms = record.created_ms();
  topic.revision = revision;
  const absl::StatusOr<TopicConfig> config = ParseTopicConfig(topic.overrides, defaults);
  if (!config.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("topic '", topic.name,
                     "' was configured by another version of the broker, start that one: ",
                     config.status().message()));
  }
  topic.config = *config;
  return topic;
}

}  // namespace weir
