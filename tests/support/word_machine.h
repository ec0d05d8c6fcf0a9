// WordMachine: the smallest state machine that can be wrong: a map of words, in which a record of
// kind 1, "word=value", sets one.
#ifndef WEIR_TESTS_SUPPORT_WORD_MACHINE_H_
#define WEIR_TESTS_SUPPORT_WORD_MACHINE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/runtime/state_machine.h"

namespace weir {

class WordMachine : public StateMachine {
 public:
  // `prefix` keeps machines apart that share a store; none is the beginning of another.
  explicit WordMachine(std::string prefix = "") : prefix_(std::move(prefix)) {}

  absl::Status Load(const StateStore& store) override {
    ++loads;
    words.clear();
    std::string end = prefix_;
    if (!end.empty()) ++end.back();
    return store.Scan(StateFamily::kGroups, prefix_, end,
                      [this](absl::string_view key, absl::string_view value) {
                        words[std::string(key.substr(prefix_.size()))] = std::string(value);
                        return true;
                      });
  }
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override {
    if (record.kind != 1) return absl::DataLossError(absl::StrCat("unknown kind ", record.kind));
    const std::pair<std::string, std::string> word = absl::StrSplit(record.payload, '=');
    words[word.first] = word.second;
    changes->push_back({StateFamily::kGroups, absl::StrCat(prefix_, word.first), word.second});
    return absl::OkStatus();
  }
  void OnLoaded(const MachineTime&) override { ++begun; }

  std::map<std::string, std::string> words;
  int loads = 0;
  int begun = 0;

 private:
  const std::string prefix_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_WORD_MACHINE_H_
