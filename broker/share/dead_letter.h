// DeadLetter: what a dead letter says beside the record itself: the headers that are added to the
// record's own. Pure functions, any thread.
#ifndef WEIR_BROKER_SHARE_DEAD_LETTER_H_
#define WEIR_BROKER_SHARE_DEAD_LETTER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/share/share_requests.h"
#include "storage/base/types.h"

namespace weir {

// The headers of `job`'s dead letter, in order: weir-dlq-topic, -partition, -offset, -group,
// -reason, -error (left out when there is none), -attempts, and -history, a JSON array of the last
// attempts, oldest first: [{"at":"2026-01-01T00:00:00.000Z","worker":...,"ended":...,"error":...}],
// with 256 bytes of each error, cut between characters; bytes that are no UTF-8 become U+FFFD. The
// letter of an unreadable batch has the batch's bytes as its value, and -offset of its first
// record.
std::vector<std::pair<std::string, std::string>> DeadLetterHeaders(const SharePartitionId& id,
                                                                   absl::string_view topic,
                                                                   const DyingJob& job);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DEAD_LETTER_H_
