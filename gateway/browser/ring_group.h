#ifndef LASTMILE_GATEWAY_BROWSER_RING_GROUP_H_
#define LASTMILE_GATEWAY_BROWSER_RING_GROUP_H_

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::browser {

// One of the browsers that were rung has answered: `ring` goes by `dialog` from now on.
// InviteAccepted of that dialog follows at once.
struct RingAnswered {
  sip::DialogId ring;
  sip::DialogId dialog;
};

// What a ring as a whole reports when one of its legs has reported something.
struct RingReport {
  std::optional<RingAnswered> answered;
  std::optional<sip::UserAgentEvent> event;
};

// Calls that ring all browsers of a user at once (RFC 3261 section 16.7, as a user agent and not as
// a proxy). Each browser has an INVITE of its own, a leg; to whoever rings them they look like one
// callee. The first 2xx wins and the other legs are cancelled; a 6xx speaks for the user and ends
// the ring at once; else the best refusal is reported when the last leg has ended. Sans-IO. Thread:
// signalling.
class RingGroups {
 public:
  // `agent` has the legs, and outlives this object.
  explicit RingGroups(sip::UserAgent& agent) : agent_(agent) {}

  // `legs`: INVITEs under way, at least one. The ring goes by the first of them, also when that leg
  // is over.
  sip::DialogId Add(const std::vector<sip::DialogId>& legs);
  // A leg without a final response.
  bool IsRinging(sip::DialogId leg) const { return ring_of_.contains(leg); }
  // `event` is of a leg for which IsRinging.
  RingReport On(sip::UserAgentEvent event, TimePoint now);
  // The caller gave up. InviteRejected of the ring follows.
  void Cancel(sip::DialogId ring, const sip::Extras& extras, TimePoint now);
  size_t size() const { return rings_.size(); }

 private:
  struct Ring {
    std::vector<sip::DialogId> legs;  // without a final response
    std::optional<sip::InviteRejected> best;
    bool has_progress = false;
    bool is_ringing = false;  // a 180 was reported
    bool is_decided = false;  // what legs report now is of no interest
  };

  RingReport OnProgress(sip::DialogId name, Ring& ring, sip::InviteProgress event);
  RingReport OnAccepted(sip::DialogId name, Ring& ring, sip::InviteAccepted event, TimePoint now);
  RingReport OnRejected(sip::DialogId name, Ring& ring, sip::InviteRejected event, TimePoint now);
  void Drop(Ring& ring, sip::DialogId leg);
  void CancelLegs(const Ring& ring, const sip::Extras& extras, TimePoint now);

  sip::UserAgent& agent_;
  std::unordered_map<sip::DialogId, Ring> rings_;
  std::unordered_map<sip::DialogId, sip::DialogId> ring_of_;  // by leg
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_RING_GROUP_H_
