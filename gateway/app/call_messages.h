#ifndef LASTMILE_GATEWAY_APP_CALL_MESSAGES_H_
#define LASTMILE_GATEWAY_APP_CALL_MESSAGES_H_

#include <string>
#include <string_view>
#include <utility>

#include "gateway/sip/message.h"
#include "gateway/sip/user_agent.h"

// What calls and SIP messages say to each other. Pure. Thread: any.
namespace lastmile::app {

inline constexpr char kSdpType[] = "application/sdp";

inline std::string SdpOf(const sip::Message& message) {
  return message.content_type == kSdpType ? message.body : "";
}

// Each "" for none; `warning` is a sentence.
inline sip::Extras MakeExtras(std::string sdp, std::string reason_header,
                              std::string_view warning) {
  sip::Extras extras = sip::Sentence(warning);
  if (!reason_header.empty()) {
    extras.headers.insert(extras.headers.begin(), {"Reason", std::move(reason_header)});
  }
  if (!sdp.empty()) {
    extras.content_type = kSdpType;
    extras.body = std::move(sdp);
  }
  return extras;
}

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CALL_MESSAGES_H_
