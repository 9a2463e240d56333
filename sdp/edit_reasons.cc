#include "sdp/edit_reasons.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "sdp/attributes.h"

namespace lastmile::sdp {
namespace {

struct Reason {
  std::string_view name;  // of the attribute, or "<letter>=" of the line
  std::string_view rule;
  std::string_view reason;
};

constexpr std::string_view kOrigin = "each leg has an o= line of its own (RFC 3264 section 5)";
constexpr std::string_view kText = "texts about the session stay on their leg";
constexpr std::string_view kBundle = "bundling is between browser and gateway only (RFC 9143)";
constexpr std::string_view kIce = "ICE is between browser and gateway only (RFC 8839)";
constexpr std::string_view kDtls = "DTLS-SRTP is between browser and gateway only (RFC 5763, 8842)";
constexpr std::string_view kMux =
    "RTCP shares RTP's port towards browsers, and trunks that agree to it (RFC 5761)";
constexpr std::string_view kFeedback =
    "feedback is for video, as far as both legs have it (RFC 4585, 5104, 5506)";
constexpr std::string_view kKeys =
    "keys are each leg's own and end at the gateway (RFC 4568); in RTP/AVP they may be left (RFC "
    "8643)";
constexpr std::string_view kExtensions = "RTP header extensions end at the gateway (RFC 8285)";
constexpr std::string_view kStreams =
    "streams and sources are named by nobody: the browser keeps one stream for the call "
    "(RFC 8830, 5576)";
constexpr std::string_view kLayers = "the gateway carries one encoding (RFC 8851, 8853)";
constexpr std::string_view kData = "data channels end at the browser (RFC 8841)";
constexpr std::string_view kResources =
    "resources are reserved leg by leg, and the gateway's are always there (RFC 3312)";
constexpr std::string_view kPacketTime = "the packet time is carried over (RFC 8866 section 6.4)";
constexpr std::string_view kMedia =
    "port, protocol and formats are those of the leg (RFC 3264 section 5.1)";

constexpr std::array<Reason, 59> kReasons = {{
    {"v=", "sdp.version", "there is one version of SDP (RFC 8866 section 5.1)"},
    {"o=", "leg.origin", kOrigin},
    {"s=", "leg.name", "the session has no name (RFC 3264 section 5)"},
    {"t=", "leg.time", "an offer has no end, an answer repeats the offer (RFC 3264 section 6)"},
    {"c=", "anchor.address", "media is anchored: each side sees the gateway's address only"},
    {"m=", "anchor.media", kMedia},
    {"b=", "leg.bandwidth", "bandwidth is agreed leg by leg (RFC 3264 section 5.8)"},
    {"i=", "leg.text", kText},
    {"u=", "leg.text", kText},
    {"e=", "leg.text", kText},
    {"p=", "leg.text", kText},
    {"r=", "leg.text", kText},
    {"z=", "leg.text", kText},
    {"k=", "srtp.keys", "keys end at the gateway (RFC 8866 section 5.12)"},
    {"crypto", "srtp.keys", kKeys},
    {"group", "webrtc.bundle", kBundle},
    {"bundle-only", "webrtc.bundle", kBundle},
    {"mid", "webrtc.bundle", kBundle},
    {"ice-ufrag", "webrtc.ice", kIce},
    {"ice-pwd", "webrtc.ice", kIce},
    {"ice-options", "webrtc.ice", kIce},
    {"ice-lite", "webrtc.ice", kIce},
    {"ice-pacing", "webrtc.ice", kIce},
    {"ice-mismatch", "webrtc.ice", kIce},
    {"candidate", "webrtc.ice", kIce},
    {"remote-candidates", "webrtc.ice", kIce},
    {"end-of-candidates", "webrtc.ice", kIce},
    {"fingerprint", "webrtc.dtls", kDtls},
    {"setup", "webrtc.dtls", kDtls},
    {"connection", "webrtc.dtls", kDtls},
    {"tls-id", "webrtc.dtls", kDtls},
    {"identity", "webrtc.dtls", kDtls},
    {"rtcp-mux", "webrtc.rtcp-mux", kMux},
    {"rtcp-mux-only", "webrtc.rtcp-mux", kMux},
    {"rtcp", "anchor.rtcp",
     "RTCP has the gateway's address; the next port needs no line (RFC 3605)"},
    {"rtcp-fb", "webrtc.feedback", kFeedback},
    {"rtcp-rsize", "webrtc.feedback", kFeedback},
    {"rtcp-xr", "anchor.rtcp-xr", "extended reports of RTCP are agreed on leg by leg (RFC 3611)"},
    {"extmap", "webrtc.extmap", kExtensions},
    {"extmap-allow-mixed", "webrtc.extmap", kExtensions},
    {"cryptex", "webrtc.extmap", kExtensions},
    {"msid", "webrtc.streams", kStreams},
    {"msid-semantic", "webrtc.streams", kStreams},
    {"ssrc", "webrtc.streams", kStreams},
    {"ssrc-group", "webrtc.streams", kStreams},
    {"rid", "webrtc.layers", kLayers},
    {"simulcast", "webrtc.layers", kLayers},
    {"imageattr", "webrtc.layers", kLayers},
    {"sctp-port", "webrtc.data", kData},
    {"sctpmap", "webrtc.data", kData},
    {"max-message-size", "webrtc.data", kData},
    {"rtpmap", "codec.policy", "the codecs are what both legs and the policy share"},
    {"fmtp", "codec.parameters", "parameters go with their codec"},
    {"ptime", "codec.ptime", kPacketTime},
    {"maxptime", "codec.ptime", kPacketTime},
    {"curr", "leg.resources", kResources},
    {"des", "leg.resources", kResources},
    {"conf", "leg.resources", kResources},
    {"direction", "leg.direction", "sendrecv is what no line means (RFC 8866 section 6.7)"},
}};

std::string NameOfLine(const Line& line) {
  const Attribute attribute = AttributeOf(line);
  if (line.type != 'a') return std::string(1, line.type) + "=";
  if (DirectionNamed(attribute.name)) return "direction";
  return std::string(attribute.name);
}

bool IsRepair(const Line& line) {
  constexpr std::array<std::string_view, 4> kNames = {" rtx/", " red/", " ulpfec/", " flexfec-03/"};
  return std::ranges::any_of(
      kNames, [&](std::string_view name) { return line.value.find(name) != std::string::npos; });
}

// Where one sentence does not fit all fates and directions.
std::optional<std::string_view> SpecialReason(std::string_view name, const Line& line, Fate fate,
                                              Towards towards) {
  if (fate == Fate::kKept) return "the same on both legs";
  if (name == "rtpmap" && fate == Fate::kDropped && IsRepair(line)) {
    return "retransmission and error correction end at the gateway (RFC 4588, 5109, 8627)";
  }
  if (name == "rtpmap" && fate == Fate::kDropped) {
    return "no codec of the policy, or the other leg did not choose it";
  }
  if (name == "rtpmap" && fate == Fate::kChanged) return "the codec has another number on this leg";
  if (name == "direction" && (fate != Fate::kDropped || towards == Towards::kBrowser)) {
    return "the direction is agreed leg by leg (RFC 3264 section 6.1)";
  }
  if (name == "fmtp" && fate == Fate::kDropped) return "its codec is not used on the other leg";
  return std::nullopt;
}

}  // namespace

Note ReasonFor(const Line& line, Fate fate, Towards towards) {
  const std::string name = NameOfLine(line);
  const auto* row = std::ranges::find(kReasons, name, &Reason::name);
  const bool known = row != kReasons.end();
  const auto special = SpecialReason(name, line, fate, towards);
  constexpr std::string_view kUnlisted = "only lines that the other leg's profile knows are sent";
  return {.rule = std::string(known ? row->rule : "profile.unlisted"),
          .reason = std::string(special ? *special
                                : known ? row->reason
                                        : kUnlisted)};
}

Note RefusedSectionReason() {
  return {.rule = "media.refused",
          .reason =
              "a call carries one audio section and, where both legs have it, one of video; other "
              "media is refused (RFC 3264 section 6)"};
}

}  // namespace lastmile::sdp
