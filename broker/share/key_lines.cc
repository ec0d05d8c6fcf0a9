#include "broker/share/key_lines.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

constexpr uint8_t kStays = std::numeric_limits<uint8_t>::max();
constexpr size_t kRemembered = 1024;  // lines of which the begin is known

}  // namespace

const KeyLines::Key* KeyLines::Find(const KeyHash& key) const {
  const auto found = by_hash_.find(key);
  return found == by_hash_.end() ? nullptr : &keys_[found->second];
}

uint32_t KeyLines::FindOrAdd(const KeyHash& key) {
  const auto [found, added] = by_hash_.try_emplace(key, static_cast<uint32_t>(keys_.size()));
  if (!added) return found->second;
  if (!free_.empty()) {
    found->second = free_.back();
    free_.pop_back();
    keys_[found->second] = Key{.hash = key};
  } else {
    keys_.push_back(Key{.hash = key});
  }
  return found->second;
}

void KeyLines::DropIfEmpty(uint32_t index) {
  const Key& key = keys_[index];
  if (key.holder != kNobody || key.first != kNobody) return;
  by_hash_.erase(key.hash);
  free_.push_back(index);
}

std::optional<Offset> KeyLines::HolderOf(const KeyHash& key) const {
  const Key* const found = Find(key);
  if (found == nullptr || found->holder == kNobody) return std::nullopt;
  return found->holder;
}

void KeyLines::Hold(const KeyHash& key, Offset job) {
  const uint32_t index = FindOrAdd(key);
  WEIR_CHECK(keys_[index].holder == kNobody);
  keys_[index].holder = job;
  jobs_[job] = {.key = index};
}

void KeyLines::LineUp(const KeyHash& key, Offset job) {
  const uint32_t index = FindOrAdd(key);
  Key& line = keys_[index];
  if (line.first == kNobody) {
    line.first = job;
  } else {
    jobs_.find(line.last)->second.next = job;
  }
  line.last = job;
  ++line.in_line;
  jobs_[job] = {.key = index, .in_line = true};
  ++in_line_;
}

void KeyLines::Release(const KeyHash& key) {
  const auto found = by_hash_.find(key);
  WEIR_CHECK(found != by_hash_.end() && keys_[found->second].holder != kNobody);
  const uint32_t index = found->second;
  jobs_.erase(keys_[index].holder);
  keys_[index].holder = kNobody;
  DropIfEmpty(index);
}

std::optional<KeyHash> KeyLines::KeyOf(Offset job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return std::nullopt;
  return keys_[found->second.key].hash;
}

bool KeyLines::IsInLine(Offset job) const {
  const auto found = jobs_.find(job);
  return found != jobs_.end() && found->second.in_line;
}

std::optional<Offset> KeyLines::FirstInLine(const KeyHash& key) const {
  const Key* const found = Find(key);
  if (found == nullptr || found->first == kNobody) return std::nullopt;
  return found->first;
}

size_t KeyLines::LineOf(const KeyHash& key) const {
  const Key* const found = Find(key);
  return found == nullptr ? 0 : found->in_line;
}

void KeyLines::PopLine(const KeyHash& key) {
  const auto found = by_hash_.find(key);
  WEIR_CHECK(found != by_hash_.end());
  const uint32_t index = found->second;
  Key& line = keys_[index];
  const auto job = jobs_.find(line.first);
  WEIR_CHECK(job != jobs_.end());
  line.first = job->second.next;
  if (line.first == kNobody) line.last = kNobody;
  --line.in_line;
  jobs_.erase(job);
  --in_line_;
  DropIfEmpty(index);
}

std::vector<Offset> KeyLines::CutLine(const KeyHash& key, size_t keep) {
  WEIR_CHECK(keep > 0);
  std::vector<Offset> cut;
  if (LineOf(key) <= keep) return cut;
  Key& line = keys_[by_hash_.find(key)->second];
  Offset last = line.first;
  for (size_t i = 1; i < keep; ++i) last = jobs_.find(last)->second.next;
  Offset next = std::exchange(jobs_.find(last)->second.next, kNobody);
  while (next != kNobody) {
    const auto job = jobs_.find(next);
    cut.push_back(next);
    next = job->second.next;
    jobs_.erase(job);
  }
  line.last = last;
  line.in_line -= static_cast<uint32_t>(cut.size());
  in_line_ -= cut.size();
  return cut;
}

void KeyLines::LeaveLine(Offset job) {
  const auto found = jobs_.find(job);
  WEIR_CHECK(found != jobs_.end() && found->second.in_line);
  const uint32_t index = found->second.key;
  Key& line = keys_[index];
  if (line.first == job) return PopLine(line.hash);
  Offset before = line.first;
  while (jobs_.find(before)->second.next != job) before = jobs_.find(before)->second.next;
  jobs_.find(before)->second.next = found->second.next;
  if (line.last == job) line.last = before;
  --line.in_line;
  jobs_.erase(job);
  --in_line_;
}

std::vector<Offset> KeyLines::LinedUp(Offset from, size_t limit) const {
  std::vector<Offset> found;
  for (const auto& [offset, job] : jobs_) {
    if (job.in_line && offset >= from) found.push_back(offset);
  }
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), limit));
  return found;
}

uint8_t& HeldKeys::Counter(const KeyHash& key) { return filter_[key.low % filter_.size()]; }

bool HeldKeys::MaybeHeld(const KeyHash& key) const {
  if (filter_.empty()) return exact_.contains(key.low);
  return filter_[key.low % filter_.size()] > 0;
}

void HeldKeys::Add(const KeyHash& key) {
  if (filter_.empty()) {
    ++exact_[key.low];
    if (exact_.size() <= limits::kHeldKeysExact) return;
    filter_.resize(limits::kHeldKeysFilter);
    for (const auto& [low, jobs] : exact_) {
      uint8_t& counter = filter_[low % filter_.size()];
      counter = static_cast<uint8_t>(std::min<uint64_t>(uint64_t{counter} + jobs, kStays));
    }
    exact_.clear();
    return;
  }
  uint8_t& counter = Counter(key);
  if (counter < kStays) ++counter;
}

void HeldKeys::Remove(const KeyHash& key) {
  if (!filter_.empty()) {
    uint8_t& counter = Counter(key);
    if (counter > 0 && counter < kStays) --counter;
    return;
  }
  const auto found = exact_.find(key.low);
  if (found != exact_.end() && --found->second == 0) exact_.erase(found);
}

LineBegins::Place LineBegins::Of(const KeyHash& key) const {
  const auto found = begins_.find(key);
  return found == begins_.end() ? Place{} : found->second;
}

void LineBegins::Note(const KeyHash& key, const Place& first) {
  if (begins_.size() >= kRemembered && !begins_.contains(key)) begins_.clear();
  begins_[key] = first;
}

void LineBegins::OnStored(const KeyHash& key, const Place& place) {
  const auto found = begins_.find(key);
  if (found != begins_.end() && !SeededBug("share-line-begins-late"))
    found->second = std::min(found->second, place);
}

}  // namespace weir
