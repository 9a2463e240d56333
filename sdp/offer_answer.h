#ifndef LASTMILE_SDP_OFFER_ANSWER_H_
#define LASTMILE_SDP_OFFER_ANSWER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "sdp/attributes.h"
#include "sdp/trunk_profile.h"

// Offer/answer (RFC 3264, RFC 8829) as the state of one leg. Text goes in and comes out, typed
// values are what the call sees. What a leg says is always built from its own state, never by
// editing what the other leg said. Pure. Thread: any, each object its owner's.
namespace lastmile::sdp {

// Why a description cannot be used, ready to be answered with.
struct Refusal {
  int sip_status = 488;  // 488 Not Acceptable Here; 400 for text that is not SDP
  std::string reason;    // a sentence with line and column where there is one
};

// RFC 3264 section 6.1: what an answerer may say to `offered` if it would like `wanted`.
Direction AnswerDirection(Direction offered, Direction wanted);

// A codec as one leg numbers it. `name` in the spelling of its registration ("PCMU", "opus",
// "telephone-event"); compared without case.
struct Codec {
  std::string name;
  uint32_t clock_rate = 8000;
  uint8_t channels = 1;
  uint8_t payload_type = 0;
  std::string fmtp;  // the parameters after the payload type; empty: none
  // Values of a=rtcp-fb (RFC 4585 section 4.2) of a video codec: of "nack", "nack pli", "ccm fir"
  // those that are there, others are not read. Written in video sections of an AVPF protocol.
  std::vector<std::string> feedback = {};

  bool is_telephone_event() const;
  // Of telephone-event: whether its list of events has this one (RFC 4733 section 2.4.1); without
  // a list, 0 to 15.
  bool TakesEvent(uint8_t event) const;
  // Name, clock rate and channels; and what two ends cannot agree on later: packetization mode and
  // profile of H264 (RFC 6184 section 8.2.2), profile of VP9 and AV1.
  bool SameFormat(const Codec& other) const;
  bool operator==(const Codec&) const = default;
};

// A video section that shares the transport of the audio (BUNDLE, RFC 9143) and that the gateway
// can carry. Codecs are VP8, VP9, H264, AV1; retransmission and error correction are not read.
struct BrowserVideo {
  Direction direction = Direction::kSendRecv;  // as the browser says it
  std::vector<Codec> codecs = {};              // its order; at least one
  bool operator==(const BrowserVideo&) const = default;
};

// a=rtcp-xr (RFC 3611 section 5): which extended reports of RTCP a party wants to be sent, and
// agrees to. Of its parameters those that the gateway knows.
struct RtcpXr {
  // rcvr-rtt: who answers times of receivers.
  enum class RoundTrip { kNone, kSenders, kAll };
  bool voip_metrics = false;
  RoundTrip round_trip = RoundTrip::kNone;
  bool operator==(const RtcpXr&) const = default;
};

// The audio section of a browser's description, and the first video section that can be used.
struct BrowserMedia {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Fingerprint> fingerprints;
  Setup setup = Setup::kActpass;
  Direction direction = Direction::kSendRecv;  // as the browser says it
  std::vector<Codec> codecs;                   // its order; telephone-event among them
  std::optional<uint16_t> ptime;               // ms
  std::optional<uint16_t> maxptime = {};       // ms
  std::optional<BrowserVideo> video = {};
  // Both ICE credentials differ from those of the browser's last description that counted (RFC 8839
  // section 4.4.1.1.1): the gateway shows new ones too. The DTLS association stays.
  bool ice_restart = false;
  // Of component 1 and UDP, with a literal address (RFC 8839 section 5.1); in its order.
  std::vector<Candidate> candidates = {};
  RtcpXr xr = {};  // what it is to be sent
  bool operator==(const BrowserMedia&) const = default;
};

// Numbered as the browser did in an answer; in an offer with numbers the audio does not use.
struct BrowserLocalVideo {
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs = {};  // at least one
};

struct BrowserLegSnapshot;  // of leg_snapshot.h
struct TrunkLegSnapshot;

// What the gateway offers or answers to a browser: what the media anchor opened.
struct BrowserLocalMedia {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Endpoint> candidates;  // UDP, best first; at least one
  Fingerprint fingerprint;
  Direction direction = Direction::kSendRecv;
  // Of the answer (numbered as the browser did) or of the offer; at least one.
  std::vector<Codec> codecs;
  std::optional<uint16_t> ptime;
  std::optional<uint16_t> maxptime = {};
  // Absent: the video is refused (port 0, not in the bundle) or not offered. Present: it has the
  // audio's transport. Not said where the browser offered none or does not bundle.
  std::optional<BrowserLocalVideo> video = {};
  std::vector<Endpoint> tcp_candidates = {};  // passive (RFC 6544), behind the others
  // Not empty: a full ICE agent, not ICE-lite. These are written as they are instead of those
  // above.
  std::vector<Candidate> gathered = {};
};

// The browser's side of the call. Keeps m-line count, order and mids, the gateway's DTLS role and
// o= id and version for the life of the call: the SDP of 183 and 200 is the same but for what the
// trunk changed. The gateway answers a=setup:passive (it is the DTLS server) unless the browser is
// passive itself.
class BrowserLeg {
 public:
  explicit BrowserLeg(uint64_t session_id);  // o= line; unpredictable
  explicit BrowserLeg(const BrowserLegSnapshot& snapshot);
  ~BrowserLeg();
  BrowserLeg(BrowserLeg&&) noexcept;
  BrowserLeg& operator=(BrowserLeg&&) noexcept;

