// The rules for topic names: Kafka's, so that names can move between the two. Pure functions, any
// thread.
#ifndef WEIR_BROKER_TOPICS_TOPIC_NAME_H_
#define WEIR_BROKER_TOPICS_TOPIC_NAME_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

// What is wrong with a name, which may have 1 to `longest` characters of A-Z a-z 0-9 . _ - and is
// not
// "." or ".."; empty when nothing is. Of topics and of groups.
std::string FaultOfName(absl::string_view name, size_t longest);

// OK for 1 to 249 characters of A-Z a-z 0-9 . _ - that are not "." or ".." and do not begin with
// "__" (the broker's own topics do). Otherwise INVALID_TOPIC_NAME.
absl::Status CheckTopicName(absl::string_view name);

// The broker's own: name begins with "__".
bool IsInternalTopic(absl::string_view name);
// INVALID_TOPIC_NAME for the broker's own topics, which nobody else may change or write to.
absl::Status CheckMayChange(absl::string_view name);

}  // namespace weir

#endif  // WEIR_BROKER_TOPICS_TOPIC_NAME_H_
