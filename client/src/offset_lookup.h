// The ListOffsets call's request as both Admin and Consumer make it. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_OFFSET_LOOKUP_H_
#define WEIR_CLIENT_SRC_OFFSET_LOOKUP_H_

#include <string>

#include "storage/base/types.h"
#include "weir/position.h"
#include "weir/v1/log.pb.h"

namespace weir::client {

inline constexpr char kListOffsets[] = "/weir.v1.LogService/ListOffsets";

// `at` is no Offset.
inline void AddQuery(const std::string& topic, PartitionIndex partition, const Position& at,
                     v1::ListOffsetsRequest* request) {
  v1::ListOffsetsRequest::Query& query = *request->add_queries();
  query.set_topic(topic);
  query.set_partition(partition.value());
  if (std::holds_alternative<Earliest>(at)) query.set_earliest(true);
  if (std::holds_alternative<Latest>(at)) query.set_latest(true);
  // A time between two milliseconds begins with the later one: what the earlier one holds may be
  // before it.
  if (const absl::Time* time = std::get_if<absl::Time>(&at)) {
    query.set_timestamp_ms(
        absl::ToUnixMillis(*time + absl::Milliseconds(1) - absl::Nanoseconds(1)));
  }
}

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_OFFSET_LOOKUP_H_
