#include "gateway/browser/authenticator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "gateway/sip/lexical.h"

namespace lastmile::browser {
namespace {

bool IsBearer(const sip::AuthHeader& header) { return sip::EqualNoCase(header.scheme, "Bearer"); }

}  // namespace

Authenticator::Authenticator(std::string realm, const std::vector<User>& users,
                             BearerOptions bearer, std::function<WallTime()> wall_clock,
                             RandomSource& random)
    : digest_(std::move(realm), random),
      bearer_(std::move(bearer)),
      wall_clock_(std::move(wall_clock)) {
  LASTMILE_CHECK(!bearer_.is_enabled() || wall_clock_);
  const auto can_use = [&](std::string User::*hash) {
    const auto has_password = [](const User& user) {
      return !user.ha1.empty() || !user.ha1_sha256.empty();
    };
    return std::ranges::all_of(
               users,
               [&](const User& user) { return !has_password(user) || !(user.*hash).empty(); }) &&
           (std::ranges::any_of(users, has_password) || !bearer_.is_enabled());
  };
  // JsSIP takes the last challenge, and knows MD5 alone (J3).
  if (can_use(&User::ha1_sha256)) offered_.push_back(sip::DigestAlgorithm::kSha256);
  if (can_use(&User::ha1)) offered_.push_back(sip::DigestAlgorithm::kMd5);
}

Identity Authenticator::Identify(const sip::Message& request, sip::FlowId flow,
                                 const Registrar& users, TimePoint now) {
  Identity identity;
  bool stale = false;
  bool has_token = false;
  for (const sip::AuthHeader& credentials : request.authorizations) {
    if (!IsBearer(credentials)) {
      identity.user = ByDigest(credentials, request, flow, users, stale, now);
    } else if (bearer_.is_enabled() && !std::exchange(has_token, true)) {
      identity.user = ByToken(credentials.token, flow, users, identity.reason);
    }
    if (!identity.user) continue;
    if (request.from.uri.user == identity.user->name) return identity;
    return {.status = 403, .reason = "From is not the user who authenticated"};
  }
  Challenge(identity, flow, stale, has_token, now);
  return identity;
}

const User* Authenticator::ByDigest(const sip::AuthHeader& credentials, const sip::Message& request,
                                    sip::FlowId flow, const Registrar& users, bool& stale,
                                    TimePoint now) {
  const std::string name = digest_.UserOf(credentials);
  if (name.empty()) return nullptr;
  const User* user = users.FindUser(name);
  const sip::StoredHa1 stored =
      user ? sip::StoredHa1{.md5 = user->ha1, .sha256 = user->ha1_sha256} : sip::StoredHa1{};
  const auto verdict = digest_.Verify(credentials, request.method, stored, flow.value, now);
  if (verdict == sip::DigestVerdict::kAccepted) return user;
  stale = verdict == sip::DigestVerdict::kStale;
  if (verdict == sip::DigestVerdict::kWrong) {
    spdlog::info("leg=browser flow={} wrong credentials for {}", flow.value, Redacted{name});
  }
  return nullptr;
}

const User* Authenticator::ByToken(const std::string& token, sip::FlowId flow,
                                   const Registrar& users, std::string& reason) const {
  const auto name = bearer_.UserOf(token, wall_clock_());
  const User* user = name ? users.FindUser(*name) : nullptr;
  if (user) return user;
  reason = name ? "the token names nobody who is known here" : name.error().message;
  spdlog::info("leg=browser flow={} refused a token: {}", flow.value, reason);
  return nullptr;
}

void Authenticator::Challenge(Identity& identity, sip::FlowId flow, bool stale, bool bad_token,
                              TimePoint now) {
  const auto add = [&](const sip::AuthHeader& challenge) {
    identity.headers.push_back({"WWW-Authenticate", challenge.ToString()});
  };
  if (bearer_.is_enabled()) {
    sip::AuthHeader challenge{.scheme = "Bearer", .params = {}, .token = ""};
    challenge.params.Set("realm", digest_.realm());
    if (bad_token) challenge.params.Set("error", "invalid_token");
    add(challenge);
  }
  for (const auto algorithm : offered_) {
    add(digest_.Challenge(flow.value, stale, now, algorithm));
  }
}

}  // namespace lastmile::browser
