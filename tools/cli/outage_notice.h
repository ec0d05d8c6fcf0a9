// OutageNotice: says once, and not again before it is over, that the broker cannot be reached or
// refuses what is asked again and again. One thread.
#ifndef WEIR_TOOLS_CLI_OUTAGE_NOTICE_H_
#define WEIR_TOOLS_CLI_OUTAGE_NOTICE_H_

#include <string>

#include "absl/status/status.h"

namespace weir {

class OutageNotice {
 public:
  // `trouble`: what is wrong now; OK: nothing is. What a person should read, without a newline
  // behind it; empty when there is nothing new.
  std::string Note(const absl::Status& trouble);
  // The same, on stderr.
  void Tell(const absl::Status& trouble);

 private:
  bool told_ = false;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_OUTAGE_NOTICE_H_
