#ifndef LASTMILE_BASE_VERIFIED_PEER_H_
#define LASTMILE_BASE_VERIFIED_PEER_H_

#include <string>
#include <vector>

namespace lastmile {

// Who a TLS client is by its certificate. No names: it showed none, or no authority that counts
// vouches for it. A name is worth something only together with who vouches: an authority that is
// trusted for one carrier must not be able to name another one. Thread: any, a plain value.
struct VerifiedPeer {
  std::vector<std::string> names;        // SIP domains (RFC 5922 section 7.1), in lower case
  std::vector<std::string> authorities;  // the CA files its chain leads to; "" = the system's
  // Why a certificate that was shown gives no names: "has a certificate which expired on ...".
  std::string fault = {};
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_VERIFIED_PEER_H_
