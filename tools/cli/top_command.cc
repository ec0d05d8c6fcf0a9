#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/stop_signal.h"
#include "tools/cli/top_look.h"
#include "tools/cli/top_view.h"

namespace weir {
namespace {

struct TopOptions {
  std::string http;  // empty: beside the broker
  absl::Duration interval = absl::Seconds(2);
  bool once = false;
  OutputFormat output = OutputFormat::kTable;
};

constexpr absl::Duration kTimeout = absl::Seconds(5);

absl::StatusOr<TopLook> Look(const std::string& http) {
  absl::StatusOr<MetricsPage> page = MetricsPage::Fetch(http, kTimeout);
  if (!page.ok()) return page.status();
  return TopLook{.at = Clock::Real().Monotonic(), .page = *std::move(page)};
}

// Nothing when it is not known.
std::optional<TopSpace> TerminalSpace() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return std::nullopt;
  return TopSpace{.rows = size.ws_row, .columns = size.ws_col};
}

int Run(const TopOptions& options, const Invocation& invocation) {
  StopSignal::Block();
  StopSignal stop;
  const std::string http =
      options.http.empty() ? HttpAddressBeside(invocation.broker) : options.http;
  absl::StatusOr<TopLook> before = Look(http);
  if (!before.ok())
    return Fail(absl::NotFoundError(
        absl::StrCat(before.status().message(), "; name the broker's HTTP port with --http")));
  const bool live =
      !options.once && options.output == OutputFormat::kTable && isatty(STDOUT_FILENO) != 0;
  while (!stop.WaitFor(options.interval)) {
    absl::StatusOr<TopLook> now = Look(http);
    if (!now.ok()) {
      if (options.once) return Fail(now.status());
      const std::string trouble = absl::StrCat(now.status().message(), "; trying again\n");
      if (live) {
        Print(absl::StrCat("\033[H\033[J", trouble));
      } else {
        std::fprintf(stderr, "weir: %s", trouble.c_str());
      }
      continue;
    }
    const std::string text =
        RenderTop(*before, *now, options.output, live ? TerminalSpace() : std::nullopt);
    Print(live ? absl::StrCat("\033[H\033[J", text) : text);
    if (options.once) break;
    before = std::move(now);
  }
  return kExitOk;
}

}  // namespace

void AddTopCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<TopOptions>();
  CLI::App* command =
      app.add_subcommand("top", "Watch topics, groups and rates, from the broker's metrics");
  command
      ->add_option("--http", options->http,
                   "The broker's HTTP address, HOST:PORT (one above its gRPC port)")
      ->envname("WEIR_HTTP");
  AddParsed(command, "--interval", &options->interval, ParseIntervalArgument,
            "Between two looks (2s)");
  command->add_flag("--once", options->once, "One look, then end");
  AddOutputOption(command, &options->output);
  command->footer("Examples:\n  weir top\n  weir top --once --interval 500ms --output json");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
