#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/call/call.h"
#include "gateway/call/codec_plan.h"
#include "gateway/call/dtmf.h"
#include "gateway/call/media_plan.h"

// Digits pressed in a call: INFO is answered on its own leg at once, the digit goes on in the way
// that the other leg understands. Digits are PINs and card numbers: none is ever logged.
namespace lastmile::call {
namespace {

// RFC 4733 section 2.4.1: without a list, what everybody takes are events 0 to 15.
bool TakesFlash(const std::vector<sdp::Codec>& codecs) {
  return std::ranges::any_of(codecs, [](const sdp::Codec& codec) {
    return codec.is_telephone_event() && codec.TakesEvent(media::kFlash);
  });
}

std::string_view ToString(DigitWay way) {
  switch (way) {
    case DigitWay::kEvents:
      return "telephone-event";
    case DigitWay::kTones:
      return "tones in the audio";
    case DigitWay::kInfo:
      return "INFO";
  }
  return "";
}

}  // namespace

bool Call::HasAudio() const {
  return state_ == CallState::kAnswered || state_ == CallState::kConnected ||
         (state_ == CallState::kCalling && caller_has_sdp_ && !answer_.empty());
}

void Call::OnInfo(const InfoReceived& info, TimePoint now, Outputs& out) {
  if (state_ == CallState::kEnded) return;
  const std::string_view why_not =
      HasAudio() ? "" : "the call has no audio yet that a digit could go into";
  const bool is_over = state_ == CallState::kClosing;
  auto [answer, digit] = TakeInfo(info, is_over, why_not, PaceOf(info.party), now);
  out.push_back(std::move(answer));
  if (digit) PassDigitOn(info.party, *digit, out);
}

void Call::OnDigitHeard(const DigitHeard& heard, TimePoint now, Outputs& out) {
  const bool caller = heard.from_browser == IsBrowser(Party::kCaller);
  const Party from = caller ? Party::kCaller : Party::kCallee;
  const Digit digit{heard.event, kUsualDigit};
  if (!HasAudio() || heard.event > media::kFlash) return;
  if (!PaceOf(from).Take(digit, now)) {
    spdlog::warn("call={} leg={} a digit is dropped: {} wait already", id_.value,
                 heard.from_browser ? "browser" : "trunk", DigitPace::kMaxWaiting);
    return;
  }
  PassDigitOn(from, digit, out);
}

DigitPace& Call::PaceOf(Party from) {
  return from == Party::kCaller ? caller_digits_ : callee_digits_;
}

void Call::PassDigitOn(Party from, const Digit& digit, Outputs& out) {
  const Party to = Other(from);
  // Pages see digits that come only as INFO (J14).
  const DigitWay way = IsBrowser(to) ? DigitWay::kInfo : WayToTrunk(digit.event);
  if (way == DigitWay::kInfo) {
    if (to == TrunkParty() && TrunkIsAlone()) return;
    out.push_back(SendInfo{to, kDtmfRelay, ToDtmfRelay(digit)});
    return;
  }
  out.push_back(media::MediaCommand{media::SendDigit{.session = session_,
                                                     .event = digit.event,
                                                     .duration = digit.duration,
                                                     .tones = way == DigitWay::kTones}});
}

DigitWay Call::WayToTrunk(uint8_t event) {
  const std::vector<media::PayloadMapping> payloads = Payloads();
  const bool events = std::ranges::any_of(payloads, [](const media::PayloadMapping& mapping) {
    return mapping.telephone_event && mapping.trunk_pt != media::kNoPayloadType;
  });
  const bool g711 = HasG711(payloads, media::MediaLeg::kTrunk);
  if (event == media::kFlash) {
    return events && TakesFlash(trunk_.codecs) ? DigitWay::kEvents : DigitWay::kInfo;
  }
  const DtmfMode mode = settings_.trunk.dtmf;
  const DigitWay way = events                             ? DigitWay::kEvents
                       : mode == DtmfMode::kInfo || !g711 ? DigitWay::kInfo
                                                          : DigitWay::kTones;
  if (way != told_way_) {
    told_way_ = way;
    const bool missing = mode == DtmfMode::kRfc4733 && !events;
    spdlog::info("call={} leg=trunk digits go as {}{}", id_.value, ToString(way),
                 missing                              ? ": the trunk has no telephone-event"
                 : mode == DtmfMode::kInband && !g711 ? ": no G.711 to put tones into"
                                                      : "");
  }
  return way;
}

void Call::SetTrunkMedia(sdp::TrunkMedia media) {
  trunk_ = std::move(media);
  KeepEventsIf(settings_.trunk.dtmf == DtmfMode::kRfc4733, trunk_.codecs);
}

}  // namespace lastmile::call
