#include "sdp/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

std::unexpected<ViewError> Bad(size_t offset, std::string message) {
  return std::unexpected(ViewError{offset, std::move(message)});
}

struct HashFunction {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<HashFunction, 5> kHashFunctions = {
    {{"sha-1", 20}, {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}};

constexpr std::array<std::pair<Direction, std::string_view>, 4> kDirections = {
    {{Direction::kSendRecv, "sendrecv"},
     {Direction::kSendOnly, "sendonly"},
     {Direction::kRecvOnly, "recvonly"},
     {Direction::kInactive, "inactive"}}};

constexpr std::array<std::pair<Setup, std::string_view>, 3> kSetups = {
    {{Setup::kActpass, "actpass"}, {Setup::kActive, "active"}, {Setup::kPassive, "passive"}}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// ice-char of RFC 8839: letters, digits, "+" and "/".
View<std::string> ParseIceChars(std::string_view value, size_t min, std::string_view what) {
  constexpr size_t kMax = 256;
  Scanner scanner(value);
  const std::string_view word = scanner.Word();
  if (!scanner.done()) return Bad(scanner.next(), fmt::format("{} is more than one word", what));
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '+' || c == '/';
    if (!ok) return Bad(scanner.start() + i, fmt::format("{} has a byte not allowed in it", what));
  }
  if (word.size() < min || word.size() > kMax) {
    return Bad(scanner.start(),
               fmt::format("{} has {} characters, not {} to {}", what, word.size(), min, kMax));
  }
  return std::string(word);
}

bool IsMulticast(const IpAddress& address) {
  if (address.is_v6()) return address.bytes()[0] == 0xff;
  return address.bytes()[0] >> 4 == 0xe;
}

}  // namespace

std::string_view NameOf(Direction direction) {
  return kDirections[static_cast<size_t>(direction)].second;
}

std::optional<Direction> DirectionNamed(std::string_view attribute_name) {
  for (const auto& [direction, name] : kDirections) {
    if (name == attribute_name) return direction;
  }
  return std::nullopt;
}

std::string_view NameOf(Setup setup) { return kSetups[static_cast<size_t>(setup)].second; }

View<Setup> ParseSetup(std::string_view value) {
  Scanner scanner(value);
  const std::string_view word = scanner.Word();
  for (const auto& [setup, name] : kSetups) {
    if (name == word && scanner.done()) return setup;
  }
  return Bad(scanner.start(), "a=setup has to be actpass, active or passive");
}

View<Fingerprint> ParseFingerprint(std::string_view value) {
  Scanner scanner(value);
  Fingerprint fingerprint{.hash = Lower(scanner.Word()), .digest = {}};
  const auto* known = std::ranges::find(kHashFunctions, fingerprint.hash, &HashFunction::name);
  if (known == kHashFunctions.end()) {
    return Bad(scanner.start(), "the hash function of the fingerprint is not known here");
  }
  const std::string_view hex = scanner.Word();
  if (hex.size() != known->bytes * 3 - 1 || !scanner.done()) {
    return Bad(scanner.start(), fmt::format("a {} fingerprint has {} bytes in hexadecimal",
                                            known->name, known->bytes));
  }
  for (size_t i = 0; i < hex.size(); i += 3) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0 || (i + 2 < hex.size() && hex[i + 2] != ':')) {
      return Bad(scanner.start() + i,
                 "the fingerprint is not pairs of hexadecimal digits and \":\"");
    }
    fingerprint.digest.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return fingerprint;
}

std::string ToValue(const Fingerprint& fingerprint) {
  return fmt::format("{} {:02X}", fingerprint.hash, fmt::join(fingerprint.digest, ":"));
}

