// Hostile names, numbers and other short text: topic names, page tokens, file names of a data
// directory, sizes and addresses of the configuration, and what people type on the command line.
// Each parser refuses what it does not know with a message, and what it takes survives being
// written and read again. The whole input is given to each of them.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/config_values.h"
#include "broker/rpc/page_token.h"
#include "broker/topics/topic_name.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"
#include "storage/log/file_names.h"
#include "storage/record/compression.h"
#include "tools/cli/arguments.h"

namespace weir {
namespace {

// Well-formed UTF-8 without control characters.
bool Printable(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const absl::string_view character = text.substr(0, length);
    if (length == 0) return false;
    if (length == 1 && !absl::ascii_isprint(static_cast<unsigned char>(character[0]))) return false;
    if (character >= absl::string_view("\xc2\x80") && character < absl::string_view("\xc2\xa0"))
      return false;
    text.remove_prefix(length);
  }
  return true;
}

// A number made from the input, for what is written before it is read.
int64_t NumberOf(absl::string_view text) {
  char bytes[8] = {};
  std::memcpy(bytes, text.data(), std::min<size_t>(text.size(), 8));
  return LoadLittle<int64_t>(bytes);
}

void CheckTopicNames(absl::string_view text) {
  bool right = !text.empty() && text.size() <= 249 && text != "." && text != ".." &&
               !absl::StartsWith(text, "__");
  for (const char c : text) {
    right &= absl::StrContains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-",
                               absl::string_view(&c, 1));
  }
  const absl::Status status = CheckTopicName(text);
  WEIR_CHECK(status.ok() == right);
  WEIR_CHECK(right || (ReasonOf(status) == Reason::kInvalidTopicName && !status.message().empty() &&
                       Printable(status.message())));
}

void CheckPageTokens(absl::string_view text) {
  const absl::string_view listing = text.substr(0, text.find('\0'));
  const absl::string_view position = text.substr(std::min(listing.size() + 1, text.size()));
  const std::string token = EncodePageToken(listing, position);
  const auto back = DecodePageToken(listing, token);
  WEIR_CHECK(back.ok() && *back == position);
  if (!listing.empty()) {  // of one bit, which a CRC always sees
    std::string other(listing);
    other[other.size() / 2] = static_cast<char>(other[other.size() / 2] ^ 1);
    WEIR_CHECK(!DecodePageToken(other, token).ok());
  }
  for (const absl::string_view forged : {text, listing}) {
    const auto decoded = DecodePageToken("topics:", forged);
    if (decoded.ok()) {
      WEIR_CHECK(forged.empty() || EncodePageToken("topics:", *decoded) == forged);
    } else {
      WEIR_CHECK(ReasonOf(decoded.status()) == Reason::kInvalidPageToken);
      WEIR_CHECK(Printable(decoded.status().message()));
    }
  }
  const int32_t asked = static_cast<int32_t>(NumberOf(text));
  const auto size = PageSize(asked);
  WEIR_CHECK(size.ok() == (asked >= 0));
  WEIR_CHECK(!size.ok() || (*size >= 1 && *size <= limits::kPageSizeLargest));
}

void CheckFileNames(absl::string_view text) {
  const auto segment = ParseSegmentName(text);
  WEIR_CHECK(!segment || (segment->value() >= 0 && SegmentName(*segment) == text));
  const auto index = ParseIndexName(text);
  WEIR_CHECK(!index || (index->value() >= 0 && IndexName(*index) == text));
  const auto journal = ParseJournalName(text);
  WEIR_CHECK(!journal ||
             (*journal >= 0 && JournalPath("", *journal) == absl::StrCat("/journal/", text)));
  const auto partition = ParsePartitionName(text);
  WEIR_CHECK(!partition || (partition->value() >= 0 && absl::StrCat(partition->value()) == text));
  const auto topic = TopicId::Parse(text);
  WEIR_CHECK(!topic || topic->ToString() == text);

  const Offset offset{NumberOf(text) & INT64_MAX};
  WEIR_CHECK(ParseSegmentName(SegmentName(offset)) == offset);
  WEIR_CHECK(ParseIndexName(IndexName(offset)) == offset);
  WEIR_CHECK(!ParseSegmentName(IndexName(offset)) && !ParseIndexName(SegmentName(offset)));
  WEIR_CHECK(!ParseSegmentName(DamagedName(SegmentName(offset))));
  TopicId id;
  std::memcpy(id.bytes.data(), text.data(), std::min(text.size(), id.bytes.size()));
  WEIR_CHECK(TopicId::Parse(id.ToString()) == id);
}

