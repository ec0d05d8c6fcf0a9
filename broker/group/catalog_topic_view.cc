#include "broker/group/catalog_topic_view.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

TopicView::Topic Seen(const Topic& topic) {
  return {.id = topic.id, .name = topic.name, .partitions = topic.partitions};
}

std::optional<TopicView::Topic> SeenIfUsers(const TopicPtr& topic) {
  if (topic == nullptr || IsInternalTopic(topic->name)) return std::nullopt;
  return Seen(*topic);
}

}  // namespace

std::optional<TopicView::Topic> CatalogTopicView::Find(absl::string_view name) const {
  return SeenIfUsers(catalog_->Find(name));
}

std::optional<TopicView::Topic> CatalogTopicView::Find(TopicId id) const {
  return SeenIfUsers(catalog_->Find(id));
}

std::vector<TopicView::Topic> CatalogTopicView::WithPrefix(absl::string_view prefix) const {
  std::vector<Topic> seen;
  for (const TopicPtr& topic : catalog_->List(prefix, "", std::numeric_limits<size_t>::max()))
    seen.push_back(Seen(*topic));
  return seen;
}

absl::StatusOr<TopicView::Bounds> CatalogTopicView::BoundsOf(
    const TopicPartition& partition) const {
  const TopicPtr topic = catalog_->Find(partition.topic);
  if (topic == nullptr) return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  if (!topic->Has(partition.partition)) {
    return MakeError(Reason::kUnknownPartition,
                     absl::StrCat("topic '", topic->name, "' has partitions 0 to ",
                                  topic->partitions - 1, ", not ", partition.partition.value()));
  }
  WEIR_ASSIGN_OR_RETURN(const LogBounds bounds, logs_->Bounds(partition));
  return Bounds{.start = bounds.log_start, .end = bounds.high_watermark};
}

}  // namespace weir
