#include "sdp/srtp_keys.h"

#include <algorithm>
#include <array>
#include <string>

#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

struct Suite {
  std::string_view name;
  size_t key_chars;  // key and salt in base64, without padding
};
constexpr std::array<Suite, 4> kSuites = {{{"AES_CM_128_HMAC_SHA1_80", 40},
                                           {"AES_CM_128_HMAC_SHA1_32", 40},
                                           {"AEAD_AES_128_GCM", 38},
                                           {"AEAD_AES_256_GCM", 59}}};

bool IsBase64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

// "inline:<key>|2^20|1:4"; the lifetime is allowed, an MKI or a second key is not.
bool IsOneKey(std::string_view params, size_t key_chars) {
  constexpr std::string_view kInline = "inline:";
  if (!params.starts_with(kInline)) return false;
  params.remove_prefix(kInline.size());
  const size_t bar = std::min(params.find('|'), params.size());
  std::string_view key = params.substr(0, bar);
  while (key.ends_with('=')) key.remove_suffix(1);
  const bool more = params.substr(bar).find_first_of(":;") != std::string_view::npos;
  return !more && key.size() == key_chars && IsBase64(key);
}

// RFC 4568 section 6.3: WSH is advice, and what starts with "-" may be ignored.
bool ArePacketsTheSame(std::string_view session_params) {
  Scanner scanner(session_params);
  while (!scanner.done()) {
    const std::string_view word = scanner.Word();
    if (!word.starts_with("WSH=") && !word.starts_with('-')) return false;
  }
  return true;
}

std::optional<Crypto> FirstUsable(const MediaSection& section, auto fits) {
  for (const Line& line : section.lines) {
    const Attribute attribute = AttributeOf(line);
    if (attribute.name != "crypto") continue;
    auto crypto = ParseCrypto(attribute.value);
    if (crypto && IsUsable(*crypto) && fits(*crypto)) return std::move(*crypto);
  }
  return std::nullopt;
}

}  // namespace

bool IsSdesSrtp(std::string_view protocol) {
  return protocol == "RTP/SAVP" || protocol == "RTP/SAVPF";
}

std::string_view WithSrtp(std::string_view protocol, bool srtp) {
  if (protocol.ends_with('F')) return srtp ? "RTP/SAVPF" : "RTP/AVPF";
  return srtp ? "RTP/SAVP" : "RTP/AVP";
}

bool IsUsable(const Crypto& crypto) {
  const auto* suite = std::ranges::find(kSuites, crypto.suite, &Suite::name);
  return suite != kSuites.end() && IsOneKey(crypto.key_params, suite->key_chars) &&
         ArePacketsTheSame(crypto.session_params);
}

std::optional<Crypto> ReadOfferedCrypto(const MediaSection& section,
                                        const std::vector<std::string>& suites) {
  return FirstUsable(section, [&](const Crypto& crypto) {
    return std::ranges::find(suites, crypto.suite) != suites.end();
  });
}

std::optional<Crypto> ReadAnsweredCrypto(const MediaSection& section,
                                         const std::vector<Crypto>& offered) {
  return FirstUsable(section, [&](const Crypto& crypto) {
    return std::ranges::any_of(offered, [&](const Crypto& one) {
      return one.tag == crypto.tag && one.suite == crypto.suite;
    });
  });
}

std::optional<Crypto> AnswerTo(const Crypto& theirs, const std::vector<Crypto>& ours) {
  const auto it = std::ranges::find(ours, theirs.suite, &Crypto::suite);
  if (it == ours.end()) return std::nullopt;
  Crypto answer = *it;
  answer.tag = theirs.tag;
  return answer;
}

}  // namespace lastmile::sdp
