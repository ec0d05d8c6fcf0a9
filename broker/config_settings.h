// The one table of settings: name, meaning, range, and how text becomes a field of BrokerConfig and
// back. File, environment, flags, help and --print-config are made from it; a new setting is one
// row. Immutable, any thread.
#ifndef WEIR_BROKER_CONFIG_SETTINGS_H_
#define WEIR_BROKER_CONFIG_SETTINGS_H_

#include <functional>
#include <string>
#include <vector>

#include "broker/config.h"

namespace weir {

struct Setting {
  std::string name;      // in the file, dotted: "memory.limit"
  std::string kind;      // for the help: SIZE
  std::string range;     // what is allowed, for people
  std::string help;      // one sentence
  bool is_flag = false;  // --name alone means true
  // False when the text is not allowed; then nothing has changed.
  std::function<bool(const std::string& text, BrokerConfig& config)> set;
  std::function<std::string(const BrokerConfig& config)> get;

  std::string FlagName() const;         // "--memory-limit"
  std::string EnvironmentName() const;  // "WEIR_MEMORY_LIMIT"
};

// In the order in which people should read them.
const std::vector<Setting>& Settings();

}  // namespace weir

#endif  // WEIR_BROKER_CONFIG_SETTINGS_H_
