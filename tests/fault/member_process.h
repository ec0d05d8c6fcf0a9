// MemberProcess: the program that is one member of a consumer group and reports on its standard
// output what it sees and commits (member_report.h), so that it can be killed with -9. It leaves
// when its standard input ends. Two kinds: one is a GroupConsumer, the other nothing but the
// generated stub of Consume.
#ifndef WEIR_TESTS_FAULT_MEMBER_PROCESS_H_
#define WEIR_TESTS_FAULT_MEMBER_PROCESS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "tests/fault/member_report.h"
#include "tests/fault/process_life.h"

namespace weir {

struct MemberOptions {
  std::string address;  // of the broker
  std::string topic;
  std::string group;
  std::string instance_id;  // empty: none
  int64_t number = 0;       // of this process; the seed of its draws
};

// What both kinds need of their process. Say() for one thread.
class MemberProcess : public ProcessLife {
 public:
  explicit MemberProcess(MemberOptions options) : options_(std::move(options)) {}

  const MemberOptions& options() const { return options_; }
  void Say(MemberReport report) const {
    report.member = options_.number;
    Print(EncodeReport(report));
  }
  void Say(MemberReport::What what, int32_t partition, int64_t to = 0) const {
    Say({.what = what, .partition = partition, .to = to});
  }
  void Fail(const std::string& why) const {
    Say({.what = MemberReport::What::kFails, .text = why});
  }

 private:
  const MemberOptions options_;
};

// Each is a member until the process is to leave.
void RunConsumerMember(MemberProcess* process);
void RunStreamMember(MemberProcess* process);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MEMBER_PROCESS_H_
