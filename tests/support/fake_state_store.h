// FakeStateStore: a StateStore in memory, with a crash: what was not flushed is gone. One thread at
// a time.
#ifndef WEIR_TESTS_SUPPORT_FAKE_STATE_STORE_H_
#define WEIR_TESTS_SUPPORT_FAKE_STATE_STORE_H_

#include <map>
#include <string>
#include <utility>

#include "storage/meta/state_store.h"

namespace weir {

class FakeStateStore : public StateStore {
 public:
  using Content = std::map<std::pair<StateFamily, std::string>, std::string>;

  absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const override {
    const auto found = content_.find({family, std::string(key)});
    if (found == content_.end()) return absl::NotFoundError("no such key");
    return found->second;
  }
  absl::Status Scan(
      StateFamily family, absl::string_view start, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view, absl::string_view)> visit) const override {
    for (auto at = content_.lower_bound({family, std::string(start)}); at != content_.end(); ++at) {
      if (at->first.first != family || (!end.empty() && at->first.second >= end)) break;
      if (!visit(at->first.second, at->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status Write(absl::Span<const StateChange> changes) override {
    if (!fail_.ok()) return fail_;
    for (const StateChange& change : changes) {
      if (!change.end.empty()) {
        content_.erase(content_.lower_bound({change.family, change.key}),
                       content_.lower_bound({change.family, change.end}));
      } else if (change.value.has_value()) {
        content_[{change.family, change.key}] = *change.value;
      } else {
        content_.erase({change.family, change.key});
      }
    }
    return absl::OkStatus();
  }
  absl::Status Flush() override {
    if (!fail_.ok()) return fail_;
    flushed_ = content_;
    return absl::OkStatus();
  }
  absl::Status Snapshot(const std::string&) override { return Flush(); }

  void Crash() { content_ = flushed_; }
  // Every write and flush fails with this from now on.
  void FailWrites(absl::Status why) { fail_ = std::move(why); }
  const Content& content() const { return content_; }

 private:
  Content content_;
  Content flushed_;
  absl::Status fail_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_FAKE_STATE_STORE_H_
