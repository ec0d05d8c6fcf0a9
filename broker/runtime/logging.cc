#include "broker/runtime/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/error.h"

namespace weir {
namespace {

struct Level {
  absl::string_view name;
  spdlog::level::level_enum value;
};
constexpr Level kLevels[] = {{"trace", spdlog::level::trace},
                             {"debug", spdlog::level::debug},
                             {"info", spdlog::level::info},
                             {"warn", spdlog::level::warn},
                             {"error", spdlog::level::err}};

// The message as the inside of a JSON string.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& to) override {
    for (const char c : absl::string_view(message.payload.data(), message.payload.size())) {
      std::string escaped(1, c);
      if (c == '"' || c == '\\') escaped = absl::StrCat("\\", escaped);
      if (static_cast<unsigned char>(c) < 0x20) escaped = absl::StrFormat("\\u%04x", c);
      to.append(escaped.data(), escaped.data() + escaped.size());
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

}  // namespace

absl::Status SetUpLogging(LogLines lines, absl::string_view level) {
  auto logger =
      std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (lines == LogLines::kJson) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%*"})");
    logger->set_formatter(std::move(formatter));
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %-7l %v");
  }
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return SetLogLevel(level);
}

std::string LogLevel() {
  for (const Level& level : kLevels) {
    if (level.value == spdlog::get_level()) return std::string(level.name);
  }
  return "error";
}

absl::Status SetLogLevel(absl::string_view level) {
  for (const Level& known : kLevels) {
    if (known.name != level) continue;
    spdlog::set_level(known.value);
    return absl::OkStatus();
  }
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("there is no log level '", absl::CHexEscape(level.substr(0, 100)),
                                "'; it must be trace, debug, info, warn or error"));
}

}  // namespace weir
