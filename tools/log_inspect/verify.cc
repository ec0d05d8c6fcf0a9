#include "tools/log_inspect/verify.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "tools/log_inspect/data_directory.h"
#include "tools/log_inspect/topic_names.h"

namespace weir {
namespace {

// How often a directory that looks wrong is walked again, because a running broker may have moved
// on meanwhile.
constexpr int kWalks = 3;

absl::StatusOr<VerifyReport> Walk(FileSystem& fs, const VerifyOptions& options) {
  VerifyReport report;
  const std::string& data = options.data_directory;
  const absl::StatusOr<RedoView> view = RedoView::Load(fs, data);
  if (absl::IsDataLoss(view.status())) {
    report.problems.push_back({data, std::string(view.status().message())});
    return report;
  }
  WEIR_RETURN_IF_ERROR(view.status());
  report.journal_rounds = view->rounds();
  // After the view: a topic that is deleted by now is in none of the lists below, or known to be
  // gone.
  const TopicNames names = TopicNames::Load(fs, data);
  if (!names.status().ok()) {
    report.notes.push_back({JoinPath(data, "meta"),
                            absl::StrCat("topics go by their ids, their names cannot be read: ",
                                         names.status().message())});
  }
  WEIR_ASSIGN_OR_RETURN(const LogsDirectoryList list, ListPartitions(fs, data));
  for (const std::string& path : list.unknown)
    report.notes.push_back({path, "belongs to no topic; the broker leaves it alone"});

  std::set<TopicPartition> all(list.partitions.begin(), list.partitions.end());
  for (const auto& [id, partition] : view->partitions()) all.insert(id);
  std::set<TopicId> topics;
  int64_t done = 0;
  for (const TopicPartition& id : all) {
    if (options.progress) options.progress(done++, static_cast<int64_t>(all.size()));
    if (names.Gone(id.topic)) {
      if (topics.insert(id.topic).second)
        report.notes.push_back(
            {TopicDirectory(data, id.topic), "is not the directory of a live topic"});
      continue;
    }
    topics.insert(id.topic);
    ++report.partitions;
    const auto known = view->partitions().find(id);
    if (known == view->partitions().end()) {
      WEIR_ASSIGN_OR_RETURN(const PartitionFiles files, ListSegments(fs, data, id));
      if (files.size_bytes() > 0) {
        report.notes.push_back({PartitionDirectory(data, id),
                                "neither recovery point nor journal know of its segments: nothing "
                                "in them was acknowledged "
                                "before this was read"});
      }
      continue;
    }
    const std::string name = absl::StrCat(names.NameOf(id.topic), "/", id.partition.value());
    WEIR_RETURN_IF_ERROR(VerifyPartition(fs, data, id, name, known->second, &report));
  }
  report.topics = static_cast<int64_t>(topics.size());
  return report;
}

}  // namespace

absl::StatusOr<VerifyReport> Verify(FileSystem& fs, const VerifyOptions& options) {
  WEIR_RETURN_IF_ERROR(CheckDataDirectory(fs, options.data_directory));
  WEIR_ASSIGN_OR_RETURN(VerifyReport report, Walk(fs, options));
  for (int i = 1; i < kWalks && !report.problems.empty(); ++i) {
    WEIR_ASSIGN_OR_RETURN(VerifyReport again, Walk(fs, options));
    std::erase_if(again.problems, [&](const Finding& problem) {
      return std::find(report.problems.begin(), report.problems.end(), problem) ==
             report.problems.end();
    });
    const bool settled = again.problems == report.problems;
    report = std::move(again);
    if (settled) break;
  }
  return report;
}

}  // namespace weir
