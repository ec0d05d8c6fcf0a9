// Configuration as the wire has it, of topics and of groups. Pure function, any thread.
#ifndef WEIR_CLIENT_SRC_CONFIG_WIRE_H_
#define WEIR_CLIENT_SRC_CONFIG_WIRE_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <vector>

#include "weir/admin.h"
#include "weir/v1/admin.pb.h"

namespace weir::client {

inline std::vector<Admin::ConfigEntry> ConfigOf(
    const google::protobuf::RepeatedPtrField<v1::ConfigEntry>& entries) {
  std::vector<Admin::ConfigEntry> config;
  for (const v1::ConfigEntry& entry : entries) {
    config.push_back(
        {.name = entry.name(), .value = entry.value(), .is_default = entry.is_default()});
  }
  return config;
}

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_CONFIG_WIRE_H_
