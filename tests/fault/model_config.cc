#include "tests/fault/model_config.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"

namespace weir {

const std::vector<ModelSetting>& ModelSettings() {
  static const auto& settings = *new std::vector<ModelSetting>{
      {.name = "cleanup.policy",
       .fallback = "delete",
       .good = {{"delete", "delete"}},
       .bad = {"compact", "", "Delete"}},
      {.name = "compression.type",
       .fallback = "producer",
       .good = {{"producer", "producer"},
                {"uncompressed", "uncompressed"},
                {"gzip", "gzip"},
                {"snappy", "snappy"},
                {"lz4", "lz4"},
                {"zstd", "zstd"}},
       .bad = {"none", "brotli", ""}},
      {.name = "delayed.delivery",
       .fallback = "false",
       .good = {{"true", "true"}, {"false", "false"}},
       .bad = {"yes", "1", "True"}},
      {.name = "durability",
       .fallback = "durable",
       .good = {{"durable", "durable"}, {"written", "written"}},
       .bad = {"none", "DURABLE"}},
      // What a corrupt batch or a small record needs fits all of them.
      {.name = "max.message.bytes",
       .fallback = "1048576",
       .good = {{"1048576", "1048576"}, {"4000", "4000"}, {"0060000", "60000"}},
       .bad = {"99", "-1", "33554433", "1e6", "4000 ", "99999999999999999999"}},
      {.name = "message.timestamp.type",
       .fallback = "CreateTime",
       .good = {{"CreateTime", "CreateTime"}, {"LogAppendTime", "LogAppendTime"}},
       .bad = {"createtime", "0"}},
      {.name = "retention.bytes",
       .fallback = "-1",
       .good = {{"-1", "-1"}, {"0", "0"}, {"20000", "20000"}, {"100000", "100000"}},
       .bad = {"-2", "1.5", "9223372036854775808"},
       .expires = true},
      {.name = "retention.ms",
       .fallback = "604800000",
       .good = {{"604800000", "604800000"}, {"-1", "-1"}, {"1", "1"}, {"3000", "3000"}},
       .bad = {"-2", "week"},
       .expires = true},
      {.name = "segment.bytes",
       .fallback = "134217728",
       .good = {{"1024", "1024"},
                {"4096", "4096"},
                {"20000", "20000"},
                {"00100000", "100000"},
                {"134217728", "134217728"}},
       .bad = {"1023", "1073741825", "-1", "0x1000"}},
      {.name = "segment.ms",
       .fallback = "604800000",
       .good = {{"604800000", "604800000"}, {"1", "1"}, {"100", "100"}},
       .bad = {"0", "-1"}}};
  return settings;
}

const ModelSetting& ModelSettingOf(const std::string& name) {
  const auto found =
      std::find_if(ModelSettings().begin(), ModelSettings().end(),
                   [&](const ModelSetting& setting) { return setting.name == name; });
  WEIR_CHECK(found != ModelSettings().end());
  return *found;
}

std::pair<std::string, ModelConfigValue> DrawGoodSetting(SimRandom& random, bool may_expire) {
  for (;;) {
    const ModelSetting& setting = ModelSettings()[random.Below(ModelSettings().size())];
    if (setting.expires && !may_expire) continue;
    return {setting.name, setting.good[random.Below(setting.good.size())]};
  }
}

std::pair<std::string, std::string> DrawBadSetting(SimRandom& random) {
  constexpr const char* kNoNames[] = {"", "retention", "Retention.ms", "segment.bytes ",
                                      "min.insync.replicas"};
  if (random.Chance(0.3)) return {kNoNames[random.Below(std::size(kNoNames))], "1"};
  const ModelSetting& setting = ModelSettings()[random.Below(ModelSettings().size())];
  return {setting.name, setting.bad[random.Below(setting.bad.size())]};
}

}  // namespace weir
