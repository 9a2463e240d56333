#ifndef LASTMILE_GATEWAY_BROWSER_WAITING_LIST_H_
#define LASTMILE_GATEWAY_BROWSER_WAITING_LIST_H_

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace lastmile::browser {

// Requests that wait until it is known who a user is, at most `capacity` of them. How long, the
// UserDirectory bounds. Thread: its owner's.
template <class Request>
class WaitingList {
 public:
  explicit WaitingList(size_t capacity) : capacity_(capacity) {}

  bool is_full() const { return entries_.size() >= capacity_; }
  void Add(std::string_view user, Request request) {
    LASTMILE_CHECK(!is_full());
    entries_.push_back({std::string(user), std::move(request)});
  }

  // Those that wait for this user, in the order they came.
  std::vector<Request> Take(std::string_view user) {
    std::vector<Request> taken;
    for (auto it = entries_.begin(); it != entries_.end();) {
      if (it->user != user) {
        ++it;
        continue;
      }
      taken.push_back(std::move(it->request));
      it = entries_.erase(it);
    }
    return taken;
  }

  std::vector<Request> TakeAll() {
    std::vector<Request> taken;
    for (Entry& entry : entries_) taken.push_back(std::move(entry.request));
    entries_.clear();
    return taken;
  }

  template <class Predicate>
  void EraseIf(Predicate is_over) {
    entries_.remove_if([&](const Entry& entry) { return is_over(entry.request); });
  }

  template <class Predicate>
  size_t CountIf(Predicate matches) const {
    return static_cast<size_t>(std::ranges::count_if(
        entries_, [&](const Entry& entry) { return matches(entry.request); }));
  }

 private:
  struct Entry {
    std::string user;
    Request request;
  };

  const size_t capacity_;
  std::list<Entry> entries_;
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_WAITING_LIST_H_
