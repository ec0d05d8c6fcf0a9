// Logging: the broker's own log on standard error, by spdlog. Set up once before other threads
// start; the level may change at any time, from any thread.
#ifndef WEIR_BROKER_RUNTIME_LOGGING_H_
#define WEIR_BROKER_RUNTIME_LOGGING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

enum class LogLines {
  kText,
  kJson,  // one object a line: time, level, message
};

// INVALID_REQUEST for a level that does not exist.
absl::Status SetUpLogging(LogLines lines, absl::string_view level);

// trace, debug, info, warn or error.
std::string LogLevel();
// INVALID_REQUEST for another word.
absl::Status SetLogLevel(absl::string_view level);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_LOGGING_H_
