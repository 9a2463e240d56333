#ifndef LASTMILE_GATEWAY_BROWSER_GUESS_LIMITER_H_
#define LASTMILE_GATEWAY_BROWSER_GUESS_LIMITER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/endpoint.h"
#include "base/time.h"
#include "gateway/browser/lru_map.h"
#include "gateway/sip/ids.h"

namespace lastmile::browser {

// Limits how many passwords can be tried: kMaxWrong within kWindow over one connection, whomever
// they are for, and as many from one address for one user. Nobody is locked out by strangers: what
// somebody guesses elsewhere does not count, and a connection that has proven to be the user is not
// held to what others try from its address. Sans-IO. Thread: signalling.
class GuessLimiter {
 public:
  // `peer` is where the connection comes from. A loopback address is that of a proxy on this
  // machine and says nothing of who is there: only the connection counts.
  void OnFlowOpened(sip::FlowId flow, const IpAddress& peer);
  void OnFlowClosed(sip::FlowId flow) { flows_.erase(flow); }

  // How long credentials of `user` are not to be looked at; 0: they may be.
  Duration RefusedFor(sip::FlowId flow, std::string_view user, TimePoint now);
  void OnWrong(sip::FlowId flow, std::string_view user, TimePoint now);
  void OnRight(sip::FlowId flow, std::string_view user);

  static constexpr int kMaxWrong = 5;
  static constexpr Duration kWindow = 1min;       // since the first wrong one
  static constexpr size_t kMaxAddresses = 20000;  // users by address

 private:
  struct Tally {
    int wrong = 0;
    TimePoint until{};

    void Add(TimePoint now);
    Duration Left(TimePoint now) const;
  };
  struct Flow {
    std::string peer;  // "": not to be counted
    Tally tally;
    std::string proven;  // who it was last
  };

  static std::string KeyOf(const Flow& flow, std::string_view user);

  std::unordered_map<sip::FlowId, Flow> flows_;
  LruMap<Tally> by_address_{kMaxAddresses};
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_GUESS_LIMITER_H_
