#ifndef LASTMILE_GATEWAY_APP_RELAY_H_
#define LASTMILE_GATEWAY_APP_RELAY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/app/routing.h"
#include "gateway/browser/user.h"
#include "gateway/sip/user_agent.h"
#include "gateway/trunk/trunk_edge.h"

// What goes from one side to the other of a request that is no call: its body and what describes
// it, and of the answer a code. Every other header stays where it came from. Thread: any, pure.
namespace lastmile::app {

// Where what a user sends or dials goes, and why.
struct Way {
  const trunk::Trunk* trunk = nullptr;  // the first of `decision.trunks`; nullptr: nowhere
  std::string number;                   // what the trunk is told
  route::Decision decision;
};
// By route, else to the user's PBX. A route to a user goes by the local trunk.
Way WayFor(const Router& router, const trunk::TrunkEdge& trunk_edge, const route::Caller& caller,
           const std::string& dialled);

// What that trunk shows of who calls. Another user of the gateway sees whom to call back.
const std::string& ShownTo(const trunk::Trunk& trunk, const browser::User& user);

// Body, Content-Type and the headers of RFC 3261 section 7.4.1 that a reader needs.
sip::Extras BodyOf(const sip::Message& message);

struct RelayedAnswer {
  int status = 0;
  sip::Extras extras;
};
// The answer to the request that asked for ours. `peer`: who gave it, for the sentence.
RelayedAnswer RelayAnswer(const sip::RequestAnswered& answered, std::string_view peer);

// Longer than any text and most descriptions of a call's state; a page sends them to the carrier
// for nothing.
inline constexpr size_t kMaxMessageBody = 8 * 1024;
inline constexpr size_t kMaxNotifyBody = 32 * 1024;
// A requester's own timer F is 32 s: an answer has to be there before (RFC 4320).
inline constexpr Duration kAnswerWithin = 30s;

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_RELAY_H_
