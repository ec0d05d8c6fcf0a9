// ProcessFleet: processes that report lines on one pipe, which come in the order in which they were
// written, whoever wrote them: started, made to leave, killed with -9. A thread takes the lines.
// Killed with this object. One thread.
#ifndef WEIR_TESTS_FAULT_PROCESS_FLEET_H_
#define WEIR_TESTS_FAULT_PROCESS_FLEET_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class ProcessFleet {
 public:
  // `take` gets each line, without its end, on the fleet's thread.
  explicit ProcessFleet(std::function<void(absl::string_view)> take);
  ~ProcessFleet();
  ProcessFleet(const ProcessFleet&) = delete;

  // One that no process has had.
  int64_t NextNumber() { return ++last_number_; }
  // `words`: the program's path and its arguments.
  void Start(int64_t number, std::vector<std::string> words);
  // Both return when it is gone and all that it has reported was taken. Leave ends its standard
  // input and waits.
  void Kill(int64_t number);
  void Leave(int64_t number);
  // Returns when everything that was reported by now was taken.
  void Sync() ABSL_LOCKS_EXCLUDED(mu_);

  int64_t kills() const { return kills_; }
  int64_t leaves() const { return leaves_; }

 private:
  struct Process {
    pid_t pid = -1;
    int input = -1;
  };

  void AwaitEnd(int64_t number);
  void ReadLines() ABSL_LOCKS_EXCLUDED(mu_);
  void TakeLine(absl::string_view line) ABSL_LOCKS_EXCLUDED(mu_);

  const std::function<void(absl::string_view)> take_;
  std::map<int64_t, Process> processes_;  // by number
  int64_t last_number_ = 0;
  int64_t kills_ = 0;
  int64_t leaves_ = 0;
  int64_t last_mark_ = 0;
  int lines_ = -1;       // the end that is read
  int lines_back_ = -1;  // the one that is written to
  absl::Mutex mu_;
  int64_t mark_ ABSL_GUARDED_BY(mu_) = 0;  // the last that was read
  std::thread reader_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_PROCESS_FLEET_H_
