#include "tests/fault/broker_model.h"

#include "absl/strings/numbers.h"
#include "storage/base/check.h"
#include "storage/record/record_batch_builder.h"
#include "tests/fault/model_config.h"

namespace weir {

ModelPartition* ModelTopic::Find(int32_t partition) {
  if (partition < 0 || partition >= partition_count()) return nullptr;
  return &partitions[static_cast<size_t>(partition)];
}

std::string ModelTopic::Config(const std::string& setting) const {
  const auto found = overrides.find(setting);
  return found == overrides.end() ? ModelSettingOf(setting).fallback : found->second;
}

int64_t ModelTopic::max_message_bytes() const {
  int64_t bytes = 0;
  WEIR_CHECK(absl::SimpleAtoi(Config("max.message.bytes"), &bytes));
  return bytes;
}

void ModelTopic::SetConfig(const std::string& setting, const std::string& said) {
  overrides[setting] = said;
  const ModelSetting& known = ModelSettingOf(setting);
  may_expire |= known.expires && said != known.fallback;
}

ModelTopic* BrokerModel::Find(const std::string& name) {
  const auto found = topics.find(name);
  return found == topics.end() ? nullptr : &found->second;
}

ModelGroup* BrokerModel::FindGroup(const std::string& id) {
  const auto found = groups.find(id);
  return found == groups.end() ? nullptr : &found->second;
}

std::string BrokerModel::Missing(const std::string& topic, int32_t partition) {
  ModelTopic* const found = Find(topic);
  if (found == nullptr) return "UNKNOWN_TOPIC";
  return found->Find(partition) == nullptr ? "UNKNOWN_PARTITION" : "";
}

int64_t BrokerModel::partitions() const {
  int64_t count = 0;
  for (const auto& [name, topic] : topics) count += topic.partition_count();
  return count;
}

int64_t BrokerModel::size_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, topic] : topics) {
    for (const ModelPartition& partition : topic.partitions) bytes += partition.size_bytes();
  }
  return bytes;
}

int32_t ModelPartitionOfKey(const std::string& key, int32_t partitions) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMix = 0x5bd1e995;
  const auto byte = [&key](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(key[i]));
  };
  uint32_t hash = kSeed ^ static_cast<uint32_t>(key.size());
  size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMix;
    word ^= word >> 24;
    hash = hash * kMix ^ word * kMix;
  }
  const size_t rest = key.size() - at;
  if (rest > 2) hash ^= byte(at + 2) << 16;
  if (rest > 1) hash ^= byte(at + 1) << 8;
  if (rest > 0) hash = (hash ^ byte(at)) * kMix;
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash & 0x7fffffff) % partitions;
}

std::string EncodeModelBatch(const std::vector<ModelRecord>& records,
                             const ModelNumbering& numbering, Compression compression) {
  RecordBatchBuilder builder;
  for (const ModelRecord& record : records) {
    const auto view = [](const std::optional<std::string>& bytes) {
      return bytes.has_value() ? std::optional<absl::string_view>(*bytes) : std::nullopt;
    };
    builder.Append(*record.timestamp_ms, view(record.key), view(record.value),
                   record.HeaderViews());
  }
  return builder.Finish({.compression = compression,
                         .producer_id = ProducerId{numbering.producer_id},
                         .producer_epoch = ProducerEpoch{static_cast<int16_t>(numbering.epoch)},
                         .base_sequence = numbering.base_sequence});
}

}  // namespace weir
