#include "tools/bench/metrics_page.h"

#include <httplib.h>

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

// The text between quotes at the front of `*rest`, unescaped; nothing when it does not end.
std::optional<std::string> TakeQuoted(absl::string_view* rest) {
  std::string value;
  for (size_t i = 1; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == '"') {
      rest->remove_prefix(i + 1);
      return value;
    }
    if (c == '\\' && i + 1 < rest->size()) {
      ++i;
      value.push_back((*rest)[i] == 'n' ? '\n' : (*rest)[i]);
    } else {
      value.push_back(c);
    }
  }
  return std::nullopt;
}

// {a="b",c="d"} at the front of `*rest`.
bool TakeLabels(absl::string_view* rest, std::map<std::string, std::string>* labels) {
  rest->remove_prefix(1);
  while (!rest->empty() && rest->front() != '}') {
    const size_t equals = rest->find("=\"");
    if (equals == absl::string_view::npos) return false;
    const std::string name(rest->substr(0, equals));
    rest->remove_prefix(equals + 1);
    std::optional<std::string> value = TakeQuoted(rest);
    if (!value) return false;
    (*labels)[name] = *std::move(value);
    if (!rest->empty() && rest->front() == ',') rest->remove_prefix(1);
  }
  if (rest->empty()) return false;
  rest->remove_prefix(1);
  return true;
}

}  // namespace

absl::StatusOr<MetricsPage> MetricsPage::Fetch(const std::string& address, absl::Duration timeout) {
  httplib::Client http(absl::StrCat("http://", address));
  const auto micros = absl::ToInt64Microseconds(timeout);
  http.set_connection_timeout(micros / 1'000'000, micros % 1'000'000);
  http.set_read_timeout(micros / 1'000'000, micros % 1'000'000);
  const httplib::Result page = http.Get("/metrics");
  if (!page)
    return absl::UnavailableError(absl::StrCat("no metrics at http://", address, "/metrics"));
  if (page->status != 200) {
    return absl::UnavailableError(
        absl::StrCat("http://", address, "/metrics answers with status ", page->status));
  }
  return Parse(page->body);
}

MetricsPage MetricsPage::Parse(absl::string_view text) {
  MetricsPage page;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (line.front() == '#') continue;
    const size_t end = line.find_first_of("{ ");
    if (end == absl::string_view::npos) continue;
    absl::string_view rest = line.substr(end);
    Series series;
    if (rest.front() == '{' && !TakeLabels(&rest, &series.labels)) continue;
    const std::vector<absl::string_view> numbers = absl::StrSplit(rest, ' ', absl::SkipEmpty());
    if (numbers.empty() || !absl::SimpleAtod(numbers[0], &series.value)) continue;
    page.metrics_[std::string(line.substr(0, end))].push_back(std::move(series));
  }
  return page;
}

const std::vector<MetricsPage::Series>& MetricsPage::SeriesOf(absl::string_view name) const {
  static const auto* const none = new std::vector<Series>();
  const auto found = metrics_.find(std::string(name));
  return found == metrics_.end() ? *none : found->second;
}

double MetricsPage::Sum(absl::string_view name) const {
  double sum = 0;
  for (const Series& series : SeriesOf(name)) sum += series.value;
  return sum;
}

}  // namespace weir
