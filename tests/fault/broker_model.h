// BrokerModel: what the broker must know, kept the simplest way: topics with their configuration
// and partitions, consumer groups, and the identities that were given to producers. It talks to
// nobody; operations change it when the broker has answered. One thread.
#ifndef WEIR_TESTS_FAULT_BROKER_MODEL_H_
#define WEIR_TESTS_FAULT_BROKER_MODEL_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/record/record_batch.h"
#include "tests/fault/model_group.h"
#include "tests/fault/model_partition.h"
#include "tests/fault/model_record.h"

namespace weir {

struct ModelTopic {
  std::string name;
  std::string id;
  // Records may go by themselves: retention is, or once was, stricter than the default.
  bool may_expire = false;
  std::map<std::string, std::string> overrides;  // as the broker says them
  std::vector<ModelPartition> partitions;

  int32_t partition_count() const { return static_cast<int32_t>(partitions.size()); }
  ModelPartition* Find(int32_t partition);  // null: there is none
  // Of any setting, set or not.
  std::string Config(const std::string& setting) const;
  int64_t max_message_bytes() const;
  bool log_append_time() const { return Config("message.timestamp.type") == "LogAppendTime"; }
  // Sets one value that is allowed.
  void SetConfig(const std::string& setting, const std::string& said);
};

struct ModelIdentity {
  int64_t producer_id = 0;
  int32_t epoch = 0;  // the newest that was given
};

struct BrokerModel {
  std::map<std::string, ModelTopic> topics;
  std::map<std::string, ModelGroup> groups;
  std::set<std::string> topic_ids;  // that were ever given
  std::vector<ModelIdentity> identities;
  std::set<int64_t> producer_ids;  // that were ever given
  int32_t leader_epoch = 0;        // of the broker's present start

  ModelTopic* Find(const std::string& name);  // null: there is none
  ModelGroup* FindGroup(const std::string& id);
  // What is wrong with a partition as a request names it: UNKNOWN_TOPIC, UNKNOWN_PARTITION, or
  // empty.
  std::string Missing(const std::string& topic, int32_t partition);
  int64_t partitions() const;
  // Of all records, about.
  int64_t size_bytes() const;
};

// The partition that Kafka's default partitioner gives: murmur2, written down once more.
int32_t ModelPartitionOfKey(const std::string& key, int32_t partitions);

// The batch that a producer makes of these records.
std::string EncodeModelBatch(const std::vector<ModelRecord>& records,
                             const ModelNumbering& numbering, Compression compression);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_BROKER_MODEL_H_
