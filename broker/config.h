// BrokerConfig: what an operator can set. Every setting can be given in the file weir.toml
// (`memory.limit`), in the environment (WEIR_MEMORY_LIMIT) and as a flag (--memory-limit); a later
// one of these wins. One table (config_settings.h) describes them all. Immutable values, any
// thread.
#ifndef WEIR_BROKER_CONFIG_H_
#define WEIR_BROKER_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/config_values.h"
#include "broker/topics/topic_config.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"

namespace weir {

enum class LogFormat { kText, kJson };

struct BrokerConfig {
  std::string data_dir = "./data";
  Endpoint listen{"127.0.0.1", 9095};  // gRPC
  Endpoint http{"127.0.0.1", 9096};    // metrics and health
  bool insecure = false;               // may listen beyond loopback without TLS and authentication
  int64_t memory_limit = 0;            // of requests in flight; ParseBrokerConfig never leaves 0
  std::optional<int64_t> disk_low;     // nothing: see DiskWatermark
  std::optional<int64_t> disk_ok;
  int64_t journal_file_bytes = limits::kJournalFileBytes;
  int journal_files = limits::kJournalFiles;
  size_t open_files = limits::kOpenFiles;
  absl::Duration retention_check_interval = absl::Minutes(1);
  int64_t producer_id_expiration_ms = limits::kProducerExpirationMs;
  absl::Duration grace_period = absl::Seconds(30);  // of an orderly stop
  std::string log_level = "info";                   // trace debug info warn error
  LogFormat log_format = LogFormat::kText;
  int32_t topic_partitions = 1;  // of a topic created without a number
  TopicConfig topic_defaults;    // of what a topic does not set itself
};

// What the command line asks for.
struct BrokerCommand {
  // Set: write this to standard output and exit 0 (--help, --version, --print-config). Nothing: run
  // with `config`.
  std::optional<std::string> print;
  BrokerConfig config;
};

// Reads flags, environment and file. `env` gives a variable's value or null (getenv will do).
// INVALID_ARGUMENT names the setting, where its value came from, the value and what is allowed; an
// unknown flag or key is refused with those that exist. Listening beyond loopback without
// `insecure` is refused. Reads the machine's memory and the file through `fs`; no other effect.
absl::StatusOr<BrokerCommand> ParseBrokerConfig(int argc, const char* const* argv,
                                                absl::FunctionRef<const char*(const char*)> env,
                                                FileSystem& fs);

// The names in `environment` ("NAME=value", ended by null) that begin with WEIR_ and are neither a
// setting nor known to other programs of Weir: somebody may have misspelled one. They are not
// refused, since whoever runs a service of this name may add some (Kubernetes: WEIR_PORT).
std::vector<std::string> UnknownVariables(const char* const* environment);

// "0.1.0".
absl::string_view WeirVersion();

}  // namespace weir

#endif  // WEIR_BROKER_CONFIG_H_
