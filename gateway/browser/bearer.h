#ifndef LASTMILE_GATEWAY_BROWSER_BEARER_H_
#define LASTMILE_GATEWAY_BROWSER_BEARER_H_

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lastmile::browser {

// Which tokens are taken (RFC 7519). The algorithm of a token counts only if it is listed here: a
// public key is never used as a secret, whatever the token says of itself.
struct BearerOptions {
  std::vector<std::string> algorithms;  // of HS256, RS256, ES256; empty: no tokens
  std::string key;                      // HS256: the secret; else a public key in PEM
  std::string issuer;                   // `iss` has to be this; "": any
  std::string audience;                 // `aud` has to be or to hold this; "": any
  std::string user_claim = "sub";
};

using WallTime = std::chrono::system_clock::time_point;

// Checks bearer tokens (RFC 8898, RFC 7515). Thread: signalling.
class BearerVerifier {
 public:
  explicit BearerVerifier(BearerOptions options) : options_(std::move(options)) {}

  bool is_enabled() const { return !options_.algorithms.empty(); }
  // The user named by a token that is signed, in time and for us; else a sentence that says why
  // not. A token without `exp` is refused: it would be good for ever.
  Result<std::string> UserOf(const std::string& token, WallTime now) const;

  // An issuer's clock may be ahead of ours by so much.
  static constexpr std::chrono::seconds kClockSkew{30};

 private:
  const BearerOptions options_;
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_BEARER_H_
