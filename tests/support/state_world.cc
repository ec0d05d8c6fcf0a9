#include "tests/support/state_world.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr int64_t kWords = 5;
constexpr size_t kValueBytes = 120;

std::string WordOf(int64_t record) { return absl::StrCat("word ", record % kWords); }
std::string ValueOf(int64_t record) {
  std::string value = absl::StrCat(record, " ");
  value.resize(kValueBytes, 'v');
  return value;
}

}  // namespace

std::unique_ptr<StateMachine> StateWorld::NewMachine(size_t partition) {
  auto machine = std::make_unique<WordMachine>(absl::StrCat(partition, "/"));
  machines_[partition] = machine.get();
  return machine;
}

void StateWorld::OnLoaded(size_t partition) {
  sent_[partition] = acknowledged_[partition] = log(partition)->high_watermark().value();
}

StateWorld::Words StateWorld::WordsAfter(int64_t records) {
  Words words;
  for (int64_t record = 0; record < records; ++record) words[WordOf(record)] = ValueOf(record);
  return words;
}

StateWorld::Ledger StateWorld::ledger() const {
  Ledger ledger;
  for (size_t i = 0; i < kPartitions; ++i) {
    ledger.sent[i] = sent_[i];
    ledger.acknowledged[i] = acknowledged_[i];
  }
  return ledger;
}

void StateWorld::Send(size_t partition, int records) {
  for (int i = 0; i < records; ++i) {
    const int64_t record = sent_[partition]++;
    shard(partition).Submit(
        [this, partition, record](const MachineTime&) {
          Decision decision;
          decision.records.push_back(
              {.kind = 1, .payload = absl::StrCat(WordOf(record), "=", ValueOf(record))});
          decision.answer = [this, partition, record](const absl::Status& status) {
            if (status.ok()) acknowledged_[partition] = record + 1;
          };
          return decision;
        },
        [](const absl::Status&) {});
  }
}

}  // namespace weir
