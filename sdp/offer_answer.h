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

  bool is_telephone_event() const;
  bool SameFormat(const Codec& other) const;  // name, clock rate and channels
  bool operator==(const Codec&) const = default;
};

// The audio section of a browser's description.
struct BrowserMedia {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Fingerprint> fingerprints;
  Setup setup = Setup::kActpass;
  Direction direction = Direction::kSendRecv;  // as the browser says it
  std::vector<Codec> codecs;                   // its order; telephone-event among them
  std::optional<uint16_t> ptime;               // ms
};

// What the gateway offers or answers to a browser: what the media anchor opened.
struct BrowserLocalMedia {
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<Endpoint> candidates;  // best first; at least one
  Fingerprint fingerprint;
  Direction direction = Direction::kSendRecv;
  // Of the answer (numbered as the browser did) or of the offer; at least one.
  std::vector<Codec> codecs;
  std::optional<uint16_t> ptime;
};

// The browser's side of the call. Keeps m-line count, order and mids, the gateway's DTLS role and
// o= id and version for the life of the call: the SDP of 183 and 200 is the same but for what the
// trunk changed. The gateway answers a=setup:passive (it is the DTLS server) unless the browser is
// passive itself.
class BrowserLeg {
 public:
  explicit BrowserLeg(uint64_t session_id);  // o= line; unpredictable
  ~BrowserLeg();
  BrowserLeg(BrowserLeg&&) noexcept;
  BrowserLeg& operator=(BrowserLeg&&) noexcept;

  // Outbound call, re-offer. Refused without an audio section that has ICE credentials, a
  // fingerprint, rtcp-mux and at least one codec.
  Result<BrowserMedia, Refusal> TakeOffer(std::string_view text);
  // After TakeOffer. Every m-line of the offer has its m-line: the audio answered, the others
  // rejected with port 0. Bytes are equal for equal `local`.
  std::string BuildAnswer(const BrowserLocalMedia& local);

  // Inbound call: ICE-lite, BUNDLE, rtcp-mux, a=setup:actpass, one audio section.
  std::string BuildOffer(const BrowserLocalMedia& local);
  // After BuildOffer. Refused too if the answer rejects audio or keeps none of the codecs.
  Result<BrowserMedia, Refusal> TakeAnswer(std::string_view text);

  // The gateway's DTLS role, fixed once known (RFC 8842): true = server (a=setup:passive).
  bool gateway_is_dtls_server() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The audio section of a carrier's description.
struct TrunkMedia {
  Endpoint rtp;       // address 0.0.0.0 or port 0 never appear here: see `held`
  Endpoint rtcp;      // a=rtcp, or the port after RTP's
  bool held = false;  // c=0.0.0.0: an old way of a=sendonly/inactive; rtp is unset
  Direction direction = Direction::kSendRecv;  // as the carrier says it
  std::vector<Codec> codecs;
  std::optional<uint16_t> ptime;
};

struct TrunkLocalMedia {
  Endpoint rtp;
  Endpoint rtcp;  // a=rtcp is written only if it is not the port after RTP's
  Direction direction = Direction::kSendRecv;
  std::vector<Codec> codecs;      // at least one
  std::optional<uint16_t> ptime;  // written if present
};

// The carrier's side: plain RTP/AVP, smallest valid SDP (audio with G.711 and telephone-event fits
// in 230 bytes), nothing of WebRTC.
class TrunkLeg {
 public:
  explicit TrunkLeg(uint64_t session_id);
  ~TrunkLeg();
  TrunkLeg(TrunkLeg&&) noexcept;
  TrunkLeg& operator=(TrunkLeg&&) noexcept;

  // Outbound call.
  std::string BuildOffer(const TrunkLocalMedia& local);
  // Refused if audio is rejected or no offered codec is left.
  Result<TrunkMedia, Refusal> TakeAnswer(std::string_view text);

  // Inbound call, re-offer. Refused without an RTP/AVP or RTP/AVPF audio section with an address.
  Result<TrunkMedia, Refusal> TakeOffer(std::string_view text);
  // After TakeOffer: every m-line answered, all but the audio with port 0.
  std::string BuildAnswer(const TrunkLocalMedia& local);

  // Holds for what is built from then on. Codecs that the budget or a rule takes out of an offer
  // are not accepted in its answer.
  void SetProfile(TrunkProfile profile);
  // How the last offer or answer came about: size, whether it fits the budget, edits. Input of
  // Explain(). Valid until the next Build call.
  const TrunkBuild& last_build() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// --- codec agreement (no transcoding: both legs carry the same codec) ---

// The codecs of `policy` (names in our order of preference: "PCMU", "PCMA", "G722", "opus") that
// `remote` has, numbered for an offer to the other leg: static payload types of RFC 3551 where they
// exist, dynamic ones from 96 otherwise, telephone-event/8000 as 101 if `remote` has one at the
// clock rate of a chosen codec. Empty: nothing in common.
std::vector<Codec> CodecsForOffer(const std::vector<Codec>& remote,
                                  const std::vector<std::string>& policy);

// The part of `mine` that `theirs` shares, in the order of `theirs` and with the payload types of
// `mine`: what to answer on one leg after the other leg chose.
std::vector<Codec> CommonCodecs(const std::vector<Codec>& mine, const std::vector<Codec>& theirs);

// Every codec both legs agreed on with its number on each leg; telephone-event is paired at equal
// clock rate.
struct CodecPair {
  Codec browser;
  Codec trunk;
};
std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_OFFER_ANSWER_H_
