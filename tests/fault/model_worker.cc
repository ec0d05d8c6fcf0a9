#include "tests/fault/model_worker.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"

namespace weir {
namespace {

constexpr int64_t kMostBytes = 3'000'000;  // in all topics of one worker

}  // namespace

ModelWorker::ModelWorker(uint64_t seed, const std::string& prefix, const std::string& address)
    : context_(seed, prefix, address) {}

template <auto kMember, auto kOperation>
absl::Status ModelWorker::Do() {
  return ((this->*kMember).*kOperation)();
}

const std::vector<ModelWorker::Choice>& ModelWorker::Choices() {
  using W = ModelWorker;
  using Topics = ModelTopicOperations;
  using Fetch = ModelFetchOperations;
  using Produce = ModelProduceOperations;
  using Read = ModelReadOperations;
  using Groups = ModelGroupOperations;
  using Offsets = ModelOffsetOperations;
  using Members = ModelMemberOperations;
  static const auto& choices =
      *new std::vector<Choice>{{300, &W::Do<&W::produce_, &Produce::Produce>},
                               {40, &W::Do<&W::produce_, &Produce::ProduceStream>},
                               {40, &W::Do<&W::produce_, &Produce::InitProducer>},
                               {40, &W::Do<&W::producers_, &ModelProducers::Send>},
                               {200, &W::Do<&W::fetch_, &Fetch::Fetch>},
                               {60, &W::Do<&W::fetch_, &Fetch::FetchMany>},
                               {10, &W::Do<&W::fetch_, &Fetch::FetchWrong>},
                               {15, &W::Do<&W::fetch_, &Fetch::FetchEnough>},
                               {40, &W::Do<&W::read_, &Read::Stream>},
                               {20, &W::Do<&W::read_, &Read::Consume>},
                               {80, &W::Do<&W::read_, &Read::ListOffsets>},
                               {30, &W::Do<&W::read_, &Read::DeleteRecords>},
                               {40, &W::Do<&W::topics_, &Topics::Describe>},
                               {15, &W::Do<&W::topics_, &Topics::List>},
                               {20, &W::Do<&W::topics_, &Topics::Create>},
                               {10, &W::Do<&W::topics_, &Topics::CreateWrong>},
                               {6, &W::Do<&W::topics_, &Topics::Delete>},
                               {20, &W::Do<&W::topics_, &Topics::Alter>},
                               {10, &W::Do<&W::topics_, &Topics::AlterWrong>},
                               {8, &W::Do<&W::topics_, &Topics::AddPartitions>},
                               {20, &W::Do<&W::groups_, &Groups::Create>},
                               {5, &W::Do<&W::groups_, &Groups::CreateWrong>},
                               {10, &W::Do<&W::groups_, &Groups::Alter>},
                               {5, &W::Do<&W::groups_, &Groups::AlterWrong>},
                               {10, &W::Do<&W::groups_, &Groups::Pause>},
                               {6, &W::Do<&W::groups_, &Groups::Delete>},
                               {10, &W::Do<&W::groups_, &Groups::List>},
                               {40, &W::Do<&W::groups_, &Groups::Describe>},
                               {80, &W::Do<&W::offsets_, &Offsets::Commit>},
                               {40, &W::Do<&W::offsets_, &Offsets::Fetch>},
                               {40, &W::Do<&W::offsets_, &Offsets::Reset>},
                               {40, &W::Do<&W::members_, &Members::Join>}};
  return choices;
}

void ModelWorker::Run(int64_t operations) {
  int64_t total = 0;
  for (const Choice& choice : Choices()) total += choice.weight;
  for (int64_t i = 0; i < operations && status_.ok(); ++i) {
    ++operations_;
    int64_t at = context_.draw.Between(0, total - 1);
    for (const Choice& choice : Choices()) {
      at -= choice.weight;
      if (at >= 0) continue;
      Note((this->*choice.run)());
      break;
    }
    if (status_.ok() && context_.model.size_bytes() > kMostBytes) Note(Shrink());
  }
}

absl::Status ModelWorker::Shrink() {
  while (context_.model.size_bytes() > kMostBytes / 2) WEIR_RETURN_IF_ERROR(read_.DeleteRecords());
  return absl::OkStatus();
}

void ModelWorker::OnRestart(const std::string& address, int32_t leader_epoch) {
  context_.Say(absl::StrCat("the broker started with leader epoch ", leader_epoch));
  context_.calls = std::make_unique<ModelCalls>(address);
  context_.group_calls = std::make_unique<ModelGroupCalls>(address);
  context_.model.leader_epoch = leader_epoch;
}

void ModelWorker::CompareAll() {
  if (!status_.ok()) return;
  Note(topics_.CompareAll());
  if (status_.ok()) Note(groups_.CompareAll());
  for (const auto& [id, group] : context_.model.groups) {
    if (status_.ok()) Note(offsets_.CompareAll(id));
  }
  for (auto& [name, topic] : context_.model.topics) {
    for (int32_t p = 0; status_.ok() && p < topic.partition_count(); ++p)
      Note(read_.CompareAll(&topic, p));
  }
}

void ModelWorker::Note(const absl::Status& difference) {
  if (difference.ok() || !status_.ok()) return;
  status_ = absl::InternalError(
      absl::StrCat("operation ", operations_, " of ", context_.prefix, ": ", difference.message(),
                   "\nthe last operations:\n    ", absl::StrJoin(context_.history, "\n    ")));
}

}  // namespace weir
