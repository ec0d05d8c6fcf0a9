// LruCache: shared values by key, bounded by their total cost; the least recently used go first.
// What goes is only forgotten here: whoever holds a value keeps it. Any thread (guarded by mu_).
#ifndef WEIR_STORAGE_BASE_LRU_CACHE_H_
#define WEIR_STORAGE_BASE_LRU_CACHE_H_

#include <list>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace weir {

template <typename Key, typename Value>
class LruCache {
 public:
  explicit LruCache(size_t capacity) : capacity_(capacity) {}

  // Null when it is not here.
  std::shared_ptr<Value> Find(const Key& key) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->value;
  }

  void Insert(const Key& key, std::shared_ptr<Value> value, size_t cost = 1)
      ABSL_LOCKS_EXCLUDED(mu_) {
    std::list<Item> dropped;  // destroyed (files close) after the lock is released
    absl::MutexLock lock(&mu_);
    Take(key, &dropped);
    order_.push_front({key, std::move(value), cost});
    places_[key] = order_.begin();
    used_ += cost;
    while (used_ > capacity_ && order_.size() > 1) Take(Key(order_.back().key), &dropped);
  }

  void Erase(const Key& key) ABSL_LOCKS_EXCLUDED(mu_) {
    std::list<Item> dropped;
    absl::MutexLock lock(&mu_);
    Take(key, &dropped);
  }

 private:
  struct Item {
    Key key;
    std::shared_ptr<Value> value;
    size_t cost;
  };

  void Take(const Key& key, std::list<Item>* to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    used_ -= found->second->cost;
    to->splice(to->begin(), order_, found->second);
    places_.erase(found);
  }

  const size_t capacity_;
  absl::Mutex mu_;
  std::list<Item> order_ ABSL_GUARDED_BY(mu_);  // most recently used first
  absl::flat_hash_map<Key, typename std::list<Item>::iterator> places_ ABSL_GUARDED_BY(mu_);
  size_t used_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_LRU_CACHE_H_
