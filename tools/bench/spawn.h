// Spawn: starts a program that knows nothing of how its parent treats signals: none is blocked or
// ignored. Any thread.
#ifndef WEIR_TOOLS_BENCH_SPAWN_H_
#define WEIR_TOOLS_BENCH_SPAWN_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

struct SpawnSpec {
  // The program, looked for in PATH when there is no '/' in it, and its arguments.
  std::vector<std::string> words;
  std::optional<std::vector<std::string>> environment;  // NAME=VALUE; nothing: ours
  std::vector<std::pair<int, int>> files;               // each of ours, and what it is there
  bool own_group = false;  // signals to our process group, as of a Ctrl-C, do not reach it
};

// Sets `*pid`. Otherwise the system's number of the error, and there is no process.
int Spawn(SpawnSpec spec, pid_t* pid);

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_SPAWN_H_
