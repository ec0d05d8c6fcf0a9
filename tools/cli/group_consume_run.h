// GroupConsumeRun: prints what a member of a consumer group is given, and commits what it has
// printed. One thread; a stop signal ends it.
#ifndef WEIR_TOOLS_CLI_GROUP_CONSUME_RUN_H_
#define WEIR_TOOLS_CLI_GROUP_CONSUME_RUN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tools/cli/record_printer.h"
#include "weir/client.h"
#include "weir/group.h"

namespace weir {

struct GroupConsumeOptions {
  std::string group;
  std::string topic;
  GroupStart start = GroupStart::kEarliest;  // of a group that does not exist yet
  int64_t max = -1;                          // records; -1: no limit
  bool follow = false;  // false: ends when everything that this member owns has been read
  RecordFormat format;
};

// The exit status. Signals must be blocked (StopSignal::Block).
int RunGroupConsume(const GroupConsumeOptions& options, const Client& client);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_GROUP_CONSUME_RUN_H_
