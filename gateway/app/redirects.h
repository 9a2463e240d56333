#ifndef LASTMILE_GATEWAY_APP_REDIRECTS_H_
#define LASTMILE_GATEWAY_APP_REDIRECTS_H_

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/app/routing.h"
#include "gateway/sip/message.h"

namespace lastmile::app {

// The targets a carrier's 3xx names for one call, and which of them is called next (RFC 3261
// sections 8.1.3.4 and 21.3). Of a target only the user part counts: it goes through the routes as
// if the user had dialled it, and its host is never looked at. Pure. Thread: signalling.
class Redirects {
 public:
  static constexpr size_t kMaxTargets = 5;  // of one call, those that no route allows included

  explicit Redirects(std::string dialled);

  // The Contacts of a 3xx, best `q` first; they come before those that still wait.
  void Add(const sip::Message& response);
  // The next number to call. It has not been called in this call, and its route leads to `trunk`:
  // the offer was made for that one. Nothing is left: a sentence about the last one passed over.
  // `caller`: who is as if he had dialled it.
  Result<std::string, std::string> Next(const Router& router, const route::Caller& caller,
                                        std::string_view trunk);
  bool any_waiting() const { return !waiting_.empty(); }

 private:
  std::vector<std::string> seen_;  // what was dialled, and every target taken from `waiting_`
  std::deque<std::string> waiting_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_REDIRECTS_H_