  // Outbound call, re-offer. Refused without an audio section that has ICE credentials, a
  // fingerprint, rtcp-mux and at least one codec; if only one of the ICE credentials is new; if a
  // living DTLS association would change its roles. Video that cannot be used refuses nothing.
  Result<BrowserMedia, Refusal> TakeOffer(std::string_view text);
  // After TakeOffer. Every m-line of the offer has its m-line: the audio answered, the video as
  // `local` says, the others rejected with port 0. Bytes are equal for equal `local`.
  std::string BuildAnswer(const BrowserLocalMedia& local);

  // Inbound call, or the peer's INVITE had no offer: BUNDLE, rtcp-mux, a=setup:actpass,
  // one audio section. Video gets an m-line behind the others that stays for life, with port 0 when
  // a later offer has no video.
  std::string BuildOffer(const BrowserLocalMedia& local);
  // After BuildOffer. Refused too if the answer rejects audio or keeps none of the codecs.
  Result<BrowserMedia, Refusal> TakeAnswer(std::string_view text);

  // The gateway's DTLS role, fixed once known (RFC 8842): true = server (a=setup:passive).
  bool gateway_is_dtls_server() const;

  // Of a leg that has been offered or has answered something.
  BrowserLegSnapshot Snapshot() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a carrier's offer says of resources that have to be reserved first (RFC 3312).
struct TrunkResources {
  bool pending = false;         // nobody may be rung yet: the carrier will say when it is ready
  std::string impossible = {};  // not empty: what is demanded cannot be had; a sentence, for 580
  bool operator==(const TrunkResources&) const = default;
};

// A video section of a carrier that the gateway can carry; see TrunkMedia.
struct TrunkVideo {
  Endpoint rtp;
  Endpoint rtcp;
  bool held = false;
  bool rtcp_mux = false;
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs = {};  // at least one
  std::optional<Crypto> crypto = {};
  bool operator==(const TrunkVideo&) const = default;
};

// The audio section of a carrier's description, and the first video section that can be used.
struct TrunkMedia {
  Endpoint rtp;       // address 0.0.0.0 or port 0 never appear here: see `held`
  Endpoint rtcp;      // a=rtcp, or the port after RTP's
  bool held = false;  // c=0.0.0.0: an old way of a=sendonly/inactive; rtp is unset
  Direction direction = Direction::kSendRecv;  // as the carrier says it
  std::vector<Codec> codecs;                   // with the carrier's numbers: what it receives with
  std::optional<uint16_t> ptime;
  std::optional<uint16_t> maxptime = {};
  // RTCP shares RTP's port (RFC 5761), and `rtcp` is `rtp`: the carrier took what the gateway
  // offered, or it offers it and the profile has `rtcp_mux`.
  bool rtcp_mux = false;
  // The carrier's key (RFC 4568): it is SRTP that is received and sent. Of an offer, the first
  // a=crypto with a suite and parameters the gateway knows.
  std::optional<Crypto> crypto = {};
  std::optional<TrunkVideo> video = {};
  TrunkResources resources = {};  // of an offer, for its sections in use
  RtcpXr xr = {};                 // what it is to be sent
  bool operator==(const TrunkMedia&) const = default;
};

struct TrunkLocalVideo {
  Endpoint rtp;
  Endpoint rtcp;
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs = {};   // at least one
  std::vector<Crypto> crypto = {};  // as in TrunkLocalMedia; the section's own keys
};

struct TrunkLocalMedia {
  Endpoint rtp;
  Endpoint rtcp;  // a=rtcp is written only if it is not the port after RTP's
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs;      // at least one
  std::optional<uint16_t> ptime;  // written if present
  std::optional<uint16_t> maxptime = {};
  // a=rtcp-mux in all sections of an offer; in an answer where it was offered.
  bool rtcp_mux = false;
  // What an offer says of resources is answered: the gateway's are there. Else it says nothing of
  // them, as who does not know RFC 3312.
  bool resources = false;
  // Not empty: SRTP. An offer has all of them, best first, and is RTP/SAVP unless the profile says
  // that SRTP is optional; the answer to a section whose key was read (TrunkMedia::crypto) has the
  // one of the carrier's suite, with the carrier's tag. Such a section is rejected if none fits.
  std::vector<Crypto> crypto = {};
  // Absent: the video is refused (port 0) or not offered.
  std::optional<TrunkLocalVideo> video = {};
};

// The carrier's side: RTP/AVP or RTP/SAVP, smallest valid SDP (audio with G.711 and telephone-event
// fits in 230 bytes), nothing of WebRTC.
class TrunkLeg {
 public:
  explicit TrunkLeg(uint64_t session_id);
  explicit TrunkLeg(const TrunkLegSnapshot& snapshot);  // its profile has to be set
  ~TrunkLeg();
  TrunkLeg(TrunkLeg&&) noexcept;
  TrunkLeg& operator=(TrunkLeg&&) noexcept;

