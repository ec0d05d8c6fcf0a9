// Topic: what the broker knows of one topic at one moment. A change makes a new one. Immutable, any
// thread.
#ifndef WEIR_BROKER_TOPICS_TOPIC_H_
#define WEIR_BROKER_TOPICS_TOPIC_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "broker/topics/topic_config.h"
#include "storage/base/types.h"
#include "storage/meta/metadata_store.h"
#include "weir/internal/state.pb.h"

namespace weir {

struct Topic {
  TopicId id;
  std::string name;
  int32_t partitions = 0;
  TopicConfigMap overrides;  // what was set
  TopicConfig config;        // what is in force
  int64_t created_ms = 0;
  Revision revision;  // of its record in the metadata store

  bool Has(PartitionIndex partition) const {
    return partition.value() >= 0 && partition.value() < partitions;
  }
};

// For the metadata store.
internal::TopicRecord ToRecord(const Topic& topic, bool deleted);

// From its stored record. FAILED_PRECONDITION when the record has a configuration that this version
// does not know or allow.
absl::StatusOr<Topic> FromRecord(const internal::TopicRecord& record, Revision revision,
                                 const TopicConfig& defaults);

}  // namespace weir

#endif  // WEIR_BROKER_TOPICS_TOPIC_H_
