#include "broker/config.h"

#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/config_settings.h"
#include "broker/limits/machine_memory.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr int64_t kLargestFile = 1 * limits::kMiB;
constexpr char kFileVariable[] = "WEIR_CONFIG";

// A value as somebody wrote it.
struct Given {
  std::string text;
  std::string from;  // "flag --listen"
};
// By name of the setting. What comes later replaces what came before.
using GivenValues = std::map<std::string, Given>;

absl::Status UnknownSetting(absl::string_view name, absl::string_view from) {
  return absl::InvalidArgumentError(
      absl::StrCat(from, ": there is no setting '", absl::CEscape(name), "'; there are: ",
                   absl::StrJoin(Settings(), ", ", [](std::string* out, const Setting& setting) {
                     absl::StrAppend(out, setting.name);
                   })));
}

// ---- The file.

std::optional<std::string> TextOf(const toml::node& value) {
  if (const auto text = value.value_exact<std::string>()) return *text;
  if (const auto number = value.value_exact<int64_t>()) return absl::StrCat(*number);
  if (const auto flag = value.value_exact<bool>()) return *flag ? "true" : "false";
  return std::nullopt;
}

bool IsSetting(absl::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return true;
  }
  return false;
}

absl::Status CollectFromTable(const toml::table& table, const std::string& prefix,
                              const std::string& path, GivenValues& given) {
  for (const auto& [key, value] : table) {
    const std::string name = prefix + std::string(key.str());
    const std::string from = absl::StrCat("file ", path, " line ", value.source().begin.line);
    if (const toml::table* const inner = value.as_table()) {
      WEIR_RETURN_IF_ERROR(CollectFromTable(*inner, name + ".", path, given));
      continue;
    }
    if (!IsSetting(name)) return UnknownSetting(name, from);
    const std::optional<std::string> text = TextOf(value);
    if (!text) {
      return absl::InvalidArgumentError(
          absl::StrCat(from, ": ", name, " must be a string, a whole number, true or false"));
    }
    given[name] = {*text, from};
  }
  return absl::OkStatus();
}

absl::Status CollectFromFile(FileSystem& fs, const std::string& path, GivenValues& given) {
  const auto unreadable = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the configuration file: ", why));
  };
  const absl::StatusOr<FileInfo> info = fs.Stat(path);
  if (!info.ok()) return unreadable(info.status().message());
  if (info->is_directory) return unreadable(absl::StrCat(path, " is a directory"));
  if (info->size > kLargestFile)
    return unreadable(absl::StrCat(path, " is larger than ", FormatSize(kLargestFile)));
  const absl::StatusOr<std::string> content = ReadFile(fs, path);
  if (!content.ok()) return unreadable(content.status().message());
  try {
    return CollectFromTable(toml::parse(std::string_view(*content)), "", path, given);
  } catch (const toml::parse_error& error) {
    const std::string_view what = error.description();
    return absl::InvalidArgumentError(
        absl::StrCat("file ", path, " line ", error.source().begin.line,
                     " is not TOML: ", absl::string_view(what.data(), what.size())));
  }
}

void CollectFromEnvironment(absl::FunctionRef<const char*(const char*)> env, GivenValues& given) {
  for (const Setting& setting : Settings()) {
    const std::string variable = setting.EnvironmentName();
    const char* const text = env(variable.c_str());
    if (text != nullptr && *text != '\0')
      given[setting.name] = {text, absl::StrCat("environment ", variable)};
  }
}

// ---- Flags.

class Flags {
 public:
  Flags()
      : app_("The Weir broker: a durable, partitioned log. Runs until SIGTERM or SIGINT.",
             "weir-broker") {
    app_.set_help_flag("-h,--help", "Print this and exit.");
    app_.footer(
        "Every setting can also be given in the file (memory.limit = \"1GiB\") or in the "
        "environment "
        "(WEIR_MEMORY_LIMIT=1GiB). A flag wins over the environment, the environment over the "
        "file.");
    version_ = app_.add_flag("--version")->description("Print the version and exit.");
    print_config_ =
        app_.add_flag("--print-config")
            ->description("Print every setting, its value and where that came from, and exit.");
    file_ = app_.add_option("--config")
                ->type_name("FILE")
                ->description(
                    absl::StrCat("Read settings from this TOML file; also ", kFileVariable, "."));
    const BrokerConfig defaults;
    for (const Setting& setting : Settings()) {
      CLI::Option* const option =
          setting.is_flag ? app_.add_flag(setting.FlagName()) : app_.add_option(setting.FlagName());
      option->type_name(setting.kind)
          ->description(setting.is_flag
                            ? setting.help
                            : absl::StrCat(setting.help, " Allowed: ", setting.range, "."));
      if (!setting.is_flag && setting.name != "memory.limit")
        option->default_str(setting.get(defaults));
      options_.push_back(option);
    }
  }

