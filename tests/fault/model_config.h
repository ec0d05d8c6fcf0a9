// ModelConfig: what can be set for a topic as README and the API describe it: names, defaults,
// values that are taken and values that are not. Immutable tables, any thread.
#ifndef WEIR_TESTS_FAULT_MODEL_CONFIG_H_
#define WEIR_TESTS_FAULT_MODEL_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "tests/support/sim_random.h"

namespace weir {

// A value as somebody may write it, and as the broker says it.
struct ModelConfigValue {
  std::string written;
  std::string said;
};

struct ModelSetting {
  std::string name;
  std::string fallback;  // what holds when it is not set
  std::vector<ModelConfigValue> good;
  std::vector<std::string> bad;
  bool expires = false;  // values other than the default can make records go by themselves
};

// All of them, by name.
const std::vector<ModelSetting>& ModelSettings();
const ModelSetting& ModelSettingOf(const std::string& name);

// A good value of some setting; of one that expires only where records `may_expire`.
std::pair<std::string, ModelConfigValue> DrawGoodSetting(SimRandom& random, bool may_expire);
// A name that there is none of, or a value that is not allowed.
std::pair<std::string, std::string> DrawBadSetting(SimRandom& random);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_CONFIG_H_
