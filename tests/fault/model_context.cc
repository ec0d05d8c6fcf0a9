#include "tests/fault/model_context.h"

#include <iterator>

namespace weir {

ModelTopic* ModelContext::AnyTopic() {
  if (model.topics.empty()) return nullptr;
  const auto n = draw.Between(0, static_cast<int64_t>(model.topics.size()) - 1);
  return &std::next(model.topics.begin(), n)->second;
}

std::string ModelContext::AnyTopicName() {
  ModelTopic* const topic = AnyTopic();
  if (topic != nullptr && draw.Chance(0.97)) return topic->name;
  return absl::StrCat(prefix, "t", draw.Between(0, kTopicNames));  // the last one never exists
}

int32_t ModelContext::AnyPartition(const std::string& name) {
  const ModelTopic* const topic = model.Find(name);
  const int32_t count = topic == nullptr ? 1 : topic->partition_count();
  if (draw.Chance(0.02)) return draw.OneOf<int32_t>({-1, count, count + 7, INT32_MIN, INT32_MAX});
  return static_cast<int32_t>(draw.Between(0, count - 1));
}

std::string ModelContext::AnyGroup() {
  if (!model.groups.empty() && draw.Chance(0.9)) {
    const auto n = draw.Between(0, static_cast<int64_t>(model.groups.size()) - 1);
    return std::next(model.groups.begin(), n)->first;
  }
  return absl::StrCat(prefix, "g", draw.Between(0, kGroupNames));  // the last one never exists
}

ModelTopic* ModelContext::LastingTopic() {
  for (int tries = 0; tries < 8; ++tries) {
    ModelTopic* const topic = AnyTopic();
    if (topic != nullptr && !topic->may_expire) return topic;
  }
  return nullptr;
}

}  // namespace weir
