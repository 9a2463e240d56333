#include "demo_carrier/sdp_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace lastmile::demo_carrier {
namespace {

constexpr size_t kMaxText = 16 * 1024;
constexpr size_t kMaxLines = 512;
constexpr size_t kMaxMedia = 8;
constexpr size_t kMaxFormats = 64;
constexpr int kPcmuType = 0;
constexpr int kPcmaType = 8;
constexpr int kOfferedEventType = 101;

// One m= section while it is read.
struct Section {
  RemoteSdp::MediaLine line;
  uint16_t port = 0;
  std::vector<int> formats;
  std::array<std::string, 128> encodings;  // by payload type, lower case: "pcmu/8000"
  std::optional<IpAddress> address;
  std::string direction;
};

std::string_view NextWord(std::string_view& rest, char separator = ' ') {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '-' || c == '_' ||
           c == '.' || c == '+';
  });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::optional<IpAddress> ParseConnection(std::string_view value) {
  if (NextWord(value) != "IN") return std::nullopt;
  NextWord(value);  // IP4 or IP6: the address says it itself
  auto address = IpAddress::Parse(NextWord(value, '/'));
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<Section> ParseMedia(std::string_view value) {
  Section section;
  section.line.media = NextWord(value);
  std::string_view port_text = NextWord(value);
  const auto port = ParseNumber<uint16_t>(NextWord(port_text, '/'));
  section.line.transport = NextWord(value);
  if (!port || !IsToken(section.line.media) || !IsToken(section.line.transport)) {
    return std::nullopt;
  }
  section.port = *port;
  section.line.first_format = value.substr(0, value.find(' '));
  if (!IsToken(section.line.first_format)) section.line.first_format = "0";
  while (!value.empty() && section.formats.size() < kMaxFormats) {
    const auto format = ParseNumber<int>(NextWord(value));
    if (format && *format >= 0 && *format < 128) section.formats.push_back(*format);
  }
  section.encodings[kPcmuType] = "pcmu/8000";
  section.encodings[kPcmaType] = "pcma/8000";
  return section;
}

void ParseAttribute(std::string_view value, std::string& direction, Section* section) {
  if (value == "sendrecv" || value == "sendonly" || value == "recvonly" || value == "inactive") {
    direction = value;
    return;
  }
  if (!section || NextWord(value, ':') != "rtpmap") return;
  const auto type = ParseNumber<int>(NextWord(value));
  if (!type || *type < 0 || *type >= 128) return;
  std::string encoding = Lower(value);
  if (encoding.ends_with("/1")) encoding.resize(encoding.size() - 2);  // one channel is the default
  section->encodings[static_cast<size_t>(*type)] = std::move(encoding);
}

// The audio of a section, if it is one we can talk to.
std::optional<RemoteAudio> AudioOf(const Section& section) {
  if (section.line.media != "audio" || section.port == 0 || !section.address) return std::nullopt;
  if (section.line.transport != "RTP/AVP") return std::nullopt;
  RemoteAudio audio;
  audio.rtp = {*section.address, section.port};
  bool found = false;
  for (int format : section.formats) {
    const std::string& encoding = section.encodings[static_cast<size_t>(format)];
    const auto type = static_cast<uint8_t>(format);
    if (encoding == "telephone-event/8000" && !audio.event_type) audio.event_type = type;
    if (found || (encoding != "pcmu/8000" && encoding != "pcma/8000")) continue;
    audio.codec = encoding == "pcmu/8000" ? Codec::kPcmu : Codec::kPcma;
    audio.payload_type = type;
    found = true;
  }
  audio.sends = section.direction != "recvonly" && section.direction != "inactive";
  audio.receives = section.direction != "sendonly" && section.direction != "inactive" &&
                   !section.address->is_any();  // 0.0.0.0: hold as RFC 2543 had it
  return found ? std::optional(audio) : std::nullopt;
}

Result<std::vector<Section>> ReadSections(std::string_view text) {
  std::optional<IpAddress> session_address;
  std::string session_direction = "sendrecv";
  std::vector<Section> sections;
  size_t lines = 0;
  while (!text.empty()) {
    if (++lines > kMaxLines) return Fail("the SDP has too many lines");
    std::string_view line = NextWord(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() < 2 || line[1] != '=') continue;
    const std::string_view value = line.substr(2);
    Section* section = sections.empty() ? nullptr : &sections.back();
    if (line[0] == 'c') {
      (section ? section->address : session_address) = ParseConnection(value);
    } else if (line[0] == 'a') {
      ParseAttribute(value, section ? section->direction : session_direction, section);
    } else if (line[0] == 'm') {
      if (sections.size() == kMaxMedia) return Fail("the SDP has too many media lines");
      auto parsed = ParseMedia(value);
      if (!parsed) return Fail("the SDP has a media line which is not one");
      sections.push_back(std::move(*parsed));
      sections.back().address = session_address;
      sections.back().direction = session_direction;
    }
  }
  return sections;
}

std::string SessionLines(const LocalAudio& local) {
  const char* family = local.rtp.address.is_v6() ? "IP6" : "IP4";
  const std::string address = local.rtp.address.ToString();
  return fmt::format("v=0\r\no=carrier {} {} IN {} {}\r\ns=-\r\nc=IN {} {}\r\nt=0 0\r\n",
                     local.session, local.version, family, address, family, address);
}

std::string AudioLines(const RemoteAudio& audio, const LocalAudio& local) {
  const int type = audio.payload_type;
  std::string lines = fmt::format("m=audio {} RTP/AVP {}", local.rtp.port, type);
  if (audio.event_type) lines += fmt::format(" {}", *audio.event_type);
  lines += fmt::format("\r\na=rtpmap:{} {}/8000\r\n", type,
                       audio.codec == Codec::kPcmu ? "PCMU" : "PCMA");
  if (audio.event_type) {
    lines += fmt::format("a=rtpmap:{} telephone-event/8000\r\na=fmtp:{} 0-15\r\n",
                         *audio.event_type, *audio.event_type);
  }
  const char* direction = audio.sends ? (audio.receives ? "sendrecv" : "recvonly")
                                      : (audio.receives ? "sendonly" : "inactive");
  return lines + fmt::format("a=ptime:20\r\na={}\r\n", direction);
}

}  // namespace

