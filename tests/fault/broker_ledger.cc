#include "tests/fault/broker_ledger.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "weir/admin.h"
#include "weir/consumer.h"

namespace weir {

absl::Status BrokerLedger::Send(Producer& to, int producer, int64_t n) {
  const std::string key = absl::StrCat("producer-", producer);
  const std::string value =
      absl::StrCat(producer, "#", n, "#", std::string(static_cast<size_t>(n % 200), 'x'));
  return to.Send({.topic = topic_, .key = key, .value = value},
                 [this, value](const absl::StatusOr<RecordPosition>& position) {
                   absl::MutexLock lock(&mu_);
                   if (position.ok()) {
                     acknowledged_[{position->partition.value(), position->offset.value()}] = value;
                   } else if (first_error_.ok()) {
                     first_error_ = position.status();
                   }
                 });
}

int64_t BrokerLedger::acknowledged_count() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int64_t>(acknowledged_.size());
}

BrokerLedger::Acknowledged BrokerLedger::acknowledged() const {
  absl::MutexLock lock(&mu_);
  return acknowledged_;
}

std::map<int32_t, int64_t> BrokerLedger::ends() const {
  absl::MutexLock lock(&mu_);
  std::map<int32_t, int64_t> ends;
  for (const auto& [place, value] : acknowledged_)
    ends[place.first] = std::max(ends[place.first], place.second + 1);
  return ends;
}

absl::Status BrokerLedger::first_error() const {
  absl::MutexLock lock(&mu_);
  return first_error_;
}

void BrokerLedger::AwaitAcknowledged(int64_t count) const {
  const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return static_cast<int64_t>(acknowledged_.size()) >= count || !first_error_.ok();
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&reached));
}

std::string BrokerLedger::Check(const Client& client, const std::string& name,
                                const Acknowledged& acknowledged, int32_t partitions,
                                Found* found) {
  *found = {};
  std::map<int32_t, int64_t> next_offset;
  const auto topic = Admin(client).DescribeTopic(name);
  if (!topic.ok()) return topic.status().ToString();
  for (const Admin::PartitionDescription& partition : topic->partitions)
    next_offset[partition.partition.value()] = partition.log_start_offset.value();
  size_t expected = 0;
  for (const auto& [place, value] : acknowledged) {
    if (place.second < next_offset[place.first]) {
      ++found->removed;
    } else {
      ++expected;
    }
  }
  Consumer consumer(client);
  for (int32_t p = 0; p < partitions; ++p) {
    const absl::Status assigned =
        consumer.Assign({.topic = name, .partition = PartitionIndex{p}, .until_end = true});
    if (!assigned.ok()) return assigned.ToString();
  }
  std::map<std::string, int64_t> next_number;  // by producer
  size_t matched = 0;
  while (!consumer.AtEnd()) {
    absl::StatusOr<RecordSet> set = consumer.Poll(absl::Seconds(30));
    if (!set.ok()) return set.status().ToString();
    if (set->empty() && !consumer.AtEnd())
      return absl::StrCat("nothing came within 30 s: ", consumer.last_error().ToString());
    const int32_t partition = set->partition().value();
    RecordView record;
    while (set->Next(&record)) {
      ++found->records;
      if (record.offset.value() != next_offset[partition]++) {
        return absl::StrCat("partition ", partition, " has a hole before offset ",
                            record.offset.value());
      }
      const std::string value(record.value.value_or(""));
      const std::vector<std::string> parts = absl::StrSplit(value, '#');
      int64_t number = -1;
      if (parts.size() != 3 || !absl::SimpleAtoi(parts[1], &number))
        return absl::StrCat("a record that nobody sent: ", value);
      // A producer's first records may be below the log start.
      int64_t& next =
          next_number.try_emplace(parts[0], found->removed > 0 ? number : 0).first->second;
      if (number != next) {
        return absl::StrCat("producer ", parts[0], ": record ", number, " where ", next,
                            " was expected");
      }
      ++next;
      const auto promised = acknowledged.find({partition, record.offset.value()});
      if (promised == acknowledged.end()) continue;
      if (promised->second != value)
        return absl::StrCat("offset ", record.offset.value(),
                            " holds another record than was acknowledged");
      ++matched;
    }
    if (!set->status().ok()) return set->status().ToString();
  }
  if (matched != expected)
    return absl::StrCat(expected - matched, " acknowledged records are lost");
  return "";
}

}  // namespace weir
