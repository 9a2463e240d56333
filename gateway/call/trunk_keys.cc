#include "gateway/call/trunk_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/base64.h"

namespace lastmile::call {
namespace {

constexpr std::string_view kInline = "inline:";

struct Suite {
  std::string_view name;
  media::SrtpProfile profile;
  size_t key;   // bytes
  size_t salt;  // the same
};
constexpr std::array<Suite, 4> kSuites = {
    {{"AES_CM_128_HMAC_SHA1_80", media::SrtpProfile::kAes128CmHmacSha1_80, 16, 14},
     {"AES_CM_128_HMAC_SHA1_32", media::SrtpProfile::kAes128CmHmacSha1_32, 16, 14},
     {"AEAD_AES_128_GCM", media::SrtpProfile::kAeadAes128Gcm, 16, 12},
     {"AEAD_AES_256_GCM", media::SrtpProfile::kAeadAes256Gcm, 32, 12}}};

media::SrtpKeys KeysIn(const sdp::Crypto& crypto, const Suite& suite) {
  std::string_view text = crypto.key_params;
  text.remove_prefix(std::min(kInline.size(), text.size()));
  const Bytes both = FromBase64(text.substr(0, text.find('|')));
  const auto salt = both.begin() + static_cast<ptrdiff_t>(std::min(suite.key, both.size()));
  return {.profile = suite.profile,
          .master_key = Bytes(both.begin(), salt),
          .master_salt = Bytes(salt, both.end())};
}

std::vector<sdp::Crypto> MakeSection(const std::vector<std::string>& suites, RandomSource& random) {
  std::vector<sdp::Crypto> keys;
  for (const std::string& name : suites) {
    const auto* suite = std::ranges::find(kSuites, name, &Suite::name);
    if (suite == kSuites.end()) continue;
    Bytes key(suite->key + suite->salt);
    random.Fill(key);
    keys.push_back({.tag = static_cast<uint32_t>(keys.size() + 1),
                    .suite = name,
                    .key_params = std::string(kInline) + ToBase64(key),
                    .session_params = {}});
  }
  return keys;
}

}  // namespace

TrunkKeys MakeTrunkKeys(const TrunkPolicy& policy, RandomSource& random) {
  if (policy.sdp.srtp == sdp::Srtp::kNone) return {};
  TrunkKeys keys{.audio = MakeSection(policy.sdp.srtp_suites, random)};
  if (!policy.video.empty()) keys.video = MakeSection(policy.sdp.srtp_suites, random);
  return keys;
}

std::optional<media::StreamKeys> ToStreamKeys(const std::optional<sdp::Crypto>& theirs,
                                              const std::vector<sdp::Crypto>& ours) {
  if (!theirs) return std::nullopt;
  media::StreamKeys keys;
  const auto* suite = std::ranges::find(kSuites, theirs->suite, &Suite::name);
  const auto mine = std::ranges::find(ours, theirs->suite, &sdp::Crypto::suite);
  // Without a key of ours it must not become plain RTP: empty keys carry nothing.
  if (suite == kSuites.end() || mine == ours.end()) return keys;
  return media::StreamKeys{.send = KeysIn(*mine, *suite), .receive = KeysIn(*theirs, *suite)};
}

std::vector<std::string> SrtpSuites() {
  std::vector<std::string> names;
  for (const Suite& suite : kSuites) names.emplace_back(suite.name);
  return names;
}

}  // namespace lastmile::call