void CheckConfigValues(absl::string_view text) {
  const auto size = ParseSize(text);
  WEIR_CHECK(!size || (*size >= 0 && ParseSize(FormatSize(*size)) == size));
  const int64_t bytes = NumberOf(text) & INT64_MAX;
  WEIR_CHECK(ParseSize(FormatSize(bytes)) == bytes);
  const auto endpoint = ParseEndpoint(text);
  WEIR_CHECK(!endpoint || (endpoint->port >= 0 && endpoint->port <= 65'535 &&
                           ParseEndpoint(endpoint->ToString()) == endpoint));
}

// What a person is told.
void CheckRefusal(const absl::Status& status) {
  WEIR_CHECK(absl::IsInvalidArgument(status) && !status.message().empty());
}

void CheckTimes(absl::string_view text) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const auto duration = ParseDurationArgument(text);
  if (duration.ok()) {
    WEIR_CHECK(*duration >= absl::ZeroDuration());
    const auto again = ParseDurationArgument(absl::FormatDuration(*duration));
    WEIR_CHECK(again.ok());
  } else {
    CheckRefusal(duration.status());
  }
  const auto time = ParseTimeArgument(text, now, absl::UTCTimeZone());
  if (time.ok()) {
    // Whatever is asked for is an instant that a request can carry.
    const int64_t ms = absl::ToUnixMillis(*time);
    WEIR_CHECK(ms > INT64_MIN && ms < INT64_MAX);
  } else {
    CheckRefusal(time.status());
  }
  const auto position = ParsePositionArgument(text, now, absl::UTCTimeZone());
  if (!position.ok()) CheckRefusal(position.status());
  WEIR_CHECK(!time.ok() || position.ok());
}

void CheckSizes(absl::string_view text) {
  const auto bytes = ParseBytesArgument(text);
  if (!bytes.ok()) return CheckRefusal(bytes.status());
  WEIR_CHECK(*bytes >= 0);
  const auto again = ParseBytesArgument(absl::StrCat(*bytes));
  WEIR_CHECK(again.ok() && *again == *bytes);
}

void CheckWords(absl::string_view text) {
  const auto durability = ParseDurabilityArgument(text);
  WEIR_CHECK(durability.ok() == (text == "durable" || text == "written"));
  const auto codec = ParseCompressionArgument(text);
  if (codec.ok()) {
    WEIR_CHECK(CompressionName(*codec) == text);
  } else {
    CheckRefusal(codec.status());
  }
  const auto assignment = ParseAssignment(text);
  if (assignment.ok()) {
    WEIR_CHECK(!assignment->first.empty());
    WEIR_CHECK(absl::StrCat(assignment->first, "=", assignment->second) == text);
    WEIR_CHECK(!ParseAssignments({std::string(text), std::string(text)}).ok());
  } else {
    CheckRefusal(assignment.status());
  }
}

void CheckLines(absl::string_view text) {
  const auto separator = ParseSeparatorArgument(text);
  if (separator.ok()) {
    WEIR_CHECK(!separator->empty());
    const auto again = ParseSeparatorArgument(absl::CHexEscape(*separator));
    WEIR_CHECK(again.ok() && *again == *separator);
  } else {
    CheckRefusal(separator.status());
  }
  for (const std::string& between : {std::string(), std::string(":"), separator.value_or("\t")}) {
    const KeyAndValue line = SplitKey(text, between);
    WEIR_CHECK(!between.empty() || !line.key.has_value());
    if (line.key.has_value()) {
      WEIR_CHECK(!absl::StrContains(*line.key, between));
      WEIR_CHECK(absl::StrCat(*line.key, between, line.value) == text);
    } else {
      WEIR_CHECK(line.value == text && (between.empty() || !absl::StrContains(text, between)));
    }
  }
  // The port beside that of a broker is one.
  const std::string http = HttpAddressBeside(text);
  const size_t colon = http.rfind(':');
  WEIR_CHECK(colon != std::string::npos);
  const std::string port = http.substr(colon + 1);
  int number = 0;
  WEIR_CHECK(absl::SimpleAtoi(port, &number) && number > 0 && number <= 65'535);
}

void RunOne(absl::string_view text) {
  CheckTopicNames(text);
  CheckPageTokens(text);
  CheckFileNames(text);
  CheckConfigValues(text);
  CheckTimes(text);
  CheckSizes(text);
  CheckWords(text);
  CheckLines(text);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
