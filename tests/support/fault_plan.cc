#include "tests/support/fault_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

bool CanRunOutOfSpace(OperationKind kind) {
  return !IsRead(kind) && kind != OperationKind::kRemove && kind != OperationKind::kTruncate;
}

}  // namespace

bool IsRead(OperationKind kind) { return kind >= OperationKind::kOpen; }

absl::string_view NameOf(OperationKind kind) {
  constexpr absl::string_view kNames[] = {
      "create", "write",     "truncate", "sync",           "create directory",
      "remove", "rename",    "link",     "sync directory", "sync all",
      "lock",   "open",      "read",     "read cached",    "stat",
      "list",   "free space"};
  return kNames[static_cast<size_t>(kind)];
}

absl::string_view NameOf(Fault fault) {
  constexpr absl::string_view kNames[] = {"EIO", "ENOSPC", "short write"};
  return kNames[static_cast<size_t>(fault)];
}

std::string Operation::ToString() const {
  std::string text;
  if (number > 0) text = absl::StrCat(IsRead(kind) ? "read " : "", "#", number, " ");
  absl::StrAppend(&text, NameOf(kind), " ", path);
  if (kind == OperationKind::kWrite || kind == OperationKind::kRead ||
      kind == OperationKind::kReadCached) {
    absl::StrAppend(&text, " [", position, ", ", position + length, ")");
  } else if (kind == OperationKind::kTruncate) {
    absl::StrAppend(&text, " to ", position);
  }
  return text;
}

void FaultPlan::FailOperation(int64_t number, Fault fault, Repeat repeat) {
  rules_.push_back({.reads = false, .from = number, .fault = fault, .repeat = repeat});
}

void FaultPlan::FailRead(int64_t number, Fault fault, Repeat repeat) {
  rules_.push_back({.reads = true, .from = number, .fault = fault, .repeat = repeat});
}

void FaultPlan::FailNext(OperationKind kind, std::string path_part, Fault fault, Repeat repeat) {
  rules_.push_back({.reads = IsRead(kind),
                    .kind = kind,
                    .path_part = std::move(path_part),
                    .fault = fault,
                    .repeat = repeat});
}

bool FaultPlan::Matches(const Rule& rule, const Operation& operation) {
  if (IsRead(operation.kind) != rule.reads) return false;
  if (rule.kind.has_value()) {
    return operation.kind == *rule.kind && absl::StrContains(operation.path, rule.path_part);
  }
  return rule.repeat == Repeat::kOnce ? operation.number == rule.from
                                      : operation.number >= rule.from;
}

std::optional<Fault> FaultPlan::Decide(const Operation& operation) {
  const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                 [&](const Rule& r) { return Matches(r, operation); });
  if (rule == rules_.end()) return std::nullopt;
  const Fault fault = rule->fault;
  if (rule->repeat == Repeat::kOnce) rules_.erase(rule);
  if (fault == Fault::kNoSpace && !CanRunOutOfSpace(operation.kind)) return std::nullopt;
  return fault;
}

}  // namespace weir
