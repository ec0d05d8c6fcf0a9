// The names of everything in a data directory, both ways. The layout is drawn in storage/FORMAT.md.
// Pure functions.
#ifndef WEIR_STORAGE_LOG_FILE_NAMES_H_
#define WEIR_STORAGE_LOG_FILE_NAMES_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

std::string JournalDirectory(absl::string_view data);
std::string JournalPath(absl::string_view data,
                        int slot);  // a file of the ring; its content tells its sequence
std::string RecoveryPointPath(absl::string_view data);
std::string ReservePath(absl::string_view data);
std::string LogsDirectory(absl::string_view data);
std::string TopicDirectory(absl::string_view data, const TopicId& topic);
std::string PartitionDirectory(absl::string_view data, const TopicPartition& id);

// Within a partition's directory: 20 digits, so that names sort as offsets do.
std::string SegmentName(Offset base);
std::string IndexName(Offset base);
// What recovery calls the second name of a damaged file.
std::string DamagedName(absl::string_view name);

std::optional<Offset> ParseSegmentName(absl::string_view name);
std::optional<Offset> ParseIndexName(absl::string_view name);
std::optional<int> ParseJournalName(absl::string_view name);
std::optional<PartitionIndex> ParsePartitionName(absl::string_view name);

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_FILE_NAMES_H_
