// RecordRules: what clients may say in the headers of a record of one topic at one moment: nothing
// that is Weir's own to say, and a time of delivery only where the topic takes one. A value, any
// thread.
#ifndef WEIR_BROKER_PARTITION_RECORD_RULES_H_
#define WEIR_BROKER_PARTITION_RECORD_RULES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "broker/topics/topic_config.h"
#include "storage/record/record_view.h"
#include "storage/record/weir_headers.h"

namespace weir {

struct RecordRules {
  // Of a topic that is set so.
  static RecordRules Of(const TopicConfig& config, int64_t now_ms) {
    return {.delays = {.delayed_delivery = config.delayed_delivery,
                       .retention_ms = config.retention_ms,
                       .now_ms = now_ms}};
  }

  DelayRules delays;  // of the topic

  // Each INVALID_REQUEST, with the offending value and what is allowed.

  // Of a plain record, whose time of delivery is a field: no header begins with "weir-".
  absl::Status CheckHeaders(absl::Span<const HeaderView> headers) const;
  // Of a record in a batch that a client has made: "weir-deliver-at" is the only such header.
  absl::Status CheckInBatch(const RecordView& record) const;
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_RECORD_RULES_H_