  // Outbound call, or the peer's INVITE had no offer. Video gets an m-line behind the others that
  // stays for life, with port 0 when a later offer has no video. Its protocol is AVPF if a codec
  // has feedback.
  std::string BuildOffer(const TrunkLocalMedia& local);
  // Refused if audio is rejected, no offered codec is left, or SRTP was offered and is not taken
  // (unless the profile says that it is optional and no a=crypto came back).
  Result<TrunkMedia, Refusal> TakeAnswer(std::string_view text);

  // Inbound call, re-offer. Refused without an audio section with an address that is RTP/AVP or
  // RTP/AVPF or, if the profile takes SRTP, RTP/SAVP or RTP/SAVPF with a=crypto of its suites.
  // Where SRTP is required, a section without such a key is refused, too.
  Result<TrunkMedia, Refusal> TakeOffer(std::string_view text);
  // After TakeOffer: every m-line answered, all but audio and video with port 0.
  std::string BuildAnswer(const TrunkLocalMedia& local);

  // Holds for what is built from then on. Codecs that the budget or a rule takes out of an offer
  // are not accepted in its answer.
  void SetProfile(TrunkProfile profile);
  // How the last offer or answer came about: size, whether it fits the budget, edits. Input of
  // Explain(). Valid until the next Build call.
  const TrunkBuild& last_build() const;
  // The codecs of the last description this leg built, after rules and budget, as numbered there:
  // what the carrier sends with (RFC 3264 section 5.1). Empty: nothing built, or no video in it.
  const std::vector<Codec>& said() const;
  const std::vector<Codec>& said_video() const;

  // An offer of either side was answered.
  bool is_settled() const;
  // Of a leg that is settled.
  TrunkLegSnapshot Snapshot() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// --- codec agreement (no transcoding: both legs carry the same codec) ---

// The codecs of `policy` (names in our order of preference: "PCMU", "opus"; for a video section
// "VP8", "H264") that `remote` has, numbered for an offer to the other leg: static payload types of
// RFC 3551 where they exist, else audio from 96 to 111 and video from 112 on, so that both fit into
// one bundle. telephone-event at the clock rate of each chosen audio codec, at 8000 Hz as 101,
// whatever `remote` has. Of a video codec every variant that `remote` has, those that all ends
// know first. Empty: nothing in common.
std::vector<Codec> CodecsForOffer(const std::vector<Codec>& remote,
                                  const std::vector<std::string>& policy);

// The same where the remote has not said what it knows: all that `policy` names.
std::vector<Codec> CodecsOfPolicy(const std::vector<std::string>& policy);

// The part of `mine` that `theirs` shares, in the order of `theirs` and with the payload types of
// `mine`: what to answer on one leg after the other leg chose. telephone-event is kept at the clock
// rates of that audio, else the first one, also if `theirs` has none.
std::vector<Codec> CommonCodecs(const std::vector<Codec>& mine, const std::vector<Codec>& theirs);

inline constexpr uint8_t kNoPayloadType = 255;

// Every codec both legs agreed on with its number on each leg. telephone-event is paired at equal
// clock rate where both have it, else with one of another clock rate, else with kNoPayloadType.
struct CodecPair {
  Codec browser;
  Codec trunk;          // with the carrier's number: the gateway sends with it
  Codec trunk_in = {};  // with the gateway's number: the carrier sends with it
};
// The carrier numbers as the gateway does: trunk_in is trunk.
std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk);
// `trunk_theirs`: what the carrier said (TrunkMedia::codecs); `trunk_ours`: TrunkLeg::said().
std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk_theirs,
                                  const std::vector<Codec>& trunk_ours);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_OFFER_ANSWER_H_
