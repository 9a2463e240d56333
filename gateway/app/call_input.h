#ifndef LASTMILE_GATEWAY_APP_CALL_INPUT_H_
#define LASTMILE_GATEWAY_APP_CALL_INPUT_H_

#include <optional>
#include <string>

#include "base/random.h"
#include "gateway/app/call_messages.h"
#include "gateway/call/call_io.h"
#include "gateway/sip/user_agent.h"

// What the user agent of one leg reports, as a call takes it. Pure. Thread: signalling.
namespace lastmile::app {

inline std::string ReasonOf(const sip::Message& message) {
  const std::string* reason = message.FindExtra("Reason");
  return reason ? *reason : "";
}

// As long as the anchor's own: 48 and 144 random bits (RFC 8445 section 5.3 asks for 24 and 128).
inline media::IceCredentials MakeIceCredentials(RandomSource& random) {
  return {.ufrag = random.Token(8), .pwd = random.Token(24)};
}

// Visits a UserAgentEvent of the leg of `party`; nothing: it is of no interest to a call.
struct ToCallInput {
  call::Party party;
  RandomSource& random;

  std::optional<call::CallInput> operator()(const sip::InviteProgress& event) const {
    return call::CalleeProgress{event.response.status, SdpOf(event.response)};
  }
  std::optional<call::CallInput> operator()(const sip::InviteAccepted& event) const {
    return call::CalleeAnswered{SdpOf(event.response)};
  }
  std::optional<call::CallInput> operator()(const sip::InviteRejected& event) const {
    return call::CalleeRejected{event.status, event.response ? ReasonOf(*event.response) : "",
                                event.warning};
  }
  std::optional<call::CallInput> operator()(const sip::InviteCancelled& event) const {
    return call::CallerCancelled{event.reason_header};
  }
  std::optional<call::CallInput> operator()(const sip::InviteAcked& event) const {
    if (party == call::Party::kCallee) return call::CalleeAcked{SdpOf(event.ack)};
    return call::CallerAcked{SdpOf(event.ack)};
  }
  std::optional<call::CallInput> operator()(const sip::DialogEnded& event) const {
    return call::HungUp{party, event.reason_header};
  }
  std::optional<call::CallInput> operator()(const sip::IncomingRequest& event) const {
    if (event.request.method == "INFO") {
      return call::InfoReceived{party, event.id, event.request.content_type, event.request.body};
    }
    return call::Reoffered{party, event.id, SdpOf(event.request), MakeIceCredentials(random),
                           event.request.method == "PRACK"};
  }
  std::optional<call::CallInput> operator()(const sip::IncomingInvite&) const { return {}; }
  std::optional<call::CallInput> operator()(const sip::RequestAnswered& event) const {
    return call::OfferAnswered{party, event.status, event.response ? SdpOf(*event.response) : ""};
  }
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CALL_INPUT_H_
