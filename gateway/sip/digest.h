#ifndef LASTMILE_GATEWAY_SIP_DIGEST_H_
#define LASTMILE_GATEWAY_SIP_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/sip/message.h"

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX

// Digest access authentication (RFC 7616 with RFC 3261 section 22.4; RFC 8760), MD5 and SHA-256,
// qop="auth".
namespace lastmile::sip {

enum class DigestAlgorithm { kMd5, kSha256 };

// The hash of user ":" realm ":" password as 32 or 64 hex digits: what is stored instead of a
// password.
std::string Ha1(std::string_view user, std::string_view realm, std::string_view password,
                DigestAlgorithm algorithm = DigestAlgorithm::kMd5);

// Such a hash as somebody has stored it, in lower case; nullopt: it is none.
std::optional<std::string> ParseHa1(std::string_view text, DigestAlgorithm algorithm);

// What is stored of one user; empty: that algorithm's answers are wrong.
struct StoredHa1 {
  std::string_view md5;
  std::string_view sha256 = {};
};

// HMAC-SHA1 (RFC 2104), 20 bytes; empty if OpenSSL refuses it.
Bytes HmacSha1(std::string_view key, std::string_view text);

enum class DigestVerdict {
  kAccepted,
  kNoCredentials,  // none for our realm
  kStale,          // right answer, nonce expired or of another connection: challenge stale=true
  kReplayed,       // right answer, but nc has not risen: challenge again
  kWrong,          // wrong answer, unknown algorithm, broken header
};

// The server side. Nonces carry their time and are bound to a connection by a keyed hash, so that
// nothing is stored for a client that never answers. Only accepted nonces are remembered, with
// their last nc, until they expire. If there are more than kMaxNonces of them, all nonces made
// before the oldest remembered one count as stale: memory is bounded and yet nothing can be
// replayed. Sans-IO. Thread: its owner's.
class DigestServer {
 public:
  DigestServer(std::string realm, RandomSource& random);

  // The WWW-Authenticate (or Proxy-Authenticate) value; `connection` binds the nonce.
  AuthHeader Challenge(uint64_t connection, bool stale, TimePoint now,
                       DigestAlgorithm algorithm = DigestAlgorithm::kMd5);
  // `ha1` of the user named by the credentials; pass an empty one for an unknown user: the verdict
  // is then kWrong after the same work. `method` and the uri parameter are checked; the latter
  // against `request_uri` if one is given: scheme, user, host and port have to be the same.
  DigestVerdict Verify(const AuthHeader& credentials, std::string_view method, const StoredHa1& ha1,
                       uint64_t connection, TimePoint now, const Uri* request_uri = nullptr);
  // The user name of the credentials for our realm; empty: none.
  std::string UserOf(const AuthHeader& credentials) const;
  const std::string& realm() const { return realm_; }

  static constexpr Duration kNonceLife = 5min;
  static constexpr size_t kMaxNonces = 16384;  // 55 accepted requests a second for 5 minutes

 private:
  struct MacFree {
    void operator()(evp_mac_ctx_st* mac) const noexcept;
  };
  // When it was made, and the random part that tells two of one moment apart.
  using NonceId = std::pair<int64_t, uint64_t>;

  std::string NonceOf(NonceId id, uint64_t connection) const;
  bool IsFresh(NonceId id, TimePoint now) const;
  bool Spend(NonceId id, uint32_t count, TimePoint now);

  std::string realm_;
  RandomSource& random_;
  std::unique_ptr<evp_mac_ctx_st, MacFree> mac_;  // has the key of all nonces
  std::map<NonceId, uint32_t> spent_;             // last nc of each accepted nonce
  int64_t floor_;                                 // nonces made at or before it are stale
};

// The client side, towards trunks.
struct Credentials {
  std::string user;
  std::string password;
  std::string realm = {};  // the only one they are for; "": any
  std::string ha1 = {};    // of that realm, MD5: instead of the password; "" = none
};

// Answers one MD5 or SHA-256 challenge; `count` is the nc, how often its nonce was used with this
// one. Fails with the rest of a sentence for an algorithm or qop we do not have, and for a realm
// that the credentials are not for.
Result<AuthHeader> AnswerChallenge(const AuthHeader& challenge, const Credentials& credentials,
                                   std::string_view method, std::string_view uri,
                                   RandomSource& random, uint32_t count = 1);
// The same for the method and Request-URI of `request`.
Result<AuthHeader> AnswerChallenge(const AuthHeader& challenge, const Credentials& credentials,
                                   const Message& request, RandomSource& random, uint32_t count);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_DIGEST_H_
