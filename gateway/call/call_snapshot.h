#ifndef LASTMILE_GATEWAY_CALL_CALL_SNAPSHOT_H_
#define LASTMILE_GATEWAY_CALL_CALL_SNAPSHOT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gateway/call/call.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/leg_snapshot.h"
#include "sdp/offer_answer.h"

namespace lastmile::call {

// What a connected Call needs to go on as it would have, as values: what its next offers and
// answers are made from, and what its record will say. The trunk's policy is not in it: it is the
// configuration's. Neither are offers, digits and transfers under way. Thread: any.
struct CallSnapshot {
  CallDirection direction = CallDirection::kFromBrowser;
  size_t invite_head_bytes = 0;  // of CallSettings
  sdp::BrowserLegSnapshot browser_leg;
  sdp::TrunkLegSnapshot trunk_leg;
  // What each party said last, and what the anchor has for it.
  sdp::BrowserMedia browser;
  sdp::TrunkMedia trunk;
  TrunkKeys trunk_keys;  // ours: the session goes on under the keys that both sides know
  media::BrowserLocal browser_local;
  media::TrunkLocal trunk_local;
  sdp::Direction told_browser = sdp::Direction::kSendRecv;
  sdp::Direction told_trunk = sdp::Direction::kSendRecv;
  std::optional<DigitWay> told_way;
  std::chrono::milliseconds answered_ago{};
  int status = 0;
  SdpBytes sdp;
  size_t invite_bytes = 0;
  bool over_budget = false;
  bool transferred = false;
  uint64_t trunk_sides = 1;  // parties of the trunk it has had: each has an o= line of its own
  bool operator==(const CallSnapshot&) const = default;
};

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_CALL_SNAPSHOT_H_
