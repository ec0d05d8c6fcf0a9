#include "tools/cli/settings.h"

#include "absl/strings/str_cat.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"

namespace weir {

void AddConfigOption(CLI::App* command, Settings* settings, const std::string& example) {
  command
      ->add_option("--config", settings->set,
                   absl::StrCat("A setting, NAME=VALUE, as in ", example, "; again for more"))
      ->allow_extra_args(false);
}

void AddChangeOptions(CLI::App* command, Settings* settings, const std::string& example) {
  AddConfigOption(command, settings, example);
  command
      ->add_option("--remove", settings->remove,
                   "A setting to put back to its default; again for more")
      ->allow_extra_args(false);
}

Listing SettingsListing(const std::vector<Admin::ConfigEntry>& entries) {
  Listing listing({"name", "value", "is_default"});
  for (const Admin::ConfigEntry& entry : entries)
    listing.AddRow({entry.name, entry.value, entry.is_default});
  return listing;
}

int ChangeSettings(const Settings& settings, OutputFormat output, const MakeChange& change,
                   bool changes_more) {
  const auto set = ParseAssignments(settings.set);
  if (!set.ok()) return FailUsage(absl::StrCat("--config: ", set.status().message()));
  if (set->empty() && settings.remove.empty() && !changes_more)
    return FailUsage("nothing to change: give --config NAME=VALUE or --remove NAME");
  const auto entries = change(*set, settings.remove);
  if (!entries.ok()) return Fail(entries.status());
  Print(SettingsListing(*entries).Render(output));
  return kExitOk;
}

}  // namespace weir
