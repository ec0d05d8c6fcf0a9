#include "tests/fault/topic_churn.h"

#include <map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "weir/admin.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr absl::string_view kPrefix = "churn-";
constexpr int32_t kPartitions = 2;
constexpr int64_t kAlive = 8;  // so many topics exist at a time

std::string Name(int64_t number) { return absl::StrCat(kPrefix, number); }
// What a topic's retention.ms is altered to.
std::string Retention(int64_t number) { return absl::StrCat(1'000'000'000 + number); }

std::string CheckTopic(Admin& admin, int64_t number, const TopicChurn::State& before) {
  const std::string name = Name(number);
  const auto topic = admin.DescribeTopic(name);
  if (!topic.ok()) return topic.status().ToString();
  if (topic->partition_count != kPartitions)
    return absl::StrCat(name, " has ", topic->partition_count, " partitions");
  if (number < before.written && topic->partitions[0].high_watermark != Offset(1))
    return absl::StrCat(name, " has lost its record");
  for (const Admin::ConfigEntry& entry : topic->config) {
    if (number < before.altered && entry.name == "retention.ms" &&
        entry.value != Retention(number)) {
      return absl::StrCat(name, " has lost its configuration: retention.ms is ", entry.value);
    }
  }
  return "";
}

}  // namespace

void TopicChurn::Set(int64_t State::*field, int64_t value) {
  absl::MutexLock lock(&mu_);
  state_.*field = value;
}

absl::Status TopicChurn::Turn(const Client& client, int64_t number) {
  Admin admin(client);
  const std::string name = Name(number);
  Set(&State::create_asked, number + 1);
  WEIR_RETURN_IF_ERROR(admin.CreateTopic({.name = name, .partitions = kPartitions}).status());
  Set(&State::created, number + 1);
  Producer producer(client);
  WEIR_RETURN_IF_ERROR(
      producer.SendAndWait({.topic = name, .value = "v", .partition = PartitionIndex(0)}).status());
  Set(&State::written, number + 1);
  WEIR_RETURN_IF_ERROR(
      admin.AlterTopicConfig(name, {{"retention.ms", Retention(number)}}).status());
  Set(&State::altered, number + 1);
  const int64_t oldest = number - kAlive;
  if (oldest < 0) return absl::OkStatus();
  Set(&State::delete_asked, oldest + 1);
  WEIR_RETURN_IF_ERROR(admin.DeleteTopic(Name(oldest)));
  Set(&State::deleted, oldest + 1);
  return absl::OkStatus();
}

void TopicChurn::Run(const Client& client, const std::atomic<bool>& stop) {
  absl::Status turned;
  for (int64_t number = 0; !stop && turned.ok(); ++number) turned = Turn(client, number);
  absl::MutexLock lock(&mu_);
  first_error_ = turned;
}

TopicChurn::State TopicChurn::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

absl::Status TopicChurn::first_error() const {
  absl::MutexLock lock(&mu_);
  return first_error_;
}

std::string TopicChurn::Check(const Client& client, const State& before, const State& after) {
  Admin admin(client);
  const auto listed = admin.ListTopics(kPrefix);
  if (!listed.ok()) return listed.status().ToString();
  std::map<int64_t, int> found;
  for (const Admin::TopicSummary& topic : *listed) {
    int64_t number = -1;
    if (!absl::SimpleAtoi(absl::string_view(topic.name).substr(kPrefix.size()), &number) ||
        number >= after.create_asked) {
      return absl::StrCat("a topic that nobody created: ", topic.name);
    }
    if (number < before.deleted) return absl::StrCat("deleted topic ", topic.name, " is back");
    ++found[number];
  }
  for (int64_t number = after.delete_asked; number < before.created; ++number) {
    if (!found.contains(number)) return absl::StrCat("topic ", Name(number), " is lost");
    if (const std::string wrong = CheckTopic(admin, number, before); !wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace weir
