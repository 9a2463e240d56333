#include "sdp/trunk_read.h"

#include <utility>

#include "sdp/codecs.h"
#include "sdp/rtcp_xr.h"
#include "sdp/scanner.h"
#include "sdp/srtp_keys.h"

namespace lastmile::sdp {
namespace {

// What a section says of SRTP, or why it cannot be used. A key in a section of RTP/AVP is one as
// well: it is how SRTP is offered to those who may not have it (RFC 8643 section 3).
Result<std::optional<Crypto>, std::string_view> ReadSrtp(const MediaSection& section,
                                                         const TrunkReading& reading,
                                                         const TrunkOffered& offered) {
  const std::string& protocol = section.media().protocol;
  const bool plain = protocol == "RTP/AVP" || protocol == "RTP/AVPF";
  if (!plain && !IsSdesSrtp(protocol)) {
    return std::unexpected("the audio of a carrier has to be RTP/AVP or RTP/AVPF");
  }
  const bool srtp = reading.answer ? !offered.crypto.empty() : reading.srtp != Srtp::kNone;
  if (!srtp && !plain) {
    return std::unexpected("the carrier asks for SRTP, and this trunk speaks plain RTP only");
  }
  if (!srtp) return std::nullopt;
  auto crypto = reading.answer ? ReadAnsweredCrypto(section, offered.crypto)
                               : ReadOfferedCrypto(section, reading.srtp_suites);
  if (crypto) return crypto;
  // An answer with a key means SRTP, whatever is wrong with it.
  const bool keyed = reading.answer && FindAttribute(section.lines, "crypto") != nullptr;
  if (!plain || keyed) return std::unexpected("no a=crypto of the section can be used");
  if (reading.srtp == Srtp::kOptional) return std::nullopt;
  return std::unexpected(reading.answer
                             ? "SRTP was offered, and the carrier's answer is plain RTP"
                             : "this trunk takes SRTP only, and the carrier offers plain RTP");
}

// a=rtcp (RFC 3605), else the port after RTP's. A value that cannot be used counts as none.
Endpoint ReadRtcp(const MediaSection& section, const Endpoint& rtp) {
  // Port 65535 has no port after it: such a sender gets its RTCP where its RTP is.
  Endpoint rtcp{rtp.address, static_cast<uint16_t>(rtp.port == 65535 ? rtp.port : rtp.port + 1)};
  const Line* line = FindAttribute(section.lines, "rtcp");
  if (!line) return rtcp;
  auto attribute = ParseRtcp(AttributeOf(*line).value);
  if (!attribute || attribute->port == 0) return rtcp;
  rtcp.port = attribute->port;
  if (attribute->address && !attribute->address->is_any()) rtcp.address = *attribute->address;
  return rtcp;
}

// What sections of every kind have.
struct Transport {
  Endpoint rtp;
  Endpoint rtcp;
  bool held = false;
  bool rtcp_mux = false;
  std::optional<Crypto> crypto;
};

std::optional<Refusal> ReadAddress(const SessionDescription& description,
                                   const MediaSection& section, Transport& transport) {
  const Line* line = FindLine(section.lines, 'c');
  if (!line) line = FindLine(description.session, 'c');
  if (!line) return RefuseAt(section.line(), 0, "the audio section has no c= line").error();
  auto connection = ParseConnection(line->value);
  if (!connection) {
    return RefuseAt(*line, connection.error().offset, connection.error().message).error();
  }
  if (connection->multicast) {
    return RefuseAt(*line, 0, "the address is a multicast address").error();
  }
  transport.held = connection->address.is_any();
  if (transport.held) return std::nullopt;
  transport.rtp = {connection->address, section.media().port};
  transport.rtcp = transport.rtcp_mux ? transport.rtp : ReadRtcp(section, transport.rtp);
  return std::nullopt;
}

Result<Transport, Refusal> ReadTransport(const SessionDescription& description,
                                         const MediaSection& section, const TrunkReading& reading,
                                         const TrunkOffered& offered) {
  auto crypto = ReadSrtp(section, reading, offered);
  if (!crypto) return RefuseAt(section.line(), 0, crypto.error());
  Transport transport{.crypto = std::move(*crypto)};
  transport.rtcp_mux = reading.rtcp_mux && FindAttribute(section.lines, "rtcp-mux") != nullptr;
  if (auto refusal = ReadAddress(description, section, transport)) {
    return std::unexpected(std::move(*refusal));
  }
  return transport;
}

}  // namespace

Result<TrunkMedia, Refusal> ReadTrunkAudio(const SessionDescription& description,
                                           const MediaSection& section, const TrunkReading& reading,
                                           const TrunkOffered& offered) {
  auto transport = ReadTransport(description, section, reading, offered);
  if (!transport) return std::unexpected(std::move(transport.error()));
  TrunkMedia media;
  media.rtp = transport->rtp;
  media.rtcp = transport->rtcp;
  media.held = transport->held;
  media.rtcp_mux = transport->rtcp_mux;
  media.crypto = std::move(transport->crypto);
  media.direction = ReadDirection(description, section);
  media.codecs = ReadCodecs(section, offered.codecs);
  media.ptime = ReadPacketTime(section, "ptime");
  media.maxptime = ReadPacketTime(section, "maxptime");
  media.xr = ReadRtcpXr(description, section);
  if (!AnyCarriesSpeech(media.codecs)) {
    return RefuseAt(section.line(), 0, "the audio section names no codec the gateway can read");
  }
  return media;
}

std::optional<TrunkVideo> ReadTrunkVideo(const SessionDescription& description,
                                         const MediaSection& section, const TrunkReading& reading,
                                         const TrunkOffered& offered) {
  if (section.media().kind != "video" || section.media().port == 0) return std::nullopt;
  auto transport = ReadTransport(description, section, reading, offered);
  if (!transport) return std::nullopt;
  TrunkVideo video{.rtp = transport->rtp,
                   .rtcp = transport->rtcp,
                   .held = transport->held,
                   .rtcp_mux = transport->rtcp_mux,
                   .direction = ReadDirection(description, section),
                   .codecs = ReadVideoCodecs(section, offered.codecs),
                   .crypto = std::move(transport->crypto)};
  if (reading.answer) video.codecs = KeepOffered(video.codecs, offered.codecs);
  return video.codecs.empty() ? std::nullopt : std::optional(std::move(video));
}

Result<TrunkSections, Refusal> ReadTrunkOffer(const SessionDescription& description,
                                              const TrunkReading& reading,
                                              std::optional<size_t> audio_in_use,
                                              std::optional<size_t> video_in_use) {
  std::optional<Refusal> refusal;
  std::optional<TrunkSections> found;
  const size_t count = description.media.size();
  for (const size_t index : SectionOrder(count, audio_in_use)) {
    const MediaSection& section = description.media[index];
    if (section.media().kind != "audio" || section.media().port == 0) continue;
    auto media = ReadTrunkAudio(description, section, reading, {});
    if (media) {
      found = {.audio = index, .video = std::nullopt, .media = std::move(*media)};
      break;
    }
    if (!refusal) refusal = std::move(media.error());
  }
  if (!found && refusal) return std::unexpected(std::move(*refusal));
  if (!found) return Refuse("the offer has no audio section that is in use");
  for (const size_t index : SectionOrder(count, video_in_use)) {
    found->media.video = ReadTrunkVideo(description, description.media[index], reading, {});
    if (!found->media.video) continue;
    found->video = index;
    break;
  }
  return std::move(*found);
}

std::string ReadTime(const SessionDescription& description) {
  constexpr std::string_view kAlways = "0 0";
  const Line* line = FindLine(description.session, 't');
  if (!line) return std::string(kAlways);
  Scanner scanner(line->value);
  const bool start = ToNumber(scanner.Word(), UINT64_MAX).has_value();
  const bool stop = ToNumber(scanner.Word(), UINT64_MAX).has_value();
  return start && stop && scanner.done() ? line->value : std::string(kAlways);
}

}  // namespace lastmile::sdp
