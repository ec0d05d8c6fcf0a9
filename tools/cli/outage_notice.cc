#include "tools/cli/outage_notice.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/command.h"

namespace weir {

std::string OutageNotice::Note(const absl::Status& trouble) {
  const bool told = std::exchange(told_, !trouble.ok());
  if (trouble.ok() || told) return "";
  const std::string hint = HintFor(trouble);
  return absl::StrCat("weir: ", ErrorText(trouble), "; trying again until it goes on",
                      hint.empty() ? "" : "\nhint: ", hint);
}

void OutageNotice::Tell(const absl::Status& trouble) {
  const std::string notice = Note(trouble);
  if (!notice.empty()) std::fprintf(stderr, "%s\n", notice.c_str());
}

}  // namespace weir