View<Rtpmap> ParseRtpmap(std::string_view value) {
  Scanner scanner(value);
  const auto payload_type = ToNumber(scanner.Word(), 127);
  if (!payload_type) return Bad(scanner.start(), "the payload type is not a number from 0 to 127");
  std::string_view encoding = scanner.Word();
  const size_t slash = encoding.find('/');
  if (slash == std::string_view::npos || !IsToken(encoding.substr(0, slash))) {
    return Bad(scanner.start(), "a=rtpmap needs a codec name, \"/\" and a clock rate");
  }
  Rtpmap rtpmap;
  rtpmap.payload_type = static_cast<uint8_t>(*payload_type);
  rtpmap.encoding = encoding.substr(0, slash);
  encoding.remove_prefix(slash + 1);
  const size_t second = encoding.find('/');
  const auto clock_rate = ToNumber(encoding.substr(0, second), 1'000'000'000);
  if (!clock_rate || *clock_rate == 0) {
    return Bad(scanner.start() + slash + 1, "the clock rate is not a number of hertz");
  }
  rtpmap.clock_rate = static_cast<uint32_t>(*clock_rate);
  if (second != std::string_view::npos) {
    const auto channels = ToNumber(encoding.substr(second + 1), 255);
    if (!channels || *channels == 0) {
      return Bad(scanner.start() + slash + second + 2, "the number of channels is not a number");
    }
    rtpmap.channels = static_cast<uint8_t>(*channels);
  }
  return rtpmap;
}

std::string ToValue(const Rtpmap& rtpmap) {
  std::string text =
      fmt::format("{} {}/{}", rtpmap.payload_type, rtpmap.encoding, rtpmap.clock_rate);
  if (rtpmap.channels != 1) text += fmt::format("/{}", rtpmap.channels);
  return text;
}

View<Fmtp> ParseFmtp(std::string_view value) {
  Scanner scanner(value);
  const std::string_view format = scanner.Word();
  if (!IsToken(format)) return Bad(scanner.start(), "a=fmtp starts with the format it is about");
  const std::string_view parameters = scanner.Rest();
  if (parameters.empty()) return Bad(scanner.start(), "a=fmtp has no parameters");
  return Fmtp{std::string(format), std::string(parameters)};
}

View<uint16_t> ParsePtime(std::string_view value) {
  constexpr uint64_t kMaxMs = 1000;
  Scanner scanner(value);
  const auto ms = ToNumber(scanner.Word(), kMaxMs);
  if (!ms || *ms == 0 || !scanner.done()) {
    return Bad(scanner.start(), "the packet time is not a whole number of milliseconds up to 1000");
  }
  return static_cast<uint16_t>(*ms);
}

View<Rtcp> ParseRtcp(std::string_view value) {
  Scanner scanner(value);
  const auto port = ToNumber(scanner.Word(), 65535);
  if (!port) return Bad(scanner.start(), "the RTCP port is not a port number");
  Rtcp rtcp{.port = static_cast<uint16_t>(*port), .address = std::nullopt};
  if (scanner.done()) return rtcp;
  const size_t start = scanner.next();
  auto connection = ParseConnection(scanner.Rest());
  if (!connection) return Bad(start + connection.error().offset, connection.error().message);
  rtcp.address = connection->address;
  return rtcp;
}

View<Candidate> ParseCandidate(std::string_view value) {
  constexpr size_t kMaxFoundation = 32;
  Scanner scanner(value);
  Candidate candidate;
  candidate.foundation = scanner.Word();
  if (!IsVisible(candidate.foundation) || candidate.foundation.size() > kMaxFoundation) {
    return Bad(scanner.start(), "the candidate's foundation is not 1 to 32 characters");
  }
  const auto component = ToNumber(scanner.Word(), 256);
  if (!component || *component == 0) {
    return Bad(scanner.start(), "the candidate's component is not a number from 1 to 256");
  }
  candidate.component = static_cast<uint16_t>(*component);
  candidate.transport = scanner.Word();
  if (!IsToken(candidate.transport)) return Bad(scanner.start(), "the candidate has no transport");
  const auto priority = ToNumber(scanner.Word(), 0xffffffff);
  if (!priority) return Bad(scanner.start(), "the candidate's priority is not a 32-bit number");
  candidate.priority = static_cast<uint32_t>(*priority);
  candidate.address = scanner.Word();
  if (!IsVisible(candidate.address)) return Bad(scanner.start(), "the candidate has no address");
  if (auto ip = IpAddress::Parse(candidate.address)) candidate.ip = *ip;
  const auto port = ToNumber(scanner.Word(), 65535);
  if (!port) return Bad(scanner.start(), "the candidate's port is not a port number");
  candidate.port = static_cast<uint16_t>(*port);
  if (scanner.Word() != "typ") return Bad(scanner.start(), "\"typ\" is missing in the candidate");
  candidate.type = scanner.Word();
  if (!IsToken(candidate.type)) return Bad(scanner.start(), "the candidate has no type");
  candidate.extensions = scanner.Rest();
  return candidate;
}

std::string ToValue(const Candidate& candidate) {
  std::string text = fmt::format("{} {} {} {} {} {} typ {}", candidate.foundation,
                                 candidate.component, candidate.transport, candidate.priority,
                                 candidate.address, candidate.port, candidate.type);
  if (!candidate.extensions.empty()) text += ' ' + candidate.extensions;
  return text;
}

View<std::string> ParseIceUfrag(std::string_view value) {
  return ParseIceChars(value, 4, "the ICE user name");
}

View<std::string> ParseIcePwd(std::string_view value) {
  return ParseIceChars(value, 22, "the ICE password");
}

View<std::vector<std::string>> ParseIceOptions(std::string_view value) {
  std::vector<std::string> options;
  Scanner scanner(value);
  do {
    const std::string_view option = scanner.Word();
    if (!IsVisible(option)) return Bad(scanner.start(), "a=ice-options names no option");
    options.emplace_back(option);
  } while (!scanner.done());
  return options;
}

View<std::string> ParseMid(std::string_view value) {
  Scanner scanner(value);
  const std::string_view mid = scanner.Word();
  if (!IsToken(mid) || !scanner.done()) return Bad(scanner.start(), "a=mid is not one token");
  return std::string(mid);
}

View<Group> ParseGroup(std::string_view value) {
  Scanner scanner(value);
  Group group{.semantics = std::string(scanner.Word()), .mids = {}};
  if (!IsToken(group.semantics)) return Bad(scanner.start(), "a=group names no semantics");
  while (!scanner.done()) {
    const std::string_view mid = scanner.Word();
    if (!IsToken(mid)) return Bad(scanner.start(), "a=group has a mid that is not a token");
    group.mids.emplace_back(mid);
  }
  return group;
}

View<Msid> ParseMsid(std::string_view value) {
  Scanner scanner(value);
  Msid msid{.stream = std::string(scanner.Word()), .track = {}};
  if (!IsToken(msid.stream)) return Bad(scanner.start(), "a=msid names no stream");
  msid.track = scanner.Word();
  if (!scanner.done()) return Bad(scanner.next(), "a=msid has more than two words");
  return msid;
}

View<Ssrc> ParseSsrc(std::string_view value) {
  Scanner scanner(value);
  const auto ssrc = ToNumber(scanner.Word(), 0xffffffff);
  if (!ssrc) return Bad(scanner.start(), "the SSRC is not a 32-bit number");
  const std::string_view rest = scanner.Rest();
  const size_t colon = rest.find(':');
  const std::string_view attribute = rest.substr(0, colon);
  if (!IsToken(attribute)) return Bad(scanner.start(), "a=ssrc names no attribute");
  const std::string_view text =
      colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  return Ssrc{static_cast<uint32_t>(*ssrc), std::string(attribute), std::string(text)};
}

View<Extmap> ParseExtmap(std::string_view value) {
  Scanner scanner(value);
  const std::string_view head = scanner.Word();
  const size_t slash = head.find('/');
  const auto id = ToNumber(head.substr(0, slash), 4351);
  if (!id || *id == 0) return Bad(scanner.start(), "the header extension's id is not in 1 to 4351");
  Extmap extmap{
      .id = static_cast<uint16_t>(*id), .direction = std::nullopt, .uri = {}, .parameters = {}};
  if (slash != std::string_view::npos) {
    extmap.direction = DirectionNamed(head.substr(slash + 1));
    if (!extmap.direction) return Bad(scanner.start() + slash + 1, "not a direction");
  }
  extmap.uri = scanner.Word();
  if (!IsVisible(extmap.uri)) return Bad(scanner.start(), "the header extension has no URI");
  extmap.parameters = scanner.Rest();
  return extmap;
}

View<Crypto> ParseCrypto(std::string_view value) {
  constexpr uint64_t kMaxTag = 999'999'999;
  Scanner scanner(value);
  const auto tag = ToNumber(scanner.Word(), kMaxTag);
  if (!tag) return Bad(scanner.start(), "the tag of a=crypto is not a number of up to 9 digits");
  Crypto crypto{
      .tag = static_cast<uint32_t>(*tag), .suite = {}, .key_params = {}, .session_params = {}};
  crypto.suite = scanner.Word();
  if (!IsToken(crypto.suite)) return Bad(scanner.start(), "a=crypto names no suite");
  crypto.key_params = scanner.Word();
  if (!IsVisible(crypto.key_params)) return Bad(scanner.start(), "a=crypto has no key");
  crypto.session_params = scanner.Rest();
  return crypto;
}

std::string ToValue(const Crypto& crypto) {
  std::string text = fmt::format("{} {} {}", crypto.tag, crypto.suite, crypto.key_params);
  if (!crypto.session_params.empty()) text += ' ' + crypto.session_params;
  return text;
}

View<RtcpFb> ParseRtcpFb(std::string_view value) {
  Scanner scanner(value);
  RtcpFb feedback{.format = std::string(scanner.Word()), .type = {}, .parameters = {}};
  if (feedback.format != "*" && !ToNumber(feedback.format, 127)) {
    return Bad(scanner.start(), "a=rtcp-fb is neither about a payload type nor about \"*\"");
  }
  feedback.type = scanner.Word();
  if (!IsToken(feedback.type)) return Bad(scanner.start(), "a=rtcp-fb names no kind of feedback");
  feedback.parameters = scanner.Rest();
  return feedback;
}

View<std::string> ParseTlsId(std::string_view value) {
  constexpr size_t kMin = 20;
  constexpr size_t kMax = 255;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_';
  };
  if (value.size() < kMin || value.size() > kMax || !std::ranges::all_of(value, allowed)) {
    return Bad(0, "a=tls-id is not 20 to 255 letters, digits, \"+\", \"/\", \"-\" or \"_\"");
  }
  return std::string(value);
}

