#include "broker/rpc/work_places.h"

#include <algorithm>

#include "broker/rpc/worker_sessions.h"
#include "broker/share/share_shards.h"

namespace weir {

bool WorkPlaces::Refresh() {
  std::shared_ptr<const ShareGroup> reads = services_->share_directory->FindGroup(group_);
  if (reads == nullptr) return false;
  if (reads == reads_) return true;
  reads_ = std::move(reads);
  std::vector<WorkPlacePtr> places;
  for (const ShareSource& source : reads_->sources) {
    const auto known = std::find_if(places_.begin(), places_.end(), [&](const WorkPlacePtr& place) {
      return place->id.partition == source.partition;
    });
    WorkPlacePtr place = known != places_.end() ? *known : MakePlace(source);
    if (place != nullptr) places.push_back(std::move(place));
  }
  for (const WorkPlacePtr& place : places_) {
    if (std::find(places.begin(), places.end(), place) == places.end()) GiveUpLease(place.get());
  }
  places_ = std::move(places);
  return true;
}

WorkPlacePtr WorkPlaces::MakePlace(const ShareSource& source) const {
  const auto found = services_->partitions->Find(source.topic, source.partition.partition);
  // A topic that was deleted, or made anew, is left out soon.
  if (!found.ok() || found->partition->id() != source.partition) return nullptr;
  auto place = std::make_shared<WorkPlace>();
  place->id = {.group = group_, .partition = source.partition};
  place->shard = services_->shares->PartitionOf(place->id);
  place->topic = source.topic;
  place->partition = found->partition;
  return place;
}

void WorkPlaces::SetAllReady() {
  for (const WorkPlacePtr& place : places_) {
    place->ready = true;
    place->scan_rests = false;
  }
}

bool WorkPlaces::SetReady(const SharePartitionId& id) {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const WorkPlacePtr& place) { return place->id == id; });
  if (found == places_.end()) return false;
  (*found)->ready = (*found)->signalled = true;
  return true;
}

WorkPlacePtr WorkPlaces::NextReady() {
  for (size_t i = 0; i < places_.size(); ++i) {
    const WorkPlacePtr& place = places_[(turn_ + i) % places_.size()];
    if (!place->ready) continue;
    turn_ = (turn_ + i + 1) % places_.size();
    return place;
  }
  return nullptr;
}

bool WorkPlaces::TakesDelays(const WorkPlace& place) const {
  const auto found = services_->partitions->Find(place.topic, place.id.partition.partition);
  return found.ok() && found->topic->config.delayed_delivery;
}

bool WorkPlaces::CanScan(WorkPlace* place) {
  if (!place->scan_from || place->scan_rests) return false;
  if (!place->leased) place->leased = services_->workers->Lease(place->id, session_);
  if (!place->leased) return false;
  return place->partition->log() == nullptr ||
         place->partition->high_watermark() > *place->scan_from;
}

void WorkPlaces::GiveUpLease(WorkPlace* place) {
  if (!std::exchange(place->leased, false)) return;
  services_->workers->GiveUpLease(place->id, session_);
  given_up_.push_back(place->id);
}

void WorkPlaces::GiveUpLeases() {
  for (const WorkPlacePtr& place : places_) GiveUpLease(place.get());
}

std::vector<Waiters::Target> WorkPlaces::Awaited() const {
  std::vector<Waiters::Target> targets;
  for (const WorkPlacePtr& place : places_) {
    if (place->leased && place->scan_from && !place->scan_rests)
      targets.push_back({.partition = place->partition, .above = *place->scan_from});
  }
  return targets;
}

void WorkPlaces::NoteGrown() {
  for (const WorkPlacePtr& place : places_) {
    place->ready |=
        place->leased && place->scan_from && place->partition->high_watermark() > *place->scan_from;
  }
}

}  // namespace weir
