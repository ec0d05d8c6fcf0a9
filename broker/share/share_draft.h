// ShareDraft: what a handler is about to decide: the records, and what happens once these are
// durable: what is counted, what the listener is told. Used by one handler, then gone.
#ifndef WEIR_BROKER_SHARE_SHARE_DRAFT_H_
#define WEIR_BROKER_SHARE_SHARE_DRAFT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "broker/runtime/reply.h"
#include "broker/runtime/state_machine.h"
#include "broker/share/share_records.h"
#include "broker/share/share_requests.h"

namespace weir {

class ShareDraft {
 public:
  // `listener` outlives the decision's answer.
  explicit ShareDraft(ShareListener* listener) : listener_(listener) {}

  void Add(InternalRecord record) { records_.push_back(std::move(record)); }
  void TellAvailable(const SharePartitionId& id) { available_.push_back(id); }
  void TellDying(const SharePartitionId& id) { dying_.push_back(id); }
  void TellOutcomes(const SharePartitionId& id, const ShareOutcomes& outcomes) {
    outcomes_.emplace_back(id, outcomes);
  }

  // Is called when the records are durable, before the answer.
  void OnDurable(absl::AnyInvocable<void()> then) { then_.push_back(std::move(then)); }

  // The decision. The answer goes out first, then the listener is told.
  template <typename T>
  Decision Answer(Reply<T> reply, T result) && {
    return Decide(
        [reply = std::move(reply), result = std::move(result)](const absl::Status& s) mutable {
          reply(s.ok() ? absl::StatusOr<T>(std::move(result)) : absl::StatusOr<T>(s));
        });
  }
  Decision Answer(Done done) && { return Decide(std::move(done)); }
  // Nobody asked: a timer.
  Decision Silent() && {
    return Decide([](const absl::Status&) {});
  }

 private:
  Decision Decide(Done done) {
    return {.records = std::move(records_),
            .answer = [done = std::move(done), then = std::move(then_),
                       available = std::move(available_), dying = std::move(dying_),
                       outcomes = std::move(outcomes_),
                       listener = listener_](const absl::Status& durable) mutable {
              if (durable.ok()) {
                for (absl::AnyInvocable<void()>& call : then) call();
              }
              done(durable);
              if (!durable.ok()) return;
              for (const auto& [id, counts] : outcomes) listener->OnOutcomes(id, counts);
              for (const SharePartitionId& id : dying) listener->OnDying(id);
              for (const SharePartitionId& id : available) listener->OnAvailable(id);
            }};
  }

  ShareListener* listener_;
  std::vector<InternalRecord> records_;
  std::vector<absl::AnyInvocable<void()>> then_;
  std::vector<SharePartitionId> available_;
  std::vector<SharePartitionId> dying_;
  std::vector<std::pair<SharePartitionId, ShareOutcomes>> outcomes_;
};

// Nothing happens; the caller is told why, after everything that the refusal is grounded on is
// durable.
template <typename T>
Decision RefuseShare(Reply<T> reply, absl::Status why) {
  return {.answer = [reply = std::move(reply), why = std::move(why)](
                        const absl::Status& s) mutable { reply(s.ok() ? std::move(why) : s); }};
}
inline Decision RefuseShare(Done done, absl::Status why) {
  return {.answer = [done = std::move(done), why = std::move(why)](const absl::Status& s) mutable {
    done(s.ok() ? why : s);
  }};
}

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_DRAFT_H_
