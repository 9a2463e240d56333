#ifndef LASTMILE_GATEWAY_BROWSER_TURN_CREDENTIALS_H_
#define LASTMILE_GATEWAY_BROWSER_TURN_CREDENTIALS_H_

#include <chrono>
#include <string>
#include <vector>

#include "gateway/browser/bearer.h"
#include "gateway/browser/user.h"

// Credentials for TURN servers that share a secret with the gateway (draft-uberti-behave-turn-rest;
// coturn's use-auth-secret): nobody is registered there, and nothing is asked back.
namespace lastmile::browser {

struct TurnOptions {
  std::vector<std::string> urls;  // RFC 7065
  std::string secret;             // the TURN servers' static-auth-secret
  std::chrono::seconds lifetime = kMaxLifetime;

  static constexpr std::chrono::seconds kMaxLifetime{3600};
};

// The header that brings them to the browser, in a 200 to its REGISTER or OPTIONS.
inline constexpr char kIceServersHeader[] = "X-Ice-Servers";

// Its value: the JSON of an RTCConfiguration's `iceServers`, in ASCII on one line. The user name in
// it is the end of its life in Unix seconds, ':' and whose it is, the user behind the tenant and a
// '/' if there is one; what is not unreserved in a URI is escaped as there, so that neither
// SASLprep (RFC 8489 section 9.2.2) nor a colon can change it.
std::string BuildIceServers(const TurnOptions& options, const User& user, WallTime now);

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_TURN_CREDENTIALS_H_
