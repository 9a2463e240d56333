#ifndef LASTMILE_GATEWAY_BROWSER_LRU_MAP_H_
#define LASTMILE_GATEWAY_BROWSER_LRU_MAP_H_

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lastmile::browser {

// Values by name, at most `capacity` of them: one more pushes out the one that was not used for the
// longest time. Thread: its owner's.
template <class Value>
class LruMap {
 public:
  explicit LruMap(size_t capacity) : capacity_(capacity) {}

  // nullptr: none. Counts as use. Valid until the next Put or Erase.
  Value* Find(std::string_view name) {
    const auto found = places_.find(name);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  Value& Put(std::string_view name, Value value) {
    if (Value* old = Find(name)) return *old = std::move(value);
    if (places_.size() >= capacity_) Erase(entries_.back().first);
    entries_.emplace_front(std::string(name), std::move(value));
    places_[entries_.front().first] = entries_.begin();
    return entries_.front().second;
  }

  void Erase(std::string_view name) {
    const auto found = places_.find(name);
    if (found == places_.end()) return;
    const auto entry = found->second;  // owns the name that is the key
    places_.erase(found);
    entries_.erase(entry);
  }

  size_t size() const { return places_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;

  const size_t capacity_;
  Entries entries_;  // the one used last is the first
  std::unordered_map<std::string_view, typename Entries::iterator> places_;  // keys lie in entries_
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_LRU_MAP_H_