View<uint16_t> ParseSctpPort(std::string_view value) {
  const auto port = ToNumber(value, 65535);
  if (!port) return Bad(0, "the SCTP port is not a port number");
  return static_cast<uint16_t>(*port);
}

View<Connection> ParseConnection(std::string_view value) {
  Scanner scanner(value);
  if (scanner.Word() != "IN") return Bad(scanner.start(), "the network type is not IN");
  const std::string_view family = scanner.Word();
  if (family != "IP4" && family != "IP6") {
    return Bad(scanner.start(), "the address type is neither IP4 nor IP6");
  }
  const std::string_view word = scanner.Word();
  if (!scanner.done()) return Bad(scanner.next(), "there is text after the address");
  auto address = IpAddress::Parse(word.substr(0, word.find('/')));
  if (!address) {
    return Bad(scanner.start(), "the address is not an IP address; host names are not resolved");
  }
  if (family == "IP4" && address->is_v6()) {
    return Bad(scanner.start(), "an IPv6 address is called IP4");
  }
  return Connection{*address, IsMulticast(*address)};
}

std::string ToConnectionValue(const IpAddress& address) {
  return fmt::format("IN {} {}", address.is_v6() ? "IP6" : "IP4", address.ToString());
}

}  // namespace lastmile::sdp
