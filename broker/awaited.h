// Awaited: the answer of a shard that one thread waits for, for as long as it likes: it may come
// when nobody waits for it any more.
#ifndef WEIR_BROKER_AWAITED_H_
#define WEIR_BROKER_AWAITED_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/base/types.h"

namespace weir {

template <typename T>
class Awaited {
 public:
  // Asks a shard of GroupShards or ShareShards; does not wait.
  template <typename Shards>
  static std::shared_ptr<Awaited> Ask(Shards* shards, PartitionIndex shard,
                                      typename Shards::template Question<T> question) {
    auto awaited = std::make_shared<Awaited>();
    shards->template Ask<T>(shard, std::move(question), [awaited](absl::StatusOr<T> answer) {
      awaited->answer_ = std::move(answer);
      awaited->came_.Notify();
    });
    return awaited;
  }
  // Null: it has not come within that time, or is an error.
  T* Wait(absl::Duration at_most) {
    if (!came_.WaitForNotificationWithTimeout(std::max(at_most, absl::ZeroDuration())))
      return nullptr;
    return answer_.ok() ? &*answer_ : nullptr;
  }

 private:
  absl::Notification came_;
  absl::StatusOr<T> answer_ = absl::UnknownError("");
};

}  // namespace weir

#endif  // WEIR_BROKER_AWAITED_H_
