#include "tools/bench/spawn.h"

#include <signal.h>
#include <spawn.h>
#include <unistd.h>

extern char** environ;

namespace weir {
namespace {

class Attributes {
 public:
  explicit Attributes(bool own_group) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    const int group = own_group ? POSIX_SPAWN_SETPGROUP : 0;
    posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

class FileActions {
 public:
  explicit FileActions(const std::vector<std::pair<int, int>>& files) {
    posix_spawn_file_actions_init(&actions_);
    for (const auto& [ours, there] : files)
      posix_spawn_file_actions_adddup2(&actions_, ours, there);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::vector<char*> PointersTo(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

int Spawn(SpawnSpec spec, pid_t* pid) {
  const std::vector<char*> words = PointersTo(spec.words);
  std::vector<char*> variables;
  if (spec.environment.has_value()) variables = PointersTo(*spec.environment);
  const Attributes attributes(spec.own_group);
  const FileActions actions(spec.files);
  return posix_spawnp(pid, words[0], actions.get(), attributes.get(), words.data(),
                      spec.environment.has_value() ? variables.data() : environ);
}

}  // namespace weir
