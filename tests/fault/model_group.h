// ModelGroup: one consumer group as the reference model keeps it: its settings, where it begins,
// what it has committed, and the one member that it may have. It says what the broker must answer.
// One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_GROUP_H_
#define WEIR_TESTS_FAULT_MODEL_GROUP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/fault/model_config.h"
#include "weir/v1/group.pb.h"

namespace weir {

// A topic's id, and a partition of it.
using ModelPlace = std::pair<std::string, int32_t>;

struct ModelCommit {
  int64_t offset = 0;
  std::string metadata;
  std::optional<int32_t> leader_epoch;
};

// A member that is connected, or was cut off and is still thought to come back.
struct ModelMembership {
  std::string id;
  int64_t epoch = 0;
  std::set<std::string> topics;  // that it subscribes to
  std::set<ModelPlace> owned;    // as it was told last
};

class ModelGroup {
 public:
  ModelGroup() = default;
  explicit ModelGroup(v1::GroupStart start) : start_(start) {}

  v1::GroupStart start() const { return start_; }
  const std::map<ModelPlace, ModelCommit>& committed() const { return committed_; }
  // Null: nothing is.
  const ModelCommit* Find(const ModelPlace& place) const;
  // Why a commit of this is refused; empty when it is taken.
  std::string WhyNot(const ModelPlace& place, const ModelCommit& commit, int64_t log_end) const;
  void Commit(const ModelPlace& place, const ModelCommit& commit) { committed_[place] = commit; }

  // A member subscribes to the topic, whose partitions have these ends.
  void Start(const std::string& topic_id, const std::vector<int64_t>& ends);
  // The group has given out a topic that came after its member subscribed.
  void StartLater(const std::string& topic_id) {
    if (start_ != v1::EARLIEST) started_with_.try_emplace(topic_id, 0);
  }
  // Where a member may be told to begin: the committed offset, the log start, or -1, nowhere. Two
  // are possible for what came while somebody was subscribed to it, until the group looks at it.
  std::set<int64_t> ReadFrom(const ModelPlace& place, int64_t log_start) const;

  // The settings of groups, by name, and those that are set here.
  static const std::vector<ModelSetting>& Settings();
  std::map<std::string, std::string> overrides;  // as the broker says them
  std::string Config(const std::string& setting) const;
  // It keeps the places of members longer than any test takes.
  bool KeepsMembers() const { return Config("session.timeout.ms") == "1800000"; }

  bool paused = false;
  std::optional<ModelMembership> member;

 private:
  v1::GroupStart start_ = v1::EARLIEST;
  std::map<ModelPlace, ModelCommit> committed_;
  std::map<std::string, size_t> started_with_;  // partitions, by topic id
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_GROUP_H_