Result<RemoteSdp> ReadSdp(std::string_view text) {
  if (text.size() > kMaxText) return Fail("the SDP is too long");
  auto sections = ReadSections(text);
  if (!sections) return std::unexpected(sections.error());
  RemoteSdp sdp;
  std::optional<RemoteAudio> audio;
  for (const Section& section : *sections) {
    if (!audio) {
      audio = AudioOf(section);
      sdp.audio_line = sdp.lines.size();
    }
    sdp.lines.push_back(section.line);
  }
  if (!audio) return Fail("the SDP has no plain RTP audio with PCMU or PCMA");
  sdp.audio = *audio;
  return sdp;
}

std::string BuildAnswer(const RemoteSdp& offer, const LocalAudio& local) {
  std::string answer = SessionLines(local);
  for (size_t i = 0; i < offer.lines.size(); ++i) {
    const auto& line = offer.lines[i];
    answer += i == offer.audio_line
                  ? AudioLines(offer.audio, local)
                  : fmt::format("m={} 0 {} {}\r\n", line.media, line.transport, line.first_format);
  }
  return answer;
}

std::string BuildOffer(const LocalAudio& local) {
  return SessionLines(local) +
         fmt::format(
             "m=audio {} RTP/AVP 8 0 {}\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
             "a=rtpmap:{} telephone-event/8000\r\na=fmtp:{} 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
             local.rtp.port, kOfferedEventType, kOfferedEventType, kOfferedEventType);
}

}  // namespace lastmile::demo_carrier
