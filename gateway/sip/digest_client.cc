#include "gateway/sip/digest_client.h"

#include <algorithm>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

std::string Param(const AuthHeader& header, std::string_view name) {
  const std::string* value = header.params.Find(name);
  return value ? *value : std::string();
}

bool IsStronger(const AuthHeader* a, const AuthHeader* b) {
  const auto is_sha256 = [](const AuthHeader* challenge) {
    return EqualNoCase(Param(*challenge, "algorithm"), "SHA-256");
  };
  return is_sha256(a) && !is_sha256(b);
}

std::vector<AuthHeader>& CredentialsOf(Message& request, bool proxy) {
  return proxy ? request.proxy_authorizations : request.authorizations;
}

void Put(AuthHeader answer, bool proxy, Message& request) {
  auto& list = CredentialsOf(request, proxy);
  std::erase_if(
      list, [&](const AuthHeader& old) { return Param(old, "realm") == Param(answer, "realm"); });
  list.push_back(std::move(answer));
}

}  // namespace

DigestClient::DigestClient(Credentials credentials, RandomSource& random)
    : credentials_(std::move(credentials)), random_(random) {}

uint32_t DigestClient::NextCount(std::string_view nonce) const {
  uint32_t last = 0;
  for (const auto& [place, remembered] : remembered_) {
    if (Param(remembered.challenge, "nonce") == nonce) last = std::max(last, remembered.count);
  }
  return last + 1;
}

void DigestClient::Preempt(Message& request) {
  request.authorizations.clear();
  request.proxy_authorizations.clear();
  for (auto& [place, remembered] : remembered_) {
    if (place.method != request.method) continue;
    const uint32_t count = NextCount(Param(remembered.challenge, "nonce"));
    auto answer = AnswerChallenge(remembered.challenge, credentials_, request, random_, count);
    if (!answer) continue;
    remembered.count = count;
    Put(*std::move(answer), place.proxy, request);
  }
}

Result<void> DigestClient::Answer(const Message& challenge, Message& request,
                                  ChallengeTries& tries) {
  const bool proxy = challenge.status == 407;
  const auto& offered = proxy ? challenge.proxy_authenticates : challenge.www_authenticates;
  if (tries.answered.size() >= kMaxChallenges) return Fail("it names ever more realms");
  std::map<std::string, std::vector<const AuthHeader*>> by_realm;
  for (size_t i = 0; i < std::min(offered.size(), kMaxChallenges); ++i) {
    by_realm[Param(offered[i], "realm")].push_back(&offered[i]);
  }
  Result<void> result = Fail("it names no challenge");
  bool answered = false;
  for (auto& [realm, challenges] : by_realm) {
    std::ranges::stable_sort(challenges, IsStronger);
    result = AnswerRealm(challenges, proxy, request, tries);
    answered |= result.has_value();
    if (!result && std::ranges::count(tries.answered, std::pair(proxy, realm)) != 0) return result;
  }
  if (answered) return {};
  return result;
}

Result<void> DigestClient::AnswerRealm(const std::vector<const AuthHeader*>& challenges, bool proxy,
                                       Message& request, ChallengeTries& tries) {
  const Place place{request.method, proxy, Param(*challenges.front(), "realm")};
  const bool again = std::ranges::count(tries.answered, std::pair(proxy, place.realm)) != 0;
  const bool stale = EqualNoCase(Param(*challenges.front(), "stale"), "true");
  if (again && (!stale || tries.was_stale)) {
    remembered_.erase(place);
    return Fail("the credentials were refused");
  }
  Result<void> result;
  for (const AuthHeader* challenge : challenges) {
    const uint32_t count = NextCount(Param(*challenge, "nonce"));
    auto answer = AnswerChallenge(*challenge, credentials_, request, random_, count);
    if (!answer) {
      if (result) result = std::unexpected(answer.error());
      continue;
    }
    if (remembered_.size() >= kMaxRemembered) remembered_.clear();
    remembered_[place] = {*challenge, count};
    Put(*std::move(answer), proxy, request);
    if (!again) tries.answered.emplace_back(proxy, place.realm);
    tries.was_stale |= again;
    return {};
  }
  return result;
}

}  // namespace lastmile::sip
