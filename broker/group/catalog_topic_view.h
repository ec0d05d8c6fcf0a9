// CatalogTopicView: the topics of the catalog and the bounds of their logs, as the machine of
// consumer groups sees them. Any thread; no call waits.
#ifndef WEIR_BROKER_GROUP_CATALOG_TOPIC_VIEW_H_
#define WEIR_BROKER_GROUP_CATALOG_TOPIC_VIEW_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/topic_view.h"
#include "broker/topics/topic_catalog.h"
#include "storage/log/log_manager.h"

namespace weir {

class CatalogTopicView : public TopicView {
 public:
  // Both outlive the view.
  CatalogTopicView(const TopicCatalog* catalog, LogManager* logs)
      : catalog_(catalog), logs_(logs) {}

  std::optional<Topic> Find(absl::string_view name) const override;
  std::optional<Topic> Find(TopicId id) const override;
  std::vector<Topic> WithPrefix(absl::string_view prefix) const override;
  absl::StatusOr<Bounds> BoundsOf(const TopicPartition& partition) const override;

 private:
  const TopicCatalog* const catalog_;
  LogManager* const logs_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_CATALOG_TOPIC_VIEW_H_
