#ifndef LASTMILE_GATEWAY_SIP_TIMER_QUEUE_H_
#define LASTMILE_GATEWAY_SIP_TIMER_QUEUE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace lastmile::sip {

// One deadline a key, the earliest first; equal deadlines come in the order of their keys, so that
// a run can be repeated. Every operation is logarithmic. Thread: its owner's.
template <class Key>
class TimerQueue {
 public:
  // Replaces an earlier deadline of the key.
  void Set(const Key& key, TimePoint at) {
    Clear(key);
    deadlines_.emplace(key, at);
    order_.emplace(at, key);
  }

  void Clear(const Key& key) {
    const auto found = deadlines_.find(key);
    if (found == deadlines_.end()) return;
    order_.erase({found->second, key});
    deadlines_.erase(found);
  }

  bool Has(const Key& key) const { return deadlines_.contains(key); }
  size_t size() const { return deadlines_.size(); }
  TimePoint next() const { return order_.empty() ? kNever : order_.begin()->first; }

  // Takes the earliest key whose time has come.
  std::optional<Key> PopDue(TimePoint now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    Key key = order_.begin()->second;
    order_.erase(order_.begin());
    deadlines_.erase(key);
    return key;
  }

 private:
  std::map<Key, TimePoint> deadlines_;
  std::set<std::pair<TimePoint, Key>> order_;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_TIMER_QUEUE_H_
