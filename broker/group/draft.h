// Draft: what a handler is about to decide: the records, and what happens once these are durable:
// what members are told, what is counted. Used by one handler, then gone.
#ifndef WEIR_BROKER_GROUP_DRAFT_H_
#define WEIR_BROKER_GROUP_DRAFT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "broker/group/group_requests.h"
#include "broker/runtime/state_machine.h"

namespace weir {

class Draft {
 public:
  // `listener` outlives the decision's answer.
  explicit Draft(GroupListener* listener) : listener_(listener) {}

  void Add(InternalRecord record) {
    bytes_ += static_cast<int64_t>(record.payload.size());
    records_.push_back(std::move(record));
  }
  // Of the records.
  int64_t bytes() const { return bytes_; }
  // For a member that is not connected there is none: a session of 0 is passed over.
  void Tell(Notice notice) {
    if (notice.session != SessionId{0}) notices_.push_back(std::move(notice));
  }

  // Is called when the records are durable, before the answer.
  void OnDurable(absl::AnyInvocable<void()> then) { then_.push_back(std::move(then)); }

  // The decision. The answer goes out first, then the notices.
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
    return {
        .records = std::move(records_),
        .answer = [done = std::move(done), then = std::move(then_), notices = std::move(notices_),
                   listener = listener_](const absl::Status& durable) mutable {
          if (durable.ok()) {
            for (absl::AnyInvocable<void()>& call : then) call();
          }
          done(durable);
          if (!durable.ok()) return;
          for (const Notice& notice : notices) listener->OnNotice(notice);
        }};
  }

  GroupListener* listener_;
  std::vector<InternalRecord> records_;
  int64_t bytes_ = 0;
  std::vector<absl::AnyInvocable<void()>> then_;
  std::vector<Notice> notices_;
};

// Nothing happens; the caller is told why, after everything that the refusal is grounded on is
// durable.
template <typename T>
Decision Refuse(Reply<T> reply, absl::Status why) {
  return {.answer = [reply = std::move(reply), why = std::move(why)](
                        const absl::Status& s) mutable { reply(s.ok() ? std::move(why) : s); }};
}
inline Decision Refuse(Done done, absl::Status why) {
  return {.answer = [done = std::move(done), why = std::move(why)](const absl::Status& s) mutable {
    done(s.ok() ? why : s);
  }};
}

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_DRAFT_H_
