#ifndef LASTMILE_GATEWAY_SIP_EVENTS_H_
#define LASTMILE_GATEWAY_SIP_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/sip/message.h"

// The headers of subscriptions (RFC 6665 section 8.2). Thread: any, pure.
namespace lastmile::sip {

// "dialog;id=7"
struct Event {
  std::string package;
  std::string id;  // "" for none

  std::string ToString() const;
  static std::optional<Event> Of(const Message& message);  // nothing: no header, or no token
};

// "active;expires=600"
struct SubscriptionState {
  enum class State { kPending, kActive, kTerminated };
  State state = State::kActive;
  std::optional<uint32_t> expires;      // seconds
  std::optional<uint32_t> retry_after;  // seconds; of kTerminated
  std::string reason;                   // a token, "" for none; of kTerminated

  std::string ToString() const;
  // Nothing: no header, or a state that RFC 6665 does not have.
  static std::optional<SubscriptionState> Of(const Message& message);
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_EVENTS_H_
