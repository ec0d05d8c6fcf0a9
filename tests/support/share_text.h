// What the machine of share groups writes and answers, as people write it in scripts and read it
// when a test fails. Pure functions.
#ifndef WEIR_TESTS_SUPPORT_SHARE_TEXT_H_
#define WEIR_TESTS_SUPPORT_SHARE_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/runtime/internal_record.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_table.h"

namespace weir {

// `origin_ms`: times of day are told from there.
std::string ShareRecordText(const InternalRecord& record, int64_t origin_ms);
std::string Text(const Acquired& acquired);
std::string Text(const std::vector<AckResult>& results);
std::string Text(const Renewed& renewed, int64_t origin_ms);
std::string Text(const DyingJob& job, int64_t origin_ms);
// In a log that has what lies between these.
std::string Text(const SharePartitionDescription& description, Offset log_start, Offset log_end);
std::string Text(const JobDescription& job, int64_t origin_ms);
// What records say of the share-partitions, without the parked jobs, which are in the store.
std::string Text(const ShareTable& table);
std::string ShareErrorText(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARE_TEXT_H_
