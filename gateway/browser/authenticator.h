#ifndef LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_
#define LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"
#include "gateway/browser/bearer.h"
#include "gateway/browser/guess_limiter.h"
#include "gateway/browser/user.h"
#include "gateway/browser/user_directory.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/ids.h"
#include "gateway/sip/message.h"

namespace lastmile::browser {

// Who has sent a request. Without a user, either somebody has to be looked up first, or the request
// is to be refused with `status`, `reason` and `headers`.
struct Identity {
  const User* user = nullptr;             // as Lookup::user
  std::string awaited = {};               // not empty: ask again when this name is settled
  int status = 401;                       // 503: the source of users does not answer
  std::string reason = {};                // a sentence, "" for none
  std::vector<sip::Header> headers = {};  // the challenges
};

// Credentials that let nobody in, counted since the start.
struct AuthFailures {
  uint64_t password = 0;     // wrong, or of nobody
  uint64_t token = 0;        // not one that counts here
  uint64_t limited = 0;      // not looked at, after too many wrong passwords
  uint64_t unavailable = 0;  // the source of users did not answer
};

// What every user who has a password can answer, in the order of the challenges: JsSIP takes the
// last one, and knows MD5 alone (J3). `tokens`: users may be without a password.
std::vector<sip::DigestAlgorithm> CommonAlgorithms(const std::vector<User>& users, bool tokens);

// Tells users by digest credentials (MD5 or SHA-256, RFC 8760) or a bearer token (RFC 8898).
// Sans-IO. Thread: signalling.
class Authenticator {
 public:
  // `offered`: the challenges, in this order. They are the same for everybody: what a challenge
  // looks like says nothing about the user. `wall_clock` is asked when there is a token to check.
  Authenticator(std::string realm, std::vector<sip::DigestAlgorithm> offered, BearerOptions bearer,
                std::function<WallTime()> wall_clock, RandomSource& random);

  void OnFlowOpened(sip::FlowId flow, const IpAddress& peer) { limiter_.OnFlowOpened(flow, peer); }
  void OnFlowClosed(sip::FlowId flow) { limiter_.OnFlowClosed(flow); }

  // Also checks that From is the user's. Of several credentials of a request the first token and
  // the first digest for our realm count.
  Identity Identify(const sip::Message& request, sip::FlowId flow, UserDirectory& users,
                    TimePoint now);
  const AuthFailures& failures() const { return failures_; }

 private:
  // A request on its way through the checks, and what has come of it.
  struct Check {
    const sip::Message& request;
    sip::FlowId flow;
    UserDirectory& users;
    TimePoint now;
    bool is_stale = false;
    bool has_bad_token = false;
    Identity identity = {};

    bool is_decided() const {
      return identity.user || !identity.awaited.empty() || identity.status != 401;
    }
  };

  void ByToken(const std::string& token, Check& check);
  void ByDigest(const sip::AuthHeader& credentials, Check& check);
  void Verify(const sip::AuthHeader& credentials, const std::string& name, const Lookup& found,
              Check& check);
  void RefuseUnavailable(Check& check);
  void Challenge(Check& check);

  sip::DigestServer digest_;
  const BearerVerifier bearer_;
  const std::function<WallTime()> wall_clock_;
  const std::vector<sip::DigestAlgorithm> offered_;
  GuessLimiter limiter_;
  AuthFailures failures_;
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_AUTHENTICATOR_H_
