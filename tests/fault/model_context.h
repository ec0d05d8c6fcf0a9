// ModelContext: what the model's operations share: the model, the draws, the ways to the broker,
// and the history of what was done, for whoever has to find out what went wrong. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_CONTEXT_H_
#define WEIR_TESTS_FAULT_MODEL_CONTEXT_H_

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/fault/broker_model.h"
#include "tests/fault/model_calls.h"
#include "tests/fault/model_draw.h"
#include "tests/fault/model_group_calls.h"
#include "weir/admin.h"
#include "weir/client.h"

namespace weir {

struct ModelContext {
  // `prefix`: of all topic names, so that several models can share a broker.
  ModelContext(uint64_t seed, std::string name_prefix, const std::string& address)
      : draw(seed),
        prefix(std::move(name_prefix)),
        client({.broker = address, .call_timeout = absl::Seconds(120)}),
        admin(client),
        calls(std::make_unique<ModelCalls>(address)),
        group_calls(std::make_unique<ModelGroupCalls>(address)) {}

  // Adds to the history: what is about to be done.
  void Say(std::string what) {
    history.push_back(std::move(what));
    if (history.size() > kHistory) history.pop_front();
  }

  // A topic's name, mostly of one that exists.
  std::string AnyTopicName();
  // Null when there is none yet.
  ModelTopic* AnyTopic();
  // A partition of the topic (also of one that does not exist), now and then one that it has not.
  int32_t AnyPartition(const std::string& topic);
  // A group's id, mostly of one that exists.
  std::string AnyGroup();
  // A topic with records that stay where they are; null when there is none.
  ModelTopic* LastingTopic();

  ModelDraw draw;
  BrokerModel model;
  const std::string prefix;
  Client client;  // finds the broker again by itself
  Admin admin;
  std::unique_ptr<ModelCalls> calls;             // made anew with the broker
  std::unique_ptr<ModelGroupCalls> group_calls;  // likewise
  std::deque<std::string> history;               // the last operations

  static constexpr size_t kTopicNames = 6;
  static constexpr size_t kGroupNames = 4;
  static constexpr size_t kHistory = 25;
};

// OK, or what differs.
template <typename A, typename B>
absl::Status Same(absl::string_view what, const A& broker, const B& model) {
  if (broker == model) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(what, ": the broker says ", broker, ", the model ", model));
}

// OK when the call ended for one of these reasons; empty stands for success.
inline absl::Status SameEnd(absl::string_view what, const ModelEnd& end,
                            const std::vector<std::string>& model) {
  if (std::find(model.begin(), model.end(), end.reason) != model.end()) return absl::OkStatus();
  const auto named = [](const std::string& reason) { return reason.empty() ? "OK" : reason; };
  return absl::InternalError(absl::StrCat(
      what, ": the broker says ", named(end.reason), " (", end.message, "), the model ",
      absl::StrJoin(model, " or ", [&](std::string* out, const std::string& reason) {
        absl::StrAppend(out, named(reason));
      })));
}

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_CONTEXT_H_
