#include "tests/fault/model_group.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {

const ModelCommit* ModelGroup::Find(const ModelPlace& place) const {
  const auto found = committed_.find(place);
  return found == committed_.end() ? nullptr : &found->second;
}

std::string ModelGroup::WhyNot(const ModelPlace& place, const ModelCommit& commit,
                               int64_t log_end) const {
  if (commit.offset < 0) return "INVALID_REQUEST";
  if (commit.metadata.size() > limits::kOffsetMetadataBytes) return "OFFSET_METADATA_TOO_LARGE";
  if (commit.offset > log_end) return "OFFSET_OUT_OF_RANGE";
  const ModelCommit* const before = Find(place);
  return before != nullptr && before->offset > commit.offset ? "OFFSET_MOVES_BACK" : "";
}

void ModelGroup::Start(const std::string& topic_id, const std::vector<int64_t>& ends) {
  if (start_ == v1::EARLIEST || started_with_.contains(topic_id)) return;
  started_with_[topic_id] = ends.size();
  if (start_ != v1::LATEST) return;
  for (size_t p = 0; p < ends.size(); ++p)
    committed_.try_emplace({topic_id, static_cast<int32_t>(p)}, ModelCommit{.offset = ends[p]});
}

std::set<int64_t> ModelGroup::ReadFrom(const ModelPlace& place, int64_t log_start) const {
  if (const ModelCommit* const commit = Find(place)) return {commit->offset};
  if (start_ == v1::EARLIEST) return {log_start};
  const auto started = started_with_.find(place.first);
  if (started == started_with_.end()) {
    if (member.has_value()) return {-1, log_start};
    return {-1};
  }
  return {static_cast<size_t>(place.second) >= started->second ? log_start : -1};
}

const std::vector<ModelSetting>& ModelGroup::Settings() {
  static const auto& settings = *new std::vector<ModelSetting>{
      {.name = "assignor",
       .fallback = "sticky",
       .good = {{"sticky", "sticky"}, {"range", "range"}},
       .bad = {"", "Range", "roundrobin"}},
      {.name = "offsets.retention.ms",
       .fallback = "604800000",
       .good = {{"604800000", "604800000"}, {"086400000", "86400000"}},
       .bad = {"59999", "-1", "315360000001", "7d"}},
      {.name = "rebalance.timeout.ms",
       .fallback = "60000",
       .good = {{"60000", "60000"}, {"3600000", "3600000"}},
       .bad = {"999", "3600001", "1e4", ""}},
      {.name = "session.timeout.ms",
       .fallback = "45000",
       .good = {{"45000", "45000"}, {"1800000", "1800000"}},
       .bad = {"999", "1800001", "0x400"}}};
  return settings;
}

std::string ModelGroup::Config(const std::string& setting) const {
  const auto found = overrides.find(setting);
  if (found != overrides.end()) return found->second;
  const auto known = std::find_if(Settings().begin(), Settings().end(),
                                  [&](const ModelSetting& one) { return one.name == setting; });
  WEIR_CHECK(known != Settings().end());
  return known->fallback;
}

}  // namespace weir
