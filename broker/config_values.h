// How values of the configuration are written for people: sizes ("64MiB"), durations ("30s"),
// addresses ("127.0.0.1:9095"). Pure functions, any thread.
#ifndef WEIR_BROKER_CONFIG_VALUES_H_
#define WEIR_BROKER_CONFIG_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// Bytes: a whole number, alone or followed by B, KiB, MiB, GiB or TiB, with or without a space
// between.
std::optional<int64_t> ParseSize(absl::string_view text);
// With the largest unit that divides it.
std::string FormatSize(int64_t bytes);

// Where to listen.
struct Endpoint {
  std::string host;  // a name or an address; of IPv6 without brackets
  int port = 0;      // 0: one that is free

  // "host:port", "[::1]:port".
  std::string ToString() const;
  // Nobody on another machine can reach it.
  bool IsLoopback() const;

  bool operator==(const Endpoint&) const = default;
};

// "host:port" or "[address]:port", port 0 to 65535.
std::optional<Endpoint> ParseEndpoint(absl::string_view text);

}  // namespace weir

#endif  // WEIR_BROKER_CONFIG_VALUES_H_
