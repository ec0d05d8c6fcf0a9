// What people type for times, positions, sizes and settings, turned into values. Errors are
// INVALID_ARGUMENT and say what would have been right. Pure functions, any thread.
#ifndef WEIR_TOOLS_CLI_ARGUMENTS_H_
#define WEIR_TOOLS_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"
#include "weir/position.h"

namespace weir {

// "90s", "1h30m", "250ms", "7d"; not negative.
absl::StatusOr<absl::Duration> ParseDurationArgument(absl::string_view text);

// An instant: "2026-11-22T10:00:00Z" (RFC 3339, fractions allowed), "2026-11-22T10:00:00" and
// "2026-11-22" in `zone`,
// "@1763805600" or "@1763805600.250" (seconds since 1970), or a duration, which is counted back
// from `now`.
absl::StatusOr<absl::Time> ParseTimeArgument(absl::string_view text, absl::Time now,
                                             absl::TimeZone zone);

// "earliest", "latest", an offset, or a time as above.
absl::StatusOr<Position> ParsePositionArgument(absl::string_view text, absl::Time now,
                                               absl::TimeZone zone);

// "4096", "64KiB", "1.5GiB", "2MB". Whole bytes, not negative.
absl::StatusOr<int64_t> ParseBytesArgument(absl::string_view text);

// What a producer takes: a batch size of 1 byte to the largest there is, a linger of at most 1 s, a
// buffer of 1 byte or more.
absl::StatusOr<int64_t> ParseBatchBytesArgument(absl::string_view text);
absl::StatusOr<absl::Duration> ParseLingerArgument(absl::string_view text);
absl::StatusOr<int64_t> ParseBufferBytesArgument(absl::string_view text);

// "HOST:PORT", or a target in another form of gRPC's ("unix:PATH", "dns:///HOST:PORT").
absl::Status CheckBrokerArgument(absl::string_view text);

// A duration of 1 ms or more: how often to do something.
absl::StatusOr<absl::Duration> ParseIntervalArgument(absl::string_view text);

// "name=value"; the value may be empty and may hold '='.
absl::StatusOr<std::pair<std::string, std::string>> ParseAssignment(absl::string_view text);
// The same for many; a name may come only once.
absl::StatusOr<std::map<std::string, std::string>> ParseAssignments(
    const std::vector<std::string>& texts);

absl::StatusOr<Durability> ParseDurabilityArgument(absl::string_view text);  // durable, written
absl::StatusOr<Compression> ParseCompressionArgument(
    absl::string_view text);  // none, gzip, snappy, lz4, zstd

// A line of `weir produce`: what stands in front of the first `separator` is the key. Without one,
// and with an empty separator, there is no key. Borrowed from `line`.
struct KeyAndValue {
  std::optional<absl::string_view> key;
  absl::string_view value;
};
KeyAndValue SplitKey(absl::string_view line, absl::string_view separator);

// The escapes \t \n \r \0 \\ and \xHH, which a shell leaves alone in a separator.
absl::StatusOr<std::string> ParseSeparatorArgument(absl::string_view text);

// Where a broker's HTTP port is when nobody says: on the same host, one above its gRPC port
// ("127.0.0.1:9096" for "127.0.0.1:9095"). The default when `broker` has no port, or none is above
// it.
std::string HttpAddressBeside(absl::string_view broker);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_ARGUMENTS_H_
