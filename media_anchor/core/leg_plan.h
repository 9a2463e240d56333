#ifndef LASTMILE_MEDIA_ANCHOR_CORE_LEG_PLAN_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_LEG_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "media_anchor/core/audio_codec.h"
#include "media_anchor/core/srtp/srtp.h"

// The values that cross between signalling and media: commands one way, events the other. Plain
// data that could be written to a socket, so that media can move to a process of its own.
// Thread: any.
namespace lastmile::media {

struct SessionTag;
// One media session: a browser leg and a trunk leg, or two trunk legs (a bridge), with a relay
// between them. Chosen by signalling.
using SessionId = StrongId<SessionTag>;

// The gateway's side of the DTLS association (RFC 5763): a=setup:passive is kServer.
enum class DtlsRole { kServer, kClient };

// a=fingerprint (RFC 8122) as values: `hash` in lower case ("sha-256"), `digest` its bytes.
struct DtlsFingerprint {
  std::string hash;
  Bytes digest;
  bool operator==(const DtlsFingerprint&) const = default;
};

// One side's ufrag and password of ICE (RFC 8445 section 5.3).
struct IceCredentials {
  std::string ufrag;
  std::string pwd;
  bool operator==(const IceCredentials&) const = default;
};

// Where one side's ICE may be reached over UDP (RFC 8445 section 5.3), for component 1 (rtcp-mux).
struct IceCandidate {
  enum class Type { kHost, kServerReflexive, kPeerReflexive, kRelayed };
  Type type = Type::kHost;
  Endpoint at;
  uint32_t priority = 0;
  std::string foundation;
  std::optional<Endpoint> related = std::nullopt;  // raddr and rport; kHost has none
  bool operator==(const IceCandidate&) const = default;
};

// Which extended reports (RFC 3611 section 5) are sent with those of a leg's audio: what the peer
// asked for in its SDP.
struct XrPlan {
  // Who tells how long the way to it is: nobody, who sends media, or everybody.
  enum class RoundTrip { kNone, kSenders, kAll };
  bool voip_metrics = false;  // how its stream fares
  RoundTrip round_trip = RoundTrip::kNone;
  bool operator==(const XrPlan&) const = default;
};

// What the browser said in its SDP. Only full ICE looks at its candidates, and needs none: an
// ICE-lite agent answers checks and learns the pair from them (RFC 8445 section 6.2).
struct BrowserRemote {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<DtlsFingerprint> fingerprints;  // one of them must match the certificate (RFC 8122 5)
  DtlsRole gateway_role = DtlsRole::kServer;
  std::vector<IceCandidate> candidates = {};  // those that are an address, in its order
  XrPlan xr = {};
};

// SRTP of one media section with keys from SDP (RFC 4568): ours for what is sent, the trunk's for
// what is received. Of one profile.
struct StreamKeys {
  SrtpKeys send;
  SrtpKeys receive;
  bool operator==(const StreamKeys&) const = default;
};

// Where the trunk takes one media section of its SDP.
struct TrunkStream {
  Endpoint rtp;
  Endpoint rtcp;
  bool rtcp_mux = false;  // RTCP goes to `rtp`, from our RTP port (RFC 5761)
  std::optional<StreamKeys> srtp = std::nullopt;  // nothing: plain RTP
  bool operator==(const TrunkStream&) const = default;
};

// What the trunk said in its SDP: its audio and, if it takes video, where.
struct TrunkRemote {
  Endpoint rtp;
  Endpoint rtcp;
  // The trunk is configured `nat: true`: who sends RTP may replace rtp/rtcp, of audio and of video
  // each for itself. Who may is SourceLatch's matter.
  bool latch = false;
  bool rtcp_mux = false;                          // as in TrunkStream
  std::optional<StreamKeys> srtp = std::nullopt;  // the same, of the audio
  // Nothing: the trunk takes no video (any more).
  std::optional<TrunkStream> video = std::nullopt;
  // Where the SDP came from, if that is known: with `latch`, RTP from there is believed, too.
  std::optional<IpAddress> signalled_from = std::nullopt;
  XrPlan xr = {};
};

inline constexpr uint8_t kNoPayloadType = 255;

// Audio that is decoded and encoded anew, because its two sides have different codecs.
struct Recoding {
  AudioCodec browser = AudioCodec::kOpus;
  AudioCodec trunk = AudioCodec::kPcmu;
  Duration browser_ptime = 20ms;  // of what is sent to that side
  Duration trunk_ptime = 20ms;
  bool operator==(const Recoding&) const = default;
};

// One payload type as each side numbers it. A packet whose type is in no mapping is dropped. The
// browser's numbers are the same in both directions and those of audio and video are distinct: they
// share a transport (RFC 9143 section 9.1). The trunk may want another number than it sends (RFC
// 3264 section 5.1), and its audio and video may use the same ones. Of several mappings of one
// number the first counts. telephone-event may be missing on one side (kNoPayloadType): digits of
// the other side are then not relayed but reported by DigitHeard.
struct PayloadMapping {
  uint8_t browser_pt = 0;
  uint8_t trunk_pt = 0;        // sent to the trunk
  uint8_t trunk_pt_in = 0;     // received from the trunk
  uint32_t clock_rate = 8000;  // Hz
  bool telephone_event = false;
  bool video = false;
  uint32_t trunk_clock_rate = 0;  // Hz, of telephone_event if the trunk's is another; 0: it is not
  // Of both sides; nothing: another one, or `recoding` has them.
  std::optional<AudioCodec> codec = std::nullopt;
  // Nothing: both sides have the same codec. Else the clock rates are those of the two codecs.
  std::optional<Recoding> recoding = std::nullopt;
  // Of a bridge: its first trunk is in the browser's place, and this is received from it if that is
  // another number than `browser_pt`.
  std::optional<uint8_t> browser_pt_in = std::nullopt;
  bool operator==(const PayloadMapping&) const = default;
};

// What the anchor opened for the browser leg and what the SDP to the browser has to say.
struct BrowserLocal {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Endpoint> candidates;  // host candidates, component 1 (rtcp-mux), best first
  DtlsFingerprint fingerprint;       // of the process's certificate
  // The same over TCP, passive (RFC 6544); empty: the anchor listens on no TCP port.
  std::vector<Endpoint> tcp_candidates = {};
  // Not empty: full ICE, whose candidates are these instead of those above.
  std::vector<IceCandidate> gathered = {};
  bool operator==(const BrowserLocal&) const = default;
};

struct TrunkPorts {
  Endpoint rtp;
  Endpoint rtcp;
  bool operator==(const TrunkPorts&) const = default;
};

struct TrunkLocal {
  Endpoint rtp;
  Endpoint rtcp;
  std::optional<TrunkPorts> video = std::nullopt;  // if it was asked for
  bool operator==(const TrunkLocal&) const = default;
};

// --- commands, signalling to media ---

// Opens sockets and credentials for both legs. What is not known yet (the trunk's side of an
// outbound call, the browser's of an inbound one) comes later by UpdateSession.
struct OpenSession {
  SessionId session;
  std::optional<BrowserRemote> browser;
  std::optional<TrunkRemote> trunk;
  std::vector<PayloadMapping> payloads;
  bool video = false;  // opens a pair of trunk ports for video, too
};
// Replaces what is present; absent parts stay as they are. Keys, ROC and ports are kept.
struct UpdateSession {
  SessionId session;
  std::optional<BrowserRemote> browser;
  std::optional<TrunkRemote> trunk;
  std::optional<std::vector<PayloadMapping>> payloads;
  // True: opens the trunk ports of video before anything else of this command (what `trunk` and
  // `payloads` said of video while they were closed does not count), answered by VideoOpened or
  // VideoRefused (also if they are open). False: closes them, answered by nothing.
  std::optional<bool> video = std::nullopt;
  // New credentials of ours, an ICE restart (RFC 8445 section 9). The old ones hold and media stays
  // on the old pair until the browser nominates a pair with the new ones. DTLS and SRTP go on.
  std::optional<IceCredentials> restart = std::nullopt;
};
// A bridge: audio between two trunk legs, each with a pair of ports. Answered by BridgeOpened or
// SessionFailed. CloseSession, SendDigit and the events of sessions are a bridge's, too.
struct OpenBridge {
  SessionId session;
  std::optional<TrunkRemote> first = std::nullopt;  // their video does not count
  std::optional<TrunkRemote> second = std::nullopt;
  std::vector<PayloadMapping> payloads = {};
};
// Replaces what is present, as UpdateSession.
struct UpdateBridge {
  SessionId session;
  std::optional<TrunkRemote> first = std::nullopt;
  std::optional<TrunkRemote> second = std::nullopt;
  std::optional<std::vector<PayloadMapping>> payloads = std::nullopt;
};
struct CloseSession {
  SessionId session;
};
// A digit for the trunk, behind those that are being sent. It takes the place of the browser's
// audio: as telephone-event (RFC 4733) of the same source, or as tones if `tones` is set or no
// telephone-event is mapped. Nothing is sent if neither is.
struct SendDigit {
  SessionId session;
  uint8_t event = 0;      // RFC 4733 section 3.2: 0 to 9, 10 *, 11 #, 12 to 15 A to D, 16 flash
  Duration duration{};    // taken as kMinDigit at least and kMaxDigit at most
  bool tones = false;     // in a G.711 codec of the session; a flash has none
  bool to_first = false;  // of a bridge: for its first trunk, else for its second
};
// Which audio is to flow, as signalling knows it: what is silent although it should not be is told
// by DirectionSilent. Of a bridge the first trunk is in the browser's place.
enum class MediaWatch {
  kNothing,        // none, or nobody knows
  kEarly,          // before the answer: there may be none, but what comes has to get through
  kTalk,           // both directions
  kHeldByBrowser,  // its SDP takes or sends none
  kHeldByTrunk,
};
// Of a session and of a bridge.
struct WatchMedia {
  SessionId session;
  MediaWatch watch = MediaWatch::kNothing;
};
using MediaCommand = std::variant<OpenSession, UpdateSession, OpenBridge, UpdateBridge,
                                  CloseSession, SendDigit, WatchMedia>;
// Whether it opens a session: if it cannot be carried out, there is none.
inline bool IsOpening(const MediaCommand& command) {
  return std::holds_alternative<OpenSession>(command) ||
         std::holds_alternative<OpenBridge>(command);
}

inline constexpr uint8_t kFlash = 16;  // the event (RFC 4733 section 3.2, RFC 4734)
inline constexpr Duration kMinDigit = 40ms;
inline constexpr Duration kMaxDigit = 6000ms;
// Between the end of a digit and the next one. No administration asks for more (ITU-T Q.24 annex).
inline constexpr Duration kDigitGap = 80ms;
inline constexpr Duration kDigitPeriod = 20ms;  // of its packets; a digit is a whole number of them
// A session holds so many digits that are not sent yet; more are dropped.
inline constexpr size_t kMaxDigits = 40;

// --- events, media to signalling ---

struct SessionOpened {
  SessionId session;
  BrowserLocal browser;
  TrunkLocal trunk;
};
struct BridgeOpened {
  SessionId session;
  TrunkPorts first;
  TrunkPorts second;
};
struct VideoOpened {
  SessionId session;
  TrunkPorts ports;
};
// No pair of ports was free for video in mid-call; the rest of the session goes on.
struct VideoRefused {
  SessionId session;
  std::string reason;
};
// ICE is nominated, DTLS is done and the certificate matched: media can flow to the browser. Said
// once a session.
struct BrowserConnected {
  SessionId session;
};
enum class SessionFault {
  kNoPort,               // not enough trunk port pairs are free: the session was not opened
  kFingerprintMismatch,  // the browser's certificate is not the one of its SDP
  kDtlsFailed,           // the handshake ended with an alert or ran out of time
  kBrowserGone,          // it never reached the gateway by ICE
  kTrunkGone,            // nothing came of it for the set time, neither audio nor a report
};
// The session does not work (any more). Signalling decides what becomes of the call and still owes
// CloseSession, also after kNoPort.
struct SessionFailed {
  SessionId session;
  SessionFault fault;
  std::string reason;  // a sentence for the log and the BYE
};
// No consent check and no SRTP of the browser for the set time: nothing is sent to it any more (RFC
// 7675 section 5.1). The session stays as it is, for an ICE restart or a path that comes back.
struct BrowserSilent {
  SessionId session;
  std::string reason;  // a sentence
};
// It is heard again, on whatever path.
struct BrowserHeard {
  SessionId session;
};
// A digit that came as telephone-event and that the other side has no type for. Said once a digit,
// at its start, and never more often than every kMinDigit.
struct DigitHeard {
  SessionId session;
  bool from_browser = true;  // of a bridge: from its first trunk
  uint8_t event = 0;
};
// Why a direction is silent.
enum class SilenceCause {
  kOnHold,            // no fault
  kNothingReceived,   // the leg sends nothing, or nothing of it arrives
  kWrongSource,       // it comes from another address than the leg's
  kWrongPayloadType,  // with a type that is in no mapping
  kNotAuthentic,      // SRTP that does not authenticate with the keys
  kUnusable,          // no RTP, or nothing but packets that were relayed before
  kNoIce,             // no check of the browser arrived
  kNoNomination,      // it checks, and nominates no pair
  kNoConsent,         // it sends no checks any more (RFC 7675)
  kDtlsUnfinished,
  kDtlsFailed,
  kWrongFingerprint,  // its certificate is not the one of its SDP
};
inline constexpr size_t kSilenceCauses = 12;
enum class MediaLeg { kBrowser, kTrunk };  // of a bridge: its first trunk, its second

// The audio in one direction, to the browser or to the trunk, has been silent for kSilentLooks
// looks, or the cause is another one now. Said once until then, or until DirectionFlows.
struct DirectionSilent {
  SessionId session;
  bool to_browser = false;
  MediaLeg leg = MediaLeg::kTrunk;  // where the cause is
  SilenceCause cause = SilenceCause::kNothingReceived;
  uint64_t refused = 0;      // packets of that cause, up to now; of kUnusable any
  Endpoint source = {};      // of kWrongSource: the last one's
  uint8_t payload_type = 0;  // of kWrongPayloadType: the last one's
};
// It was silent, and flows.
struct DirectionFlows {
  SessionId session;
  bool to_browser = false;
};
struct DirectionStats {
  uint64_t packets = 0;  // relayed
  uint64_t bytes = 0;    // RTP payload bytes relayed
  uint64_t dropped = 0;  // arrived and not relayed, for any cause
  // Of those: more than twice as fast as it is to be played, see MediaPace.
  uint64_t too_fast = 0;
};
// How one stream of audio gets from the gateway to a leg, or from a leg to the gateway.
struct StreamQuality {
  uint64_t packets = 0;                      // received, or sent
  uint64_t lost = 0;                         // on that way
  double loss = 0;                           // their share of what was to arrive, 0 to 1
  double worst_loss = 0;                     // the same of the worst five seconds
  Duration jitter{};                         // RFC 3550 section 6.4.1, on average
  std::optional<double> mos = std::nullopt;  // ITU-T G.107; nothing: the codec is not known
  bool operator==(const StreamQuality&) const = default;
};
// What a leg says itself of how its users hear what it was sent (RFC 3611 section 4.7).
struct HeardQuality {
  double loss = 0;                              // shares of all that was sent, 0 to 1
  double discarded = 0;                         // by its jitter buffer
  std::optional<int> rating = std::nullopt;     // R of G.107
  std::optional<double> mos_lq = std::nullopt;  // of listening
  std::optional<double> mos_cq = std::nullopt;  // of conversing, with the delay
  Duration buffer{};                            // the jitter buffer's nominal delay
  bool operator==(const HeardQuality&) const = default;
};
struct LegQuality {
  std::optional<StreamQuality> received = std::nullopt;  // of the leg; nothing: it sent nothing
  std::optional<StreamQuality> sent = std::nullopt;      // to the leg; nothing: it reports nothing
  std::optional<Duration> rtt = std::nullopt;        // to the leg and back, on average; the same
  std::optional<HeardQuality> heard = std::nullopt;  // the last it said; nothing: it says no such
  uint64_t malformed_xr = 0;                         // reports whose extended part was malformed
  bool operator==(const LegQuality&) const = default;
};
// Audio, and video for itself. What was no valid packet of any kind counts as audio. Of a bridge
// the first trunk is in the browser's place.
struct SessionStats {
  DirectionStats browser_to_trunk;
  DirectionStats trunk_to_browser;
  DirectionStats video_browser_to_trunk{};
  DirectionStats video_trunk_to_browser{};
  LegQuality browser{};
  LegQuality trunk{};
};
// The last event of a session; its ports are free.
struct SessionClosed {
  SessionId session;
  SessionStats stats;
};
using MediaEvent = std::variant<SessionOpened, BridgeOpened, BrowserConnected, SessionFailed,
                                SessionClosed, VideoOpened, VideoRefused, BrowserSilent,
                                BrowserHeard, DigitHeard, DirectionSilent, DirectionFlows>;

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_LEG_PLAN_H_
