// ShareScript: runs a script of commands against a ShareWorld and holds what happens against what
// the script says. A command is a line that is not indented; the indented lines behind it are
// everything that it makes happen, in order: records, the answer, notices. '#' begins a remark.
//
//   group NAME [order=key] [SETTING=N...]  makes a share group, or sets it anew: ack-timeout,
//                                          attempts, backoff, backoff-max, in-flight, parked
//   delete-group NAME | group-again NAME   the latter is another group of the name
//   pause | breaker | resume NAME
//   produce Q N [key=K] [at=DURATION]      N records, to be delivered so much later
//   unreadable Q N                         a batch of so many that cannot be read
//   trim Q OFFSET                          the log begins there
//   open Q [OFFSET] | remove Q | reset Q OFFSET [dry-run]
//   acquire Q SESSION N [idle] [scan=N] [worker=NAME]
//   accept | release | uncounted | reject Q JOBS@TOKEN... [delay=DURATION] [error=TEXT]
//   ack Q JOBS@TOKEN=OUTCOME...            of several kinds at once
//   renew Q JOBS@TOKEN...
//   break | back | close SESSION           its stream breaks, comes back, is half-closed
//   take Q N                               dead letters to be written
//   write Q OFFSET... | postpone Q OFFSET...
//   refuse-letters | take-letters          what the dead-letter topic does from now on
//   mark Q OFFSET... [purge]               dead letters are driven
//   expire Q OFFSET
//   describe Q | list Q [from=N] [limit=N]
//   release-now Q OFFSET... | cancel Q OFFSET...
//   advance DURATION
//   clock DURATION                         the time of day jumps, no time passes
//   fail-append                            the next append fails
//   restart                                a new process, from what the store has and the log
//   write-store
//
// Q: GROUP/TOPIC:PARTITION. JOBS: OFFSET or FIRST-LAST. TOKEN: epoch.counter, as an acquisition
// tells it. Times are told in seconds since the script began. Chance always gives the least: a
// backoff is 20 % shorter.
#ifndef WEIR_TESTS_SUPPORT_SHARE_SCRIPT_H_
#define WEIR_TESTS_SUPPORT_SHARE_SCRIPT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/share_world.h"

namespace weir {

class ShareScript {
 public:
  ShareScript();

  // The script as it would be if it were right: its commands and remarks, with what happened.
  std::string Play(absl::string_view script);

 private:
  using Words = std::vector<std::string>;
  using Options = std::map<std::string, std::string>;

  void Command(const Words& words);
  // True when the word was one of theirs.
  bool GroupCommand(const Words& words);
  bool LogCommand(const Words& words);
  bool WorkerCommand(const Words& words);
  bool SessionCommand(const Words& words);
  bool LetterCommand(const Words& words);
  bool AdminCommand(const Words& words);
  bool JobCommand(const Words& words);
  bool WorldCommand(const Words& words);

  void SetGroup(const Words& words);
  void Acquire(const Words& words);
  void Acknowledge(const Words& words);
  void Renew(const Words& words);
  void TakeLetters(const Words& words);
  void WriteLetters(const Words& words);
  void Mark(const Words& words);

  void Happened(absl::string_view what, absl::string_view line);
  Done Answered();
  template <typename T>
  Reply<T> Counted();
  SharePartitionId IdOf(absl::string_view text);
  std::string Name(const SharePartitionId& id) const;

  ShareWorld world_;
  const int64_t origin_ms_ = world_.now().now_ms;
  std::map<std::string, ShareSettings> groups_;
  std::map<std::string, TopicId> topics_;
  std::string output_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARE_SCRIPT_H_
