// TopicNames: what the topics of a data directory are called. The metadata store cannot be opened
// twice, nor without writing to it, so a copy of its few files is read: the directory itself is
// never touched and a running broker never notices. When that fails (the store changed while it was
// copied, or is damaged) topics go by their ids. Immutable once loaded.
#ifndef WEIR_TOOLS_LOG_INSPECT_TOPIC_NAMES_H_
#define WEIR_TOOLS_LOG_INSPECT_TOPIC_NAMES_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"

namespace weir {

class TopicNames {
 public:
  // Never fails: see status().
  static TopicNames Load(FileSystem& fs, const std::string& data_directory);

  // The topic's name, or its id when it is not known.
  std::string NameOf(const TopicId& id) const;
  // The topic is known to be deleted, or never to have been there.
  bool Gone(const TopicId& id) const { return status_.ok() && !names_.contains(id); }
  // Why no names are known; OK when they are.
  const absl::Status& status() const { return status_; }

 private:
  absl::Status Read(FileSystem& fs, const std::string& store);

  std::map<TopicId, std::string> names_;
  absl::Status status_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_TOPIC_NAMES_H_
