// CommitQueue: what waits for the committer: appends, in their order, and controls, which run
// between two rounds; who is refused while waiting, and when there is something to wake up for.
// Any thread, but for what is the committer's alone. Guarded by mu_.
#ifndef WEIR_STORAGE_LOG_COMMIT_QUEUE_H_
#define WEIR_STORAGE_LOG_COMMIT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/executor.h"
#include "storage/log/append.h"

namespace weir {

class Committer;

class CommitQueue {
 public:
  // A piece of work for the committer's thread. False: there was no room in the journal; it is
  // called again later.
  using Control = absl::AnyInvocable<bool(Committer&)>;

  // Answers are posted to `completions`.
  explicit CommitQueue(Executor* completions) : completions_(completions) {}

  // Bytes that the request takes in the journal, without the round's head.
  static int64_t BytesOf(const AppendRequest& request);

  // Refused with SHUTTING_DOWN after Close(), with TOO_MANY_REQUESTS when too many wait.
  void Add(AppendRequest request) ABSL_LOCKS_EXCLUDED(mu_);
  void Run(Control control) ABSL_LOCKS_EXCLUDED(mu_);
  // Answers the request, which is in no queue.
  void Refuse(AppendRequest request, absl::Status why);

  // What appends from outside are refused with; OK: they are not.
  void RefuseAppends(absl::Status reason) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status refusal() const ABSL_LOCKS_EXCLUDED(mu_);
  // The journal may have room again.
  void NoteRoom() ABSL_LOCKS_EXCLUDED(mu_);

  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  // After Close(), with a committer that has a thread: waits until everything is answered, or waits
  // for room in the journal that does not come.
  void Drain() ABSL_LOCKS_EXCLUDED(mu_);
  // The committer's thread is to end.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  // What is left gets SHUTTING_DOWN; controls go without a call.
  void RefuseAll() ABSL_LOCKS_EXCLUDED(mu_);

  // ---- The committer's.

  // Counts what may let it go on that could not: a control, room, a change of what is refused.
  uint64_t news() const ABSL_LOCKS_EXCLUDED(mu_);
  std::deque<Control> TakeControls() ABSL_LOCKS_EXCLUDED(mu_);
  // Those that found no room, before all others.
  void PutBack(std::deque<Control> controls) ABSL_LOCKS_EXCLUDED(mu_);
  // The first requests, as many as take at most so many bytes together; one, whatever it takes.
  struct Head {
    size_t count = 0;
    int64_t bytes = 0;
  };
  Head LookAtHead(int64_t most_bytes) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<AppendRequest> Take(size_t count) ABSL_LOCKS_EXCLUDED(mu_);
  // What was taken is over.
  void SetIdle() ABSL_LOCKS_EXCLUDED(mu_);
  // While the journal has no room nobody waits for it in vain: refuses whose caller has gone, and
  // what RefuseAppends() says.
  void RefuseWithoutRoom() ABSL_LOCKS_EXCLUDED(mu_);
  // True once, until room is noted, or may be expected again: each sample that a checkpoint takes
  // wakes the committer, which would ask again.
  bool AskForRoom() ABSL_LOCKS_EXCLUDED(mu_);
  void ExpectRoom() ABSL_LOCKS_EXCLUDED(mu_);

  enum class Woken { kNews, kTime, kStop };
  // Waits for something to do, after a step that did nothing since news() was `heard`, and in which
  // the journal had no room, or had. With `retry` for a while at most (kTime).
  Woken Await(uint64_t heard, bool lacks_room, bool retry) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Executor* const completions_;

  mutable absl::Mutex mu_;
  absl::CondVar wake_;
  std::deque<AppendRequest> requests_ ABSL_GUARDED_BY(mu_);
  std::deque<Control> controls_ ABSL_GUARDED_BY(mu_);
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;  // with what was taken
  uint64_t news_ ABSL_GUARDED_BY(mu_) = 0;
  bool room_asked_for_ ABSL_GUARDED_BY(mu_) = false;
  int vain_retries_ ABSL_GUARDED_BY(mu_) = 0;  // since Close()
  bool asleep_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_COMMIT_QUEUE_H_
