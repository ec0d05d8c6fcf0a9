#include "broker/group/group_expiry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/draft.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

std::string Timer(const std::string& group) { return absl::StrCat("expire/", group); }

}  // namespace

void GroupExpiry::Watch(const MachineTime& now, const GroupHead& head) {
  const bool has_members = head.empty_since_ms == 0 && !SeededBug("expire-group-with-members");
  if (has_members || head.type != GroupType::kConsumer) return Forget(head.id);
  const Group* const group = context_->groups.Find(head.id);
  const int64_t last_commit_ms = group == nullptr ? 0 : group->offsets().last_commit_ms();
  const int64_t due_ms =
      std::max(head.empty_since_ms, last_commit_ms) + head.config.offsets_retention_ms;
  const int64_t wait_ms = std::max<int64_t>(due_ms - now.now_ms, 0);
  context_->timers->SetTimer(
      Timer(head.id), now.monotonic + absl::Milliseconds(wait_ms),
      [this, id = head.id](const MachineTime& at) { return OnTimer(at, id); });
}

void GroupExpiry::Forget(const std::string& group) { context_->timers->CancelTimer(Timer(group)); }

Decision GroupExpiry::OnTimer(const MachineTime& now, const std::string& id) {
  const Group* const group = context_->groups.Find(id);
  if (group == nullptr) return {};
  if (!group->members().empty() && !SeededBug("expire-group-with-members")) return {};
  const GroupHead& head = group->head();
  const int64_t quiet_since_ms = std::max(head.empty_since_ms, group->offsets().last_commit_ms());
  if (now.now_ms - quiet_since_ms < head.config.offsets_retention_ms) {
    Watch(now, head);
    return {};
  }
  Draft draft(context_->listener);
  draft.Add(GroupRemovedRecord(id));
  draft.OnDurable([this, id] { context_->counters.Forget(id); });
  return std::move(draft).Silent();
}

}  // namespace weir
