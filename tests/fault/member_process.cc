#include "tests/fault/member_process.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

namespace weir {

void MemberProcess::Say(MemberReport report) const {
  report.member = options_.number;
  const std::string line = EncodeReport(report);
  // Nobody reads any more: the test has ended.
  if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

void MemberProcess::Leave() {
  absl::MutexLock lock(&mu_);
  leaves_ = true;
  if (wake_) wake_();
}

void MemberProcess::OnLeave(std::function<void()> wake) {
  absl::MutexLock lock(&mu_);
  wake_ = std::move(wake);
  if (leaves_ && wake_) wake_();
}

bool MemberProcess::leaves() const {
  absl::MutexLock lock(&mu_);
  return leaves_;
}

}  // namespace weir

// member_process KIND ADDRESS TOPIC GROUP NUMBER [INSTANCE]
int main(int argc, char** argv) {
  if (argc < 6) return 2;
  weir::MemberProcess process({.address = argv[2],
                               .topic = argv[3],
                               .group = argv[4],
                               .instance_id = argc > 6 ? argv[6] : "",
                               .number = std::atoll(argv[5])});
  std::thread input([&process] {
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    process.Leave();
  });
  if (std::string_view(argv[1]) == "stream") {
    weir::RunStreamMember(&process);
  } else {
    weir::RunConsumerMember(&process);
  }
  input.join();
  return 0;
}
