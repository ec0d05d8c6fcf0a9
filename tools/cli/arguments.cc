#include "tools/cli/arguments.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/compression.h"

namespace weir {
namespace {

absl::Status Invalid(absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ", wanted));
}

bool AllDigits(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

constexpr int kLastPort = 65'535;

// The port of HOST:PORT; nothing when there is none, or none that can be.
std::optional<int> PortOf(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || !AllDigits(address.substr(colon + 1)) ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port > kLastPort)
    return std::nullopt;
  return port;
}

constexpr absl::string_view kTimes =
    "a time: 2026-11-22T10:00:00Z, 2026-11-22, @SECONDS since 1970, or how long ago, as in 90s, "
    "1h30m, 7d";

}  // namespace

absl::StatusOr<absl::Duration> ParseDurationArgument(absl::string_view text) {
  absl::Duration duration;
  absl::string_view days = text;
  double number = 0;
  if (absl::ConsumeSuffix(&days, "d") && absl::SimpleAtod(days, &number) && std::isfinite(number)) {
    duration = number * absl::Hours(24);
  } else if (!absl::ParseDuration(text, &duration)) {
    return Invalid(text, "a duration: 250ms, 90s, 1h30m, 7d");
  }
  if (duration < absl::ZeroDuration()) return Invalid(text, "a duration from 0 up");
  return duration;
}

absl::StatusOr<absl::Time> ParseTimeArgument(absl::string_view text, absl::Time now,
                                             absl::TimeZone zone) {
  absl::string_view seconds = text;
  double number = 0;
  if (absl::ConsumePrefix(&seconds, "@")) {
    if (absl::SimpleAtod(seconds, &number) && std::abs(number) < 1e12) {
      return absl::FromUnixMillis(static_cast<int64_t>(std::llround(number * 1000)));
    }
    return Invalid(text, kTimes);
  }
  absl::Time time;
  std::string error;
  bool parsed = absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  for (const char* format : {"%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"})
    parsed = parsed || absl::ParseTime(format, text, zone, &time, &error);
  if (!parsed) {
    const auto ago = ParseDurationArgument(text);
    if (!ago.ok()) return Invalid(text, kTimes);
    time = now - *ago;
  }
  // What a request can carry: "infinite-future" and the like are times for the library.
  const int64_t ms = absl::ToUnixMillis(time);
  if (ms == INT64_MIN || ms == INT64_MAX) return Invalid(text, kTimes);
  return time;
}

absl::StatusOr<Position> ParsePositionArgument(absl::string_view text, absl::Time now,
                                               absl::TimeZone zone) {
  if (text == "earliest") return Position(Earliest());
  if (text == "latest") return Position(Latest());
  int64_t offset = 0;
  if (AllDigits(text)) {
    if (!absl::SimpleAtoi(text, &offset)) return Invalid(text, "an offset below 2^63");
    return Position(Offset(offset));
  }
  const absl::StatusOr<absl::Time> time = ParseTimeArgument(text, now, zone);
  if (!time.ok()) return Invalid(text, absl::StrCat("earliest, latest, an offset, or ", kTimes));
  return Position(*time);
}

absl::StatusOr<int64_t> ParseBytesArgument(absl::string_view text) {
  struct Unit {
    absl::string_view name;
    double bytes;
  };
  constexpr Unit kUnits[] = {{"KiB", 1024.0},
                             {"MiB", 1048576.0},
                             {"GiB", 1073741824.0},
                             {"TiB", 1099511627776.0},
                             {"kB", 1e3},
                             {"KB", 1e3},
                             {"MB", 1e6},
                             {"GB", 1e9},
                             {"TB", 1e12},
                             {"B", 1.0},
                             {"", 1.0}};
  for (const Unit& unit : kUnits) {
    absl::string_view number = text;
    double value = 0;
    if (!absl::ConsumeSuffix(&number, unit.name)) continue;
    if (!absl::SimpleAtod(absl::StripAsciiWhitespace(number), &value)) break;
    const double bytes = value * unit.bytes;
    if (!(bytes >= 0 && bytes < 9e18)) break;
    return std::llround(bytes);
  }
  return Invalid(text, "a number of bytes: 4096, 64KiB, 1.5GiB");
}

absl::StatusOr<int64_t> ParseBatchBytesArgument(absl::string_view text) {
  WEIR_ASSIGN_OR_RETURN(const int64_t bytes, ParseBytesArgument(text));
  if (bytes >= 1 && bytes <= limits::kMaxMessageBytesLargest) return bytes;
  return Invalid(text, absl::StrCat("from 1 to ", limits::kMaxMessageBytesLargest, " bytes"));
}

absl::StatusOr<absl::Duration> ParseLingerArgument(absl::string_view text) {
  WEIR_ASSIGN_OR_RETURN(const absl::Duration linger, ParseDurationArgument(text));
  if (linger <= absl::Milliseconds(limits::kLingerMostMs)) return linger;
  return Invalid(text, absl::StrCat("from 0 to ", limits::kLingerMostMs, "ms"));
}

absl::StatusOr<int64_t> ParseBufferBytesArgument(absl::string_view text) {
  WEIR_ASSIGN_OR_RETURN(const int64_t bytes, ParseBytesArgument(text));
  if (bytes >= 1) return bytes;
  return Invalid(text, "from 1 byte up");
}

absl::Status CheckBrokerArgument(absl::string_view text) {
  if (absl::StrContains(text, "://") || absl::StartsWith(text, "unix:")) return absl::OkStatus();
  if (PortOf(text).value_or(0) > 0 && text.front() != ':') return absl::OkStatus();
  return Invalid(text, absl::StrCat("HOST:PORT with a port of 1 to ", kLastPort));
}

absl::StatusOr<absl::Duration> ParseIntervalArgument(absl::string_view text) {
  WEIR_ASSIGN_OR_RETURN(const absl::Duration interval, ParseDurationArgument(text));
  if (interval >= absl::Milliseconds(1)) return interval;
  return Invalid(text, "from 1ms up");
}

absl::StatusOr<std::pair<std::string, std::string>> ParseAssignment(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == absl::string_view::npos)
    return Invalid(text, "of the form NAME=VALUE");
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::StatusOr<std::map<std::string, std::string>> ParseAssignments(
    const std::vector<std::string>& texts) {
  std::map<std::string, std::string> assignments;
  for (const std::string& text : texts) {
    WEIR_ASSIGN_OR_RETURN(auto assignment, ParseAssignment(text));
    const std::string name = assignment.first;
    if (!assignments.insert(std::move(assignment)).second) {
      return absl::InvalidArgumentError(absl::StrCat("'", name, "' is given twice"));
    }
  }
  return assignments;
}

absl::StatusOr<Durability> ParseDurabilityArgument(absl::string_view text) {
  if (text == "durable") return Durability::kDurable;
  if (text == "written") return Durability::kWritten;
  return Invalid(text, "durable or written");
}

absl::StatusOr<Compression> ParseCompressionArgument(absl::string_view text) {
  for (const Compression codec : {Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                  Compression::kLz4, Compression::kZstd}) {
    if (text == CompressionName(codec)) return codec;
  }
  return Invalid(text, "none, gzip, snappy, lz4 or zstd");
}

KeyAndValue SplitKey(absl::string_view line, absl::string_view separator) {
  const size_t at = separator.empty() ? absl::string_view::npos : line.find(separator);
  if (at == absl::string_view::npos) return {std::nullopt, line};
  return {line.substr(0, at), line.substr(at + separator.size())};
}

absl::StatusOr<std::string> ParseSeparatorArgument(absl::string_view text) {
  std::string separator;
  std::string error;
  if (!absl::CUnescape(text, &separator, &error))
    return Invalid(text, absl::StrCat("a separator: ", error));
  if (separator.empty()) return Invalid(text, "a separator: it is empty");
  return separator;
}

std::string HttpAddressBeside(absl::string_view broker) {
  const std::optional<int> port = PortOf(broker);
  if (!port.has_value() || *port == kLastPort) return "127.0.0.1:9096";
  return absl::StrCat(broker.substr(0, broker.rfind(':')), ":", *port + 1);
}

}  // namespace weir
