#include "gateway/sip/digest.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "base/c_handle.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

constexpr size_t kMacSize = 16;  // of HMAC-SHA-256, cut: 128 bits are beyond guessing in 5 minutes
constexpr size_t kNonceSize = 8 + 8 + kMacSize;

// Lower-case hex of the hash; empty if OpenSSL refuses the algorithm (MD5 under FIPS), which no
// 32 digits of a peer are ever equal to.
std::string HashHex(const EVP_MD* algorithm, std::string_view text) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, algorithm, nullptr) != 1) return {};
  return HexOf(ByteView(hash.data(), size));
}

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  const char* separator = "";
  for (std::string_view part : parts) {
    text += std::exchange(separator, ":");
    text += part;
  }
  return text;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void Append64(Bytes& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

std::optional<uint64_t> HexNumber(std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::string_view Value(const AuthHeader& header, std::string_view name) {
  const std::string* value = header.params.Find(name);
  return value == nullptr ? std::string_view() : *value;
}

bool IsDigest(const AuthHeader& header) { return EqualNoCase(header.scheme, "Digest"); }

// RFC 7616 section 3.4.1, qop "auth".
std::string ResponseHash(const EVP_MD* algorithm, const AuthHeader& credentials,
                         std::string_view ha1, std::string_view method) {
  const std::string ha2 = HashHex(algorithm, Joined({method, Value(credentials, "uri")}));
  const std::string_view nonce = Value(credentials, "nonce");
  if (Value(credentials, "qop").empty()) return HashHex(algorithm, Joined({ha1, nonce, ha2}));
  return HashHex(algorithm, Joined({ha1, nonce, Value(credentials, "nc"),
                                    Value(credentials, "cnonce"), Value(credentials, "qop"), ha2}));
}

const EVP_MD* HashOf(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::kSha256 ? EVP_sha256() : EVP_md5();
}

std::optional<DigestAlgorithm> AlgorithmOf(const AuthHeader& credentials) {
  const std::string_view name = Value(credentials, "algorithm");
  if (name.empty() || EqualNoCase(name, "MD5")) return DigestAlgorithm::kMd5;
  if (EqualNoCase(name, "SHA-256")) return DigestAlgorithm::kSha256;
  return std::nullopt;
}

// Everything of the credentials but their algorithm and response. Returns nc.
std::optional<uint32_t> CheckForm(const AuthHeader& credentials) {
  const std::string_view nc = Value(credentials, "nc");
  if (!EqualNoCase(Value(credentials, "qop"), "auth") || nc.size() != 8) return std::nullopt;
  for (std::string_view name : {"username", "nonce", "uri", "cnonce"}) {
    if (Value(credentials, name).empty()) return std::nullopt;
  }
  const auto count = HexNumber(nc);
  if (!count || *count == 0) return std::nullopt;
  return static_cast<uint32_t>(*count);
}

// JsSIP sends the Request-URI byte by byte; others leave out parameters or escape differently.
bool IsSameTarget(std::string_view uri_param, const Uri& request_uri) {
  const auto uri = ParseUri(uri_param);
  return uri && uri->scheme == request_uri.scheme && uri->user == request_uri.user &&
         EqualNoCase(uri->host, request_uri.host) && uri->port == request_uri.port &&
         uri->opaque == request_uri.opaque;
}

bool OffersAuth(std::string_view qop) {
  while (!qop.empty()) {
    const size_t comma = std::min(qop.find(','), qop.size());
    if (EqualNoCase(Trim(qop.substr(0, comma)), "auth")) return true;
    qop.remove_prefix(std::min(comma + 1, qop.size()));
  }
  return false;
}

// HMAC-SHA-256 with this key; null if OpenSSL refuses. Looked up once: to find an algorithm by its
// name costs OpenSSL 3 more than to use it.
EVP_MAC_CTX* NewMac(ByteView key) {
  const CHandle<EVP_MAC, EVP_MAC_free> hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  CHandle<EVP_MAC_CTX, EVP_MAC_CTX_free> mac(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
  std::string digest = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  if (!mac || EVP_MAC_init(mac.get(), key.data(), key.size(), params) != 1) return nullptr;
  return mac.release();
}

}  // namespace

std::string Ha1(std::string_view user, std::string_view realm, std::string_view password,
                DigestAlgorithm algorithm) {
  return HashHex(HashOf(algorithm), Joined({user, realm, password}));
}

std::optional<std::string> ParseHa1(std::string_view text, DigestAlgorithm algorithm) {
  const size_t digits = algorithm == DigestAlgorithm::kMd5 ? 32 : 64;
  if (text.size() != digits) return std::nullopt;
  std::string hash = LowerCase(text);
  if (hash.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  return hash;
}

Bytes HmacSha1(std::string_view key, std::string_view text) {
  Bytes mac(EVP_MAX_MD_SIZE);
  size_t size = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA1", nullptr, key.data(), key.size(),
                reinterpret_cast<const uint8_t*>(text.data()), text.size(), mac.data(), mac.size(),
                &size) == nullptr) {
    return {};
  }
  mac.resize(size);
  return mac;
}

DigestServer::DigestServer(std::string realm, RandomSource& random)
    : realm_(std::move(realm)), random_(random), floor_(std::numeric_limits<int64_t>::min()) {
  std::array<uint8_t, 32> key;
  random_.Fill(key);
  mac_.reset(NewMac(key));
  OPENSSL_cleanse(key.data(), key.size());
}

void DigestServer::MacFree::operator()(EVP_MAC_CTX* mac) const noexcept { EVP_MAC_CTX_free(mac); }

// time(8) | random(8) | HMAC-SHA-256(key, time | random | connection)(16), in hex.
std::string DigestServer::NonceOf(NonceId id, uint64_t connection) const {
  Bytes input;
  Append64(input, static_cast<uint64_t>(id.first));
  Append64(input, id.second);
  Append64(input, connection);
  std::array<uint8_t, EVP_MAX_MD_SIZE> mac{};
  size_t size = 0;
  // Without a key it begins anew with the one it has.
  if (!mac_ || EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(mac_.get(), input.data(), input.size()) != 1 ||
      EVP_MAC_final(mac_.get(), mac.data(), &size, mac.size()) != 1) {
    return {};
  }
  input.resize(16);
  input.insert(input.end(), mac.begin(), mac.begin() + kMacSize);
  return HexOf(input);
}

AuthHeader DigestServer::Challenge(uint64_t connection, bool stale, TimePoint now,
                                   DigestAlgorithm algorithm) {
  AuthHeader challenge;
  challenge.scheme = "Digest";
  challenge.params.Set("realm", realm_);
  const NonceId id{now.time_since_epoch().count(), random_.Next64()};
  challenge.params.Set("nonce", NonceOf(id, connection));
  challenge.params.Set("algorithm", algorithm == DigestAlgorithm::kSha256 ? "SHA-256" : "MD5");
  // Not auth-int: JsSIP picks it if it is offered.
  challenge.params.Set("qop", "auth");
  if (stale) challenge.params.Set("stale", "true");
  return challenge;
}

bool DigestServer::IsFresh(NonceId id, TimePoint now) const {
  const TimePoint made{Clock::duration(id.first)};
  return id.first > floor_ && made <= now && now - made <= kNonceLife;
}

// False: this nc, or a later one, was spent before.
bool DigestServer::Spend(NonceId id, uint32_t count, TimePoint now) {
  const auto [entry, added] = spent_.try_emplace(id, count);
  if (!added && count <= entry->second) return false;
  entry->second = count;
  while (!spent_.empty() && (spent_.size() > kMaxNonces || !IsFresh(spent_.begin()->first, now))) {
    floor_ = std::max(floor_, spent_.begin()->first.first);
    spent_.erase(spent_.begin());
  }
  return true;
}

DigestVerdict DigestServer::Verify(const AuthHeader& credentials, std::string_view method,
                                   const StoredHa1& stored, uint64_t connection, TimePoint now,
                                   const Uri* request_uri) {
  if (!IsDigest(credentials) || Value(credentials, "realm") != realm_) {
    return DigestVerdict::kNoCredentials;
  }
  const auto algorithm = AlgorithmOf(credentials);
  const auto count = CheckForm(credentials);
  if (!algorithm || !count) return DigestVerdict::kWrong;

  // An unknown user costs the same hashes and comparisons as a known one.
  static constexpr std::string_view kNobody =
      "0000000000000000000000000000000000000000000000000000000000000000";
  const bool is_md5 = *algorithm == DigestAlgorithm::kMd5;
  const std::string_view ha1 = is_md5 ? stored.md5 : stored.sha256;
  const std::string expected =
      ResponseHash(HashOf(*algorithm), credentials,
                   ha1.empty() ? kNobody.substr(0, is_md5 ? 32 : 64) : ha1, method);
  const std::string response = LowerCase(Value(credentials, "response"));
  const bool same = !expected.empty() && EqualInConstantTime(expected, response);
  if (!same || ha1.empty()) return DigestVerdict::kWrong;
  const std::string_view uri = Value(credentials, "uri");
  if (request_uri != nullptr && !IsSameTarget(uri, *request_uri)) return DigestVerdict::kWrong;

  const std::string_view nonce = Value(credentials, "nonce");
  if (nonce.size() != 2 * kNonceSize) return DigestVerdict::kStale;
  const auto made = HexNumber(nonce.substr(0, 16));
  const auto salt = HexNumber(nonce.substr(16, 16));
  if (!made || !salt) return DigestVerdict::kStale;
  const NonceId id{static_cast<int64_t>(*made), *salt};
  if (!EqualInConstantTime(NonceOf(id, connection), nonce) || !IsFresh(id, now)) {
    return DigestVerdict::kStale;
  }
  return Spend(id, *count, now) ? DigestVerdict::kAccepted : DigestVerdict::kReplayed;
}

std::string DigestServer::UserOf(const AuthHeader& credentials) const {
  if (!IsDigest(credentials) || Value(credentials, "realm") != realm_) return {};
  return std::string(Value(credentials, "username"));
}

Result<AuthHeader> AnswerChallenge(const AuthHeader& challenge, const Credentials& credentials,
                                   std::string_view method, std::string_view uri,
                                   RandomSource& random, uint32_t count) {
  const std::string_view algorithm = Value(challenge, "algorithm");
  const bool sha256 = EqualNoCase(algorithm, "SHA-256");
  if (!IsDigest(challenge)) return Fail("it asks for something other than Digest");
  if (!sha256 && !algorithm.empty() && !EqualNoCase(algorithm, "MD5")) {
    return Fail("it asks for an algorithm other than MD5 and SHA-256");
  }
  if (!challenge.params.Has("realm") || Value(challenge, "nonce").empty()) {
    return Fail("its challenge has no realm or no nonce");
  }
  if (!credentials.realm.empty() && credentials.realm != Value(challenge, "realm")) {
    return Fail("it asks for another realm than that of the account");
  }
  if (sha256 && !credentials.ha1.empty()) {
    return Fail("it asks for SHA-256, of which the account has no hash");
  }
  const bool qop = challenge.params.Has("qop");
  if (qop && !OffersAuth(Value(challenge, "qop"))) {
    return Fail("it offers no qop of \"auth\"");
  }
  const EVP_MD* hash = sha256 ? EVP_sha256() : EVP_md5();
  AuthHeader answer;
  answer.scheme = "Digest";
  answer.params.Set("username", credentials.user);
  answer.params.Set("realm", Value(challenge, "realm"));
  answer.params.Set("nonce", Value(challenge, "nonce"));
  answer.params.Set("uri", uri);
  if (!algorithm.empty()) answer.params.Set("algorithm", sha256 ? "SHA-256" : "MD5");
  if (qop) {
    answer.params.Set("qop", "auth");
    answer.params.Set("nc", fmt::format("{:08x}", count));
    answer.params.Set("cnonce", random.Token(20));
  }
  if (challenge.params.Has("opaque")) answer.params.Set("opaque", Value(challenge, "opaque"));
  const std::string ha1 =
      !credentials.ha1.empty()
          ? credentials.ha1
          : HashHex(hash,
                    Joined({credentials.user, Value(challenge, "realm"), credentials.password}));
  answer.params.Set("response", ResponseHash(hash, answer, ha1, method));
  return answer;
}

Result<AuthHeader> AnswerChallenge(const AuthHeader& challenge, const Credentials& credentials,
                                   const Message& request, RandomSource& random, uint32_t count) {
  return AnswerChallenge(challenge, credentials, request.method, request.request_uri.ToString(),
                         random, count);
}

}  // namespace lastmile::sip
