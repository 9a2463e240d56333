#include "gateway/browser/authenticator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/privacy.h"

namespace lastmile::browser {
namespace {

bool IsBearer(const sip::AuthHeader& header) { return sip::EqualNoCase(header.scheme, "Bearer"); }

}  // namespace

std::vector<sip::DigestAlgorithm> CommonAlgorithms(const std::vector<User>& users, bool tokens) {
  const auto has_password = [](const User& user) {
    return !user.ha1.empty() || !user.ha1_sha256.empty();
  };
  const auto can_use = [&](std::string User::*hash) {
    return std::ranges::all_of(
        users, [&](const User& user) { return !has_password(user) || !(user.*hash).empty(); });
  };
  std::vector<sip::DigestAlgorithm> common;
  if (tokens && std::ranges::none_of(users, has_password)) return common;
  if (can_use(&User::ha1_sha256)) common.push_back(sip::DigestAlgorithm::kSha256);
  if (can_use(&User::ha1)) common.push_back(sip::DigestAlgorithm::kMd5);
  return common;
}

Authenticator::Authenticator(std::string realm, std::vector<sip::DigestAlgorithm> offered,
                             BearerOptions bearer, std::function<WallTime()> wall_clock,
                             RandomSource& random)
    : digest_(std::move(realm), random),
      bearer_(std::move(bearer)),
      wall_clock_(std::move(wall_clock)),
      offered_(std::move(offered)) {
  LASTMILE_CHECK(!bearer_.is_enabled() || wall_clock_);
}

Identity Authenticator::Identify(const sip::Message& request, sip::FlowId flow,
                                 UserDirectory& users, TimePoint now) {
  Check check{.request = request, .flow = flow, .users = users, .now = now};
  const auto& all = request.authorizations;
  const auto token = std::ranges::find_if(all, IsBearer);
  if (bearer_.is_enabled() && token != all.end()) ByToken(token->token, check);
  const auto digest = std::ranges::find_if(
      all, [&](const sip::AuthHeader& header) { return !digest_.UserOf(header).empty(); });
  if (!check.is_decided() && digest != all.end()) ByDigest(*digest, check);
  if (!check.is_decided()) Challenge(check);
  // Who wants not to be shown in a call says no name there (RFC 3323 section 4.1.1).
  const sip::Uri& from = request.from.uri;
  const bool hidden = request.method == "INVITE" && sip::IsAnonymous(from);
  if (check.identity.user && from.user != check.identity.user->name && !hidden) {
    return {.status = 403, .reason = "From is not the user who authenticated"};
  }
  return std::move(check.identity);
}

void Authenticator::ByToken(const std::string& token, Check& check) {
  const auto name = bearer_.UserOf(token, wall_clock_());
  const Lookup found = name ? check.users.Find(*name, check.now) : Lookup{};
  switch (found.status) {
    case Lookup::Status::kUser:
      check.identity.user = found.user;
      return;
    case Lookup::Status::kPending:
      check.identity.awaited = *name;
      return;
    case Lookup::Status::kUnavailable:
      return RefuseUnavailable(check);
    case Lookup::Status::kNobody:
      break;
  }
  ++failures_.token;
  check.has_bad_token = true;
  check.identity.reason = name ? "the token names nobody who is known here" : name.error().message;
  spdlog::info("leg=browser flow={} refused a token: {}", check.flow.value, check.identity.reason);
}

void Authenticator::ByDigest(const sip::AuthHeader& credentials, Check& check) {
  const std::string name = digest_.UserOf(credentials);
  const Duration wait = limiter_.RefusedFor(check.flow, name, check.now);
  if (wait > Duration{0}) {
    ++failures_.limited;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    spdlog::warn(
        "leg=browser flow={} credentials of {} are not looked at for {} s: too many wrong "
        "passwords",
        check.flow.value, Redacted{name}, seconds);
    check.identity.status = 403;
    check.identity.reason = "too many wrong passwords: try again later";
    check.identity.headers = {{"Retry-After", std::to_string(seconds)}};
    return;
  }
  const Lookup found = check.users.Find(name, check.now);
  switch (found.status) {
    case Lookup::Status::kPending:
      check.identity.awaited = name;
      return;
    case Lookup::Status::kUnavailable:
      return RefuseUnavailable(check);
    case Lookup::Status::kUser:
    case Lookup::Status::kNobody:
      return Verify(credentials, name, found, check);
  }
}

void Authenticator::Verify(const sip::AuthHeader& credentials, const std::string& name,
                           const Lookup& found, Check& check) {
  const sip::StoredHa1 stored =
      found.user ? sip::StoredHa1{.md5 = found.user->ha1, .sha256 = found.user->ha1_sha256}
                 : sip::StoredHa1{};
  switch (digest_.Verify(credentials, check.request.method, stored, check.flow.value, check.now)) {
    case sip::DigestVerdict::kAccepted:
      limiter_.OnRight(check.flow, name);
      check.identity.user = found.user;
      return;
    case sip::DigestVerdict::kStale:
      check.is_stale = true;
      return;
    case sip::DigestVerdict::kReplayed:
    case sip::DigestVerdict::kNoCredentials:
      return;
    case sip::DigestVerdict::kWrong:
      break;
  }
  if (found.is_refreshing) {
    check.identity.awaited = name;
    return;
  }
  ++failures_.password;
  limiter_.OnWrong(check.flow, name, check.now);
  spdlog::info("leg=browser flow={} wrong credentials for {}", check.flow.value, Redacted{name});
}

void Authenticator::RefuseUnavailable(Check& check) {
  ++failures_.unavailable;
  check.identity.status = 503;
  check.identity.reason = "users cannot be looked up now";
}

void Authenticator::Challenge(Check& check) {
  const auto add = [&](const sip::AuthHeader& challenge) {
    check.identity.headers.push_back({"WWW-Authenticate", challenge.ToString()});
  };
  if (bearer_.is_enabled()) {
    sip::AuthHeader challenge{.scheme = "Bearer", .params = {}, .token = ""};
    challenge.params.Set("realm", digest_.realm());
    if (check.has_bad_token) challenge.params.Set("error", "invalid_token");
    add(challenge);
  }
  for (const auto algorithm : offered_) {
    add(digest_.Challenge(check.flow.value, check.is_stale, check.now, algorithm));
  }
}

}  // namespace lastmile::browser
