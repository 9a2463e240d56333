#ifndef LASTMILE_GATEWAY_SIP_DIGEST_CLIENT_H_
#define LASTMILE_GATEWAY_SIP_DIGEST_CLIENT_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/message.h"

namespace lastmile::sip {

// What one request has been through: the challenges that it answered.
struct ChallengeTries {
  std::vector<std::pair<bool, std::string>> answered = {};  // by a proxy?, realm
  bool was_stale = false;
};

// One account at a server that challenges us (RFC 3261 section 22, RFC 7616): gives requests their
// credentials. Of several challenges of a realm it answers the strongest that it can (RFC 8760).
// A challenge is remembered and answered in advance the next time, with a rising nc, until there is
// a newer one. Sans-IO. Thread: its owner's.
class DigestClient {
 public:
  DigestClient(Credentials credentials, RandomSource& random);

  // Credentials for what this method was asked for before, in place of those it carries. A server
  // that wants others asks for them.
  void Preempt(Message& request);
  // The credentials of the next try of `request`, which was answered with `challenge`, a 401 or
  // 407. Fails with a sentence if there is no use in one: nothing to be answered, or the same
  // realm refuses what it was given. One that finds its nonce stale is given another, once.
  Result<void> Answer(const Message& challenge, Message& request, ChallengeTries& tries);

  static constexpr size_t kMaxRemembered = 16;  // more of them: all are forgotten
  static constexpr size_t kMaxChallenges = 8;   // of one response, and realms of one request

 private:
  struct Place {
    std::string method;
    bool proxy = false;
    std::string realm;
    auto operator<=>(const Place&) const = default;
  };
  struct Remembered {
    AuthHeader challenge;
    uint32_t count = 0;  // last nc
  };

  Result<void> AnswerRealm(const std::vector<const AuthHeader*>& challenges, bool proxy,
                           Message& request, ChallengeTries& tries);
  uint32_t NextCount(std::string_view nonce) const;

  const Credentials credentials_;
  RandomSource& random_;
  std::map<Place, Remembered> remembered_;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_DIGEST_CLIENT_H_
