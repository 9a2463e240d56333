#include "gateway/browser/bearer.h"

#include <jwt.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace lastmile::browser {
namespace {

struct FreeJwt {
  void operator()(jwt_t* jwt) const noexcept { jwt_free(jwt); }
};
using Jwt = std::unique_ptr<jwt_t, FreeJwt>;

struct FreeText {
  void operator()(char* text) const noexcept { std::free(text); }
};
using Text = std::unique_ptr<char, FreeText>;

std::string_view NameOf(jwt_alg_t algorithm) {
  switch (algorithm) {
    case JWT_ALG_HS256:
      return "HS256";
    case JWT_ALG_RS256:
      return "RS256";
    case JWT_ALG_ES256:
      return "ES256";
    default:
      return "";
  }
}

std::optional<long> NumberOf(jwt_t* jwt, const char* claim) {
  errno = 0;
  const long value = jwt_get_grant_int(jwt, claim);
  return errno == 0 ? std::optional(value) : std::nullopt;
}

std::string TextOf(jwt_t* jwt, const std::string& claim) {
  const char* value = jwt_get_grant(jwt, claim.c_str());
  return value == nullptr ? "" : value;
}

// RFC 7519 section 4.1.3: one string, or a list of them. The list comes as JSON, where a string
// holds no bare quote, so that the quoted name is found only as a whole.
bool IsMeant(jwt_t* jwt, const std::string& audience) {
  if (TextOf(jwt, "aud") == audience) return true;
  const Text list(jwt_get_grants_json(jwt, "aud"));
  if (!list || *list != '[') return false;
  return std::string_view(list.get()).find('"' + audience + '"') != std::string_view::npos;
}

}  // namespace

Result<std::string> BearerVerifier::UserOf(const std::string& token, WallTime now) const {
  jwt_t* decoded = nullptr;
  const auto* key = reinterpret_cast<const unsigned char*>(options_.key.data());
  const int error = options_.key.empty() ? EINVAL
                                         : jwt_decode(&decoded, token.c_str(), key,
                                                      static_cast<int>(options_.key.size()));
  const Jwt jwt(decoded);
  if (error != 0 || !jwt) return Fail("the token is not signed with the key we know");
  // The library takes any algorithm that the key fits: also HS256 with a public key as its secret.
  const std::string_view algorithm = NameOf(jwt_get_alg(jwt.get()));
  if (algorithm.empty() ||
      std::ranges::find(options_.algorithms, algorithm) == options_.algorithms.end()) {
    return Fail("the token is signed with an algorithm that is not allowed");
  }
  using std::chrono::system_clock;
  const auto expires = NumberOf(jwt.get(), "exp");
  if (!expires) return Fail("the token has no time of expiry");
  const std::time_t seconds = system_clock::to_time_t(now);
  if (seconds >= *expires) return Fail("the token has expired");
  const auto starts = NumberOf(jwt.get(), "nbf");
  if (starts && seconds + kClockSkew.count() < *starts) return Fail("the token is not valid yet");
  if (!options_.issuer.empty() && TextOf(jwt.get(), "iss") != options_.issuer) {
    return Fail("the token is of another issuer");
  }
  if (!options_.audience.empty() && !IsMeant(jwt.get(), options_.audience)) {
    return Fail("the token is for another audience");
  }
  std::string user = TextOf(jwt.get(), options_.user_claim);
  if (user.empty()) return Fail("the token names no user");
  return user;
}

}  // namespace lastmile::browser
