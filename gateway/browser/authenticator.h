#ifndef LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_
#define LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "gateway/browser/bearer.h"
#include "gateway/browser/registrar.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/ids.h"
#include "gateway/sip/message.h"

namespace lastmile::browser {

// Who has sent a request. Without a user it is to be refused with `status`, `reason` and `headers`.
struct Identity {
  const User* user = nullptr;
  int status = 401;
  std::string reason = {};                // a sentence, "" for none
  std::vector<sip::Header> headers = {};  // the challenges
};

// Tells users by digest credentials (MD5 or SHA-256, RFC 8760) or a bearer token (RFC 8898).
// Sans-IO. Thread: signalling.
class Authenticator {
 public:
  // An algorithm is offered if every user who has a password can use it: what a challenge looks
  // like says nothing about the user. `wall_clock` is asked when there is a token to be checked.
  Authenticator(std::string realm, const std::vector<User>& users, BearerOptions bearer,
                std::function<WallTime()> wall_clock, RandomSource& random);

  // Also checks that From is the user's.
  Identity Identify(const sip::Message& request, sip::FlowId flow, const Registrar& users,
                    TimePoint now);

 private:
  const User* ByDigest(const sip::AuthHeader& credentials, const sip::Message& request,
                       sip::FlowId flow, const Registrar& users, bool& stale, TimePoint now);
  const User* ByToken(const std::string& token, sip::FlowId flow, const Registrar& users,
                      std::string& reason) const;
  void Challenge(Identity& identity, sip::FlowId flow, bool stale, bool bad_token, TimePoint now);

  sip::DigestServer digest_;
  const BearerVerifier bearer_;
  const std::function<WallTime()> wall_clock_;
  std::vector<sip::DigestAlgorithm> offered_;  // in the order of the challenges
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_
