// GroupScript: runs a script of commands against a GroupWorld and holds what happens against what
// the script says. A command is a line that is not indented; the indented lines behind it are
// everything that it makes happen, in order: records, the answer, notices. '#' begins a remark.
//
//   topic NAME PARTITIONS                  makes or extends one
//   log NAME:P START END                   the ends of a partition's log
//   unavailable | available                the logs, for whoever asks for their ends
//   delete-topic NAME
//   join GROUP MEMBER TOPICS [start=S] [epoch=E] [instance=I] [assignor=A]
//   lost GROUP MEMBER                      the stream breaks
//   leave GROUP MEMBER
//   confirm GROUP MEMBER EPOCH
//   subscribe GROUP MEMBER TOPICS
//   commit GROUP MEMBER EPOCH T:P=OFFSET... [start=S] [metadata=BYTES]     MEMBER -: from outside
//   fetch GROUP [T:P...] [limit=N]
//   reset GROUP T:P=TARGET... [dry-run]    TARGET: earliest latest OFFSET by+N by-N
//   create GROUP START [type=T] [on=TOPICS] [dead-letters=TOPIC] [NAME=VALUE...]
//   alter GROUP [on=TOPICS] [NAME=VALUE...] [remove=NAME]
//   pause | resume | breaker | delete | describe GROUP
//   own-dead-letters GROUP TOPIC
//   own-redrive GROUP SOURCE TOPIC
//   list [after=GROUP] [limit=N]
//   advance DURATION
//   clock DURATION                         the time of day jumps, no time passes
//   restart                                a new process, from what the store has and the log
//   write-store
//
// TOPICS: names with commas, or a prefix and '*'. A member's stream is that of its newest join; a
// stream of an older one is MEMBER#N, by the number of its join in the script.
#ifndef WEIR_TESTS_SUPPORT_GROUP_SCRIPT_H_
#define WEIR_TESTS_SUPPORT_GROUP_SCRIPT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/group_world.h"

namespace weir {

class GroupScript {
 public:
  GroupScript();

  // The script as it would be if it were right: its commands and remarks, with what happened.
  std::string Play(absl::string_view script);

 private:
  using Words = std::vector<std::string>;

  void Command(const Words& words);
  // True when the word was one of theirs.
  bool TopicCommand(const Words& words);
  bool MemberCommand(const Words& words);
  bool OffsetCommand(const Words& words);
  bool AdminCommand(const Words& words);
  bool WorldCommand(const Words& words);

  void Join(const Words& words);
  void Commit(const Words& words);
  void Fetch(const Words& words);
  void Reset(const Words& words);
  void Describe(const std::string& group);
  void List(const Words& words);

  void Happened(absl::string_view what, absl::string_view line);
  Done Answered();
  MemberStream StreamOf(const std::string& group, const std::string& member) const;
  TopicId TopicOf(absl::string_view name) const;
  TopicPartition PartitionOf(absl::string_view text) const;

  GroupWorld world_;
  std::map<std::string, SessionId> sessions_;  // by member: the newest
  uint64_t joins_ = 0;
  std::string output_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_SCRIPT_H_
