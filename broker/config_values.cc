#include "broker/config_values.h"

#include <charconv>
#include <iterator>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weir {
namespace {

struct Unit {
  absl::string_view name;
  int shift;
};
constexpr Unit kUnits[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};

template <typename T>
std::optional<T> ParseWhole(absl::string_view text) {
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> ParseSize(absl::string_view text) {
  int shift = 0;
  for (const Unit& unit : kUnits) {
    if (absl::ConsumeSuffix(&text, unit.name)) {
      shift = unit.shift;
      text = absl::StripTrailingAsciiWhitespace(text);
      break;
    }
  }
  const std::optional<int64_t> count = ParseWhole<int64_t>(text);
  if (!count || *count > std::numeric_limits<int64_t>::max() >> shift) return std::nullopt;
  return *count << shift;
}

std::string FormatSize(int64_t bytes) {
  for (const Unit& unit : kUnits) {
    const int64_t size = int64_t{1} << unit.shift;
    if (bytes >= size && bytes % size == 0) return absl::StrCat(bytes / size, unit.name);
  }
  return absl::StrCat(bytes, "B");
}

std::string Endpoint::ToString() const {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port)
                                      : absl::StrCat(host, ":", port);
}

bool Endpoint::IsLoopback() const {
  // A name that only looks like an address ("127.evil.example") is not one.
  const bool digits = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (digits && absl::StartsWith(host, "127."));
}

std::optional<Endpoint> ParseEndpoint(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const std::optional<int> port = ParseWhole<int>(text.substr(colon + 1));
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = absl::ConsumePrefix(&host, "[");
  if (bracketed != absl::ConsumeSuffix(&host, "]")) return std::nullopt;
  if (!port || *port > 65'535 || host.empty() || absl::StrContains(host, ':') != bracketed)
    return std::nullopt;
  return Endpoint{std::string(host), *port};
}

}  // namespace weir
