#include "tests/fault/member_process.h"

#include <cstdlib>
#include <string_view>
#include <thread>

// member_process KIND ADDRESS TOPIC GROUP NUMBER [INSTANCE]
int main(int argc, char** argv) {
  if (argc < 6) return 2;
  weir::MemberProcess process({.address = argv[2],
                               .topic = argv[3],
                               .group = argv[4],
                               .instance_id = argc > 6 ? argv[6] : "",
                               .number = std::atoll(argv[5])});
  std::thread input([&process] { process.AwaitEnd(); });
  if (std::string_view(argv[1]) == "stream") {
    weir::RunStreamMember(&process);
  } else {
    weir::RunConsumerMember(&process);
  }
  input.join();
  return 0;
}