  absl::Status Parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      help_ = true;
    } catch (const CLI::ParseError& error) {
      return absl::InvalidArgumentError(
          absl::StrCat(error.what(), "; weir-broker --help lists all flags"));
    }
    return absl::OkStatus();
  }

  std::optional<std::string> File() const {
    return file_->count() > 0 ? std::optional(file_->results().back()) : std::nullopt;
  }
  void Collect(GivenValues& given) const {
    for (size_t i = 0; i < options_.size(); ++i) {
      if (options_[i]->count() == 0) continue;
      const Setting& setting = Settings()[i];
      given[setting.name] = {options_[i]->results().back(),
                             absl::StrCat("flag ", setting.FlagName())};
    }
  }
  bool help() const { return help_; }
  bool version() const { return version_->count() > 0; }
  bool print_config() const { return print_config_->count() > 0; }
  std::string HelpText() const { return app_.help(); }

 private:
  CLI::App app_;
  CLI::Option* version_;
  CLI::Option* print_config_;
  CLI::Option* file_;
  std::vector<CLI::Option*> options_;  // as Settings()
  bool help_ = false;
};

// ---- The whole.

absl::Status Apply(const GivenValues& given, BrokerConfig& config) {
  for (const Setting& setting : Settings()) {
    const auto it = given.find(setting.name);
    if (it == given.end() || setting.set(it->second.text, config)) continue;
    return absl::InvalidArgumentError(absl::StrCat(it->second.from, ": ", setting.name,
                                                   " cannot be '", absl::CEscape(it->second.text),
                                                   "'; allowed is ", setting.range));
  }
  if (config.disk_ok && config.disk_low && *config.disk_ok < *config.disk_low) {
    return absl::InvalidArgumentError(absl::StrCat("disk.ok is ", FormatSize(*config.disk_ok),
                                                   "; it must be at least disk.low, which is ",
                                                   FormatSize(*config.disk_low)));
  }
  return absl::OkStatus();
}

absl::Status CheckExposure(const BrokerConfig& config) {
  if (config.insecure) return absl::OkStatus();
  for (const auto& [name, endpoint] :
       {std::pair("listen", &config.listen), std::pair("http", &config.http)}) {
    if (endpoint->IsLoopback()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is ", endpoint->ToString(),
                     ", which other machines can reach, and this version has neither TLS nor "
                     "authentication: anybody could "
                     "read, write and delete. Listen on 127.0.0.1, or accept that with --insecure "
                     "(insecure = true)."));
  }
  return absl::OkStatus();
}

// As TOML writes it. Whole numbers and booleans stand as they are, which read back as the same
// text.
std::string TomlValue(const std::string& text) {
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number) && absl::StrCat(number) == text) return text;
  if (text == "true" || text == "false") return text;
  // In one line with escapes: the library writes what holds three quotes so that it cannot read it.
  const toml::value<std::string> value(text);
  std::ostringstream out;
  out << toml::toml_formatter(
      value, toml::toml_formatter::default_flags & ~(toml::format_flags::allow_literal_strings |
                                                     toml::format_flags::allow_multi_line_strings));
  return out.str();
}

std::string PrintConfig(const BrokerConfig& config, const GivenValues& given) {
  std::string out =
      absl::StrCat("# Settings of weir-broker ", WeirVersion(), " as they are in force.\n");
  for (const Setting& setting : Settings()) {
    const auto it = given.find(setting.name);
    const std::string from = it == given.end() ? "default" : it->second.from;
    absl::StrAppend(&out, "\n# ", setting.help, "\n# Allowed: ", setting.range, ".\n", setting.name,
                    " = ", TomlValue(setting.get(config)), "  # ", absl::CEscape(from), "\n");
  }
  return out;
}

}  // namespace

absl::StatusOr<BrokerCommand> ParseBrokerConfig(int argc, const char* const* argv,
                                                absl::FunctionRef<const char*(const char*)> env,
                                                FileSystem& fs) {
  BrokerCommand command;
  Flags flags;
  WEIR_RETURN_IF_ERROR(flags.Parse(argc, argv));
  if (flags.help()) {
    command.print = flags.HelpText();
    return command;
  }
  if (flags.version()) {
    command.print = absl::StrCat("weir-broker ", WeirVersion(), "\n");
    return command;
  }
  GivenValues given;
  std::optional<std::string> file = flags.File();
  if (const char* const variable = env(kFileVariable);
      !file && variable != nullptr && *variable != '\0')
    file = variable;
  if (file) WEIR_RETURN_IF_ERROR(CollectFromFile(fs, *file, given));
  CollectFromEnvironment(env, given);
  flags.Collect(given);
  if (!given.contains("memory.limit")) {
    WEIR_ASSIGN_OR_RETURN(command.config.memory_limit, DefaultMemoryLimit(fs));
  }
  WEIR_RETURN_IF_ERROR(Apply(given, command.config));
  if (flags.print_config()) {
    command.print = PrintConfig(command.config, given);
    return command;
  }
  WEIR_RETURN_IF_ERROR(CheckExposure(command.config));
  return command;
}

std::vector<std::string> UnknownVariables(const char* const* environment) {
  absl::flat_hash_set<std::string> known = {kFileVariable, "WEIR_BROKER"};
  for (const Setting& setting : Settings()) known.insert(setting.EnvironmentName());
  std::vector<std::string> unknown;
  for (; *environment != nullptr; ++environment) {
    const absl::string_view entry = *environment;
    std::string name(entry.substr(0, entry.find('=')));
    if (absl::StartsWith(name, "WEIR_") && !known.contains(name))
      unknown.push_back(std::move(name));
  }
  return unknown;
}

absl::string_view WeirVersion() { return WEIR_VERSION; }

}  // namespace weir
