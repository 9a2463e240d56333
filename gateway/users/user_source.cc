#include "gateway/users/user_source.h"

#include <utility>

#include "base/log.h"
#include "gateway/sip/digest.h"

namespace lastmile::users {
namespace {

std::string HashOf(const std::string& name, const std::string& text,
                   sip::DigestAlgorithm algorithm) {
  if (text.empty()) return {};
  auto hash = sip::ParseHa1(text, algorithm);
  if (!hash) spdlog::warn("the password hash of user {} is none", Redacted{name});
  return std::move(hash).value_or("");
}

}  // namespace

User MakeUser(const std::string& name, const StoredUser& stored) {
  return {.name = name,
          .ha1 = HashOf(name, stored.ha1, sip::DigestAlgorithm::kMd5),
          .caller_id = stored.caller_id,
          .ha1_sha256 = HashOf(name, stored.ha1_sha256, sip::DigestAlgorithm::kSha256),
          .tenant = stored.tenant};
}

void Deliver(UserAnswer answer, Mailbox<UserAnswer>& answers) {
  if (!answers.Push(std::move(answer))) spdlog::error("no room for what is known of a user");
}

}  // namespace lastmile::users
