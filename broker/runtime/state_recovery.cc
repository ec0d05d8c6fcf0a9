#include "broker/runtime/state_recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/runtime/shard.h"
#include "storage/base/check.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

using Logs = absl::Span<const std::shared_ptr<PartitionLog>>;

std::string Name(const PartitionLog& log) {
  return absl::StrCat("internal partition ", log.id().topic.ToString(), "/",
                      log.id().partition.value());
}

// Why a store cannot be used; nothing when it can. An error when no other can be either.
absl::StatusOr<std::optional<std::string>> Unfit(const StateStore& store, Logs logs) {
  const absl::StatusOr<std::vector<Offset>> applied = AppliedOffsets(store, logs);
  if (absl::IsDataLoss(applied.status())) return std::string(applied.status().message());
  WEIR_RETURN_IF_ERROR(applied.status());
  for (size_t i = 0; i < logs.size(); ++i) {
    const Offset end = logs[i]->high_watermark();
    if ((*applied)[i] > end) {
      return absl::DataLossError(
          absl::StrCat("the state of ", Name(*logs[i]), " contains offsets up to ",
                       (*applied)[i].value(), ", but its log ends at ", end.value(),
                       ": log and state are not of one time; restore both from one backup"));
    }
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    const Offset start = logs[i]->log_start();
    if ((*applied)[i] < start) {
      return absl::StrCat("the state of ", Name(*logs[i]), " ends at offset ",
                          (*applied)[i].value(), ", and its log begins at ", start.value());
    }
  }
  return std::nullopt;
}

// A store that could be opened and is fit, or why it is not.
struct Candidate {
  std::unique_ptr<StateStore> store;
  std::string problem;
};

absl::StatusOr<Candidate> Judge(absl::StatusOr<std::unique_ptr<StateStore>> opened, Logs logs) {
  // A part of a snapshot that is missing cannot be copied.
  if (absl::IsDataLoss(opened.status()) || absl::IsNotFound(opened.status()))
    return Candidate{.store = nullptr, .problem = std::string(opened.status().message())};
  WEIR_RETURN_IF_ERROR(opened.status());
  WEIR_ASSIGN_OR_RETURN(std::optional<std::string> problem, Unfit(**opened, logs));
  if (problem.has_value()) return Candidate{.store = nullptr, .problem = *std::move(problem)};
  return Candidate{.store = *std::move(opened), .problem = ""};
}

// `copy` takes the place of the store that is missing or, put aside now, cannot be used.
absl::StatusOr<std::unique_ptr<StateStore>> Adopt(StateFiles& files,
                                                  std::unique_ptr<StateStore> copy,
                                                  StateNotes* notes) {
  copy = nullptr;  // closes it
  WEIR_ASSIGN_OR_RETURN(const bool has_store, files.HasStore());
  if (has_store) {
    WEIR_ASSIGN_OR_RETURN(const std::string aside, files.PutStoreAside());
    notes->push_back(absl::StrCat("what was in ", files.StorePath(), " is kept in ", aside));
  }
  WEIR_RETURN_IF_ERROR(files.AdoptCopy());
  return files.OpenStore();
}

// The first log that no longer holds everything from its beginning; null when all do.
const PartitionLog* TrimmedLog(Logs logs) {
  const auto trimmed = std::find_if(logs.begin(), logs.end(),
                                    [](const auto& log) { return log->log_start() > Offset{0}; });
  return trimmed == logs.end() ? nullptr : trimmed->get();
}

absl::Status NothingLeft(const StateFiles& files, const PartitionLog& trimmed,
                         const std::vector<std::string>& problems) {
  return absl::DataLossError(absl::StrCat(
      "the state of the internal partitions is lost: ", absl::StrJoin(problems, "; "), "; and ",
      Name(trimmed), " begins at offset ", trimmed.log_start().value(),
      ", so that it cannot be made again from the log alone. Restore ", files.StorePath(),
      " or one of ", files.StorePath(),
      "-snapshot/ from a backup that is not older than that; starting without it would forget "
      "groups and their committed offsets"));
}

}  // namespace

absl::StatusOr<std::vector<Offset>> AppliedOffsets(const StateStore& store, Logs logs) {
  std::vector<Offset> applied;
  for (const auto& log : logs) {
    WEIR_ASSIGN_OR_RETURN(const Offset offset, AppliedOffset(store, log->id()));
    applied.push_back(offset);
  }
  return applied;
}

absl::StatusOr<std::unique_ptr<StateStore>> RecoverState(StateFiles& files, Logs logs,
                                                         StateNotes* notes) {
  WEIR_RETURN_IF_ERROR(files.Prepare());
  WEIR_ASSIGN_OR_RETURN(const bool has_store, files.HasStore());
  WEIR_ASSIGN_OR_RETURN(std::vector<int64_t> snapshots, files.Snapshots());
  std::string problem = "missing";
  if (has_store) {
    WEIR_ASSIGN_OR_RETURN(Candidate store, Judge(files.OpenStore(), logs));
    if (store.store != nullptr) return std::move(store.store);
    problem = store.problem;
  }
  std::vector<std::string> problems = {
      absl::StrCat(files.StorePath(), " cannot be used: ", problem)};
  if (SeededBug("start-empty-without-state")) snapshots.clear();
  for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
    const std::string path = files.SnapshotPath(*snapshot);
    WEIR_ASSIGN_OR_RETURN(Candidate copy, Judge(files.OpenCopy(*snapshot), logs));
    if (copy.store != nullptr) {
      notes->insert(notes->end(), problems.begin(), problems.end());
      notes->push_back(
          absl::StrCat(files.StorePath(), " is made again from ", path, "; the log adds the rest"));
      return Adopt(files, std::move(copy.store), notes);
    }
    problems.push_back(absl::StrCat(path, " cannot be used: ", copy.problem));
  }
  const PartitionLog* const trimmed = TrimmedLog(logs);
  if (trimmed != nullptr && !SeededBug("start-empty-without-state"))
    return NothingLeft(files, *trimmed, problems);
  if (has_store || !snapshots.empty()) {
    notes->insert(notes->end(), problems.begin(), problems.end());
    notes->push_back(absl::StrCat(files.StorePath(), " is made again from the logs alone"));
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> empty, files.OpenEmpty());
  return Adopt(files, std::move(empty), notes);
}

}  // namespace weir
