// Settings of topics and groups on the command line: how a person gives them, changes them, and
// sees them. One thread.
#ifndef WEIR_TOOLS_CLI_SETTINGS_H_
#define WEIR_TOOLS_CLI_SETTINGS_H_

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/cli/listing.h"
#include "weir/admin.h"

namespace weir {

// As a person gives them.
struct Settings {
  std::vector<std::string> set;     // NAME=VALUE
  std::vector<std::string> remove;  // NAME: back to the default
};

// --config; `example` is one.
void AddConfigOption(CLI::App* command, Settings* settings, const std::string& example);
// --config and --remove.
void AddChangeOptions(CLI::App* command, Settings* settings, const std::string& example);

Listing SettingsListing(const std::vector<Admin::ConfigEntry>& entries);

// Makes the change with `change`, which gives what is in force then, and prints that. The exit
// status.
using MakeChange = std::function<absl::StatusOr<std::vector<Admin::ConfigEntry>>(
    const std::map<std::string, std::string>& set, const std::vector<std::string>& remove)>;
// `changes_more`: `change` does something also when no setting is named.
int ChangeSettings(const Settings& settings, OutputFormat output, const MakeChange& change,
                   bool changes_more = false);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_SETTINGS_H_
