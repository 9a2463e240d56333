#include <utility>

#include "base/log.h"
#include "gateway/call/call.h"
#include "gateway/call/codec_plan.h"
#include "gateway/call/media_plan.h"

// What the parties of a call are offered and answered: values of one leg become values of the
// other, and of the media session between them.
namespace lastmile::call {

std::optional<sdp::Refusal> Call::TakeCallerOffer(const std::string& offer, Outputs& out) {
  summary_.sdp.offer_in = offer.size();
  if (offer.empty()) {
    OfferBoth(out);
    return std::nullopt;
  }
  media::OpenSession open{.session = session_};
  if (IsBrowser(Party::kCaller)) {
    auto media = browser_leg_.TakeOffer(offer);
    if (!media) return media.error();
    browser_ = *std::move(media);
    ChooseForTrunk();
    open.browser = ToBrowserRemote(browser_, browser_leg_.gateway_is_dtls_server());
  } else {
    auto media = trunk_leg_.TakeOffer(offer);
    if (!media) return media.error();
    if (auto refusal = CheckResources(*media)) return refusal;
    SetTrunkMedia(*std::move(media));
    ChooseForBrowser();
    open.trunk = TrunkRemote();
  }
  if (trunk_.codecs.empty() || browser_.codecs.empty()) {
    const auto& offered = IsBrowser(Party::kCaller) ? browser_.codecs : trunk_.codecs;
    return sdp::Refusal{.sip_status = 488,
                        .reason = "no codec in common: offered " + CodecNames(offered)};
  }
  open.video = CarriesVideo();
  out.push_back(media::MediaCommand{std::move(open)});
  return std::nullopt;
}

void Call::ChooseForTrunk() {
  sdp::TrunkMedia wanted;
  wanted.codecs = OfferToTrunk(browser_.codecs, settings_.trunk.codecs, settings_.trunk.transcode);
  SetTrunkMedia(std::move(wanted));
  if (!browser_.video) return;
  auto codecs = sdp::CodecsForOffer(browser_.video->codecs, settings_.trunk.video);
  if (!codecs.empty()) trunk_.video.emplace().codecs = std::move(codecs);
}

void Call::ChooseForBrowser() {
  browser_.codecs =
      OfferToBrowser(trunk_.codecs, settings_.trunk.codecs, settings_.trunk.transcode);
  if (!trunk_.video) return;
  auto codecs = sdp::CodecsForOffer(trunk_.video->codecs, settings_.trunk.video);
  if (!codecs.empty()) browser_.video.emplace().codecs = std::move(codecs);
}

// Both parties want video, and there is a codec for it.
bool Call::CarriesVideo() const {
  return browser_.video && trunk_.video &&
         !sdp::CommonCodecs(browser_.video->codecs, trunk_.video->codecs).empty();
}

std::vector<sdp::Codec> Call::AudioForBrowser() const {
  return ToldBrowser(browser_.codecs, trunk_.codecs, settings_.trunk.transcode);
}

std::vector<sdp::Codec> Call::AudioForTrunk() const {
  return ToldTrunk(trunk_.codecs, browser_.codecs, settings_.trunk, settings_.trunk.transcode);
}

std::vector<media::PayloadMapping> Call::SettlePayloads() {
  std::vector<media::PayloadMapping> payloads = Payloads();
  if (std::string audio = SayWhatBecomesOfAudio(payloads); audio != told_audio_) {
    spdlog::info("call={} {}", id_.value, audio);
    told_audio_ = std::move(audio);
  }
  return payloads;
}

std::vector<media::PayloadMapping> Call::Payloads() const {
  std::vector<media::PayloadMapping> payloads;
  AddAudioPayloads(
      {browser_.codecs, trunk_.codecs, trunk_leg_.said(), browser_.ptime, trunk_.ptime},
      settings_.trunk.transcode, payloads);
  if (CarriesVideo()) {
    AddPayloads(browser_.video->codecs, trunk_.video->codecs, trunk_leg_.said_video(), true,
                payloads);
  }
  return payloads;
}

// Nothing: it is held, and says nothing of where it takes media.
std::optional<media::TrunkRemote> Call::TrunkRemote() {
  if (trunk_.held) return std::nullopt;
  if (std::string transport = NameOfTransport(trunk_); transport != told_transport_) {
    spdlog::info("call={} leg=trunk {}", id_.value, transport);
    told_transport_ = std::move(transport);
  }
  return ToTrunkRemote(trunk_, settings_.trunk.nat, settings_.trunk_keys);
}

std::string Call::OfferForTrunk() {
  const media::TrunkLocal ports = ReachedBy(settings_.trunk, trunk_local_);
  sdp::TrunkLocalMedia local = ToTrunkLocal(ports, settings_.trunk_keys);
  local.codecs = AudioForTrunk();
  local.ptime = browser_.ptime;
  local.maxptime = browser_.maxptime;
  local.direction = told_trunk_;
  local.rtcp_mux = settings_.trunk.sdp.rtcp_mux;
  if (CarriesVideo() && ports.video) {
    local.video = {.rtp = ports.video->rtp,
                   .rtcp = ports.video->rtcp,
                   .codecs = trunk_.video->codecs,
                   .crypto = settings_.trunk_keys.video};
  }
  return trunk_leg_.BuildOffer(local);
}

std::string Call::OfferForBrowser() {
  sdp::BrowserLocalMedia local = ToBrowserLocal(browser_local_);
  local.codecs = AudioForBrowser();
  local.direction = told_browser_;
  local.ptime = trunk_.ptime;
  local.maxptime = trunk_.maxptime;
  if (CarriesVideo()) {
    local.video = {.codecs = sdp::CommonCodecs(browser_.video->codecs, trunk_.video->codecs)};
  }
  return browser_leg_.BuildOffer(local);
}

std::optional<sdp::Refusal> Call::TakeCalleeAnswer(const std::string& sdp, Outputs& out) {
  summary_.sdp.answer_in = sdp.size();
  media::UpdateSession update{.session = session_};
  if (IsBrowser(Party::kCallee)) {
    auto media = browser_leg_.TakeAnswer(sdp);
    if (!media) return media.error();
    browser_ = *std::move(media);
    update.browser = ToBrowserRemote(browser_, browser_leg_.gateway_is_dtls_server());
    answer_ = late_ ? LateOffer() : answered_ahead_ ? "" : AnswerForTrunk();
  } else {
    auto media = trunk_leg_.TakeAnswer(sdp);
    if (!media) return media.error();
    SetTrunkMedia(*std::move(media));
    update.trunk = TrunkRemote();
    callee_sdp_ = sdp;
    callee_updated_ = false;
    answer_ = late_ ? LateOffer() : AnswerForBrowser();
  }
  update.payloads = SettlePayloads();
  out.push_back(media::MediaCommand{std::move(update)});
  return std::nullopt;
}

std::string Call::AnswerForBrowser() {
  sdp::BrowserLocalMedia local = ToBrowserLocal(browser_local_);
  local.codecs = AudioForBrowser();
  local.direction = sdp::AnswerDirection(browser_.direction, told_browser_);
  local.ptime = trunk_.ptime;
  local.maxptime = trunk_.maxptime;
  if (CarriesVideo()) {
    local.video = {
        .direction = sdp::AnswerDirection(browser_.video->direction, sdp::Direction::kSendRecv),
        .codecs = sdp::CommonCodecs(browser_.video->codecs, trunk_.video->codecs)};
  }
  return browser_leg_.BuildAnswer(local);
}

Call::BrowserSends Call::WhatTheBrowserSends() const {
  const auto codecs = AudioForBrowser();
  return {.codec = codecs.empty() ? "" : codecs.front().name, .video = CarriesVideo()};
}

std::string Call::AnswerForTrunk() {
  const media::TrunkLocal ports = ReachedBy(settings_.trunk, trunk_local_);
  sdp::TrunkLocalMedia local = ToTrunkLocal(ports, settings_.trunk_keys);
  local.codecs = AudioForTrunk();
  local.direction = sdp::AnswerDirection(trunk_.direction, told_trunk_);
  local.ptime = browser_.ptime;
  local.maxptime = browser_.maxptime;
  local.rtcp_mux = trunk_.rtcp_mux;
  local.resources = AnswersResources();
  if (CarriesVideo() && ports.video) {
    local.video = {
        .rtp = ports.video->rtp,
        .rtcp = ports.video->rtcp,
        .direction = sdp::AnswerDirection(trunk_.video->direction, sdp::Direction::kSendRecv),
        .codecs = sdp::CommonCodecs(trunk_.video->codecs, browser_.video->codecs),
        .crypto = settings_.trunk_keys.video};
  }
  std::string answer = trunk_leg_.BuildAnswer(local);
  WarnAboutRules();
  return answer;
}

std::optional<sdp::Refusal> Call::ReofferByBrowser(const Reoffered& reoffer, std::string& answer,
                                                   Outputs& out) {
  auto media = browser_leg_.TakeOffer(reoffer.sdp);
  if (!media) return media.error();
  if (ToldBrowser(media->codecs, trunk_.codecs, settings_.trunk.transcode).empty()) {
    return sdp::Refusal{
        .sip_status = 488,
        .reason = "the new offer has none of the call's codecs: " + CodecNames(media->codecs)};
  }
  browser_ = *std::move(media);
  media::UpdateSession update{
      .session = session_,
      .browser = ToBrowserRemote(browser_, browser_leg_.gateway_is_dtls_server()),
      .payloads = SettlePayloads()};
  if (browser_.ice_restart) {
    update.restart = reoffer.fresh_ice;
    browser_local_.ice_ufrag = reoffer.fresh_ice.ufrag;
    browser_local_.ice_pwd = reoffer.fresh_ice.pwd;
  }
  out.push_back(media::MediaCommand{std::move(update)});
  answer = AnswerForBrowser();
  return std::nullopt;
}

std::optional<sdp::Refusal> Call::ReofferByTrunk(const Reoffered& reoffer, std::string& answer,
                                                 Outputs& out) {
  auto media = trunk_leg_.TakeOffer(reoffer.sdp);
  if (!media) return media.error();
  if (auto refusal = CheckResources(*media)) return refusal;
  if (ToldTrunk(media->codecs, browser_.codecs, settings_.trunk, settings_.trunk.transcode)
          .empty()) {
    return sdp::Refusal{
        .sip_status = 488,
        .reason = "the new offer has none of the call's codecs: " + CodecNames(media->codecs)};
  }
  SetTrunkMedia(*std::move(media));
  answer = AnswerForTrunk();
  media::UpdateSession update{.session = session_, .payloads = SettlePayloads()};
  update.trunk = TrunkRemote();
  out.push_back(media::MediaCommand{std::move(update)});
  return std::nullopt;
}

void Call::OfferRestart(const media::IceCredentials& fresh_ice, Outputs& out) {
  browser_local_.ice_ufrag = fresh_ice.ufrag;
  browser_local_.ice_pwd = fresh_ice.pwd;
  out.push_back(
      media::MediaCommand{media::UpdateSession{.session = session_, .restart = fresh_ice}});
  OfferTo(BrowserParty(), out);
}

std::string Call::OfferFor(Party party) {
  return IsBrowser(party) ? OfferForBrowser() : OfferForTrunk();
}

void Call::OfferTo(Party party, Outputs& out) {
  if (party == TrunkParty() && TrunkIsAlone()) return;
  if (!IsBrowser(party)) ++trunk_offers_;
  out.push_back(SendOffer{party, OfferFor(party)});
}

std::optional<sdp::Refusal> Call::TakeAnswerToReoffer(const OfferAnswered& answered, Outputs& out) {
  media::UpdateSession update{.session = session_};
  if (IsBrowser(answered.party)) {
    auto media = browser_leg_.TakeAnswer(answered.sdp);
    if (!media) return media.error();
    browser_ = *std::move(media);
    update.browser = ToBrowserRemote(browser_, browser_leg_.gateway_is_dtls_server());
  } else {
    auto media = trunk_leg_.TakeAnswer(answered.sdp);
    if (!media) return media.error();
    SetTrunkMedia(*std::move(media));
    update.trunk = TrunkRemote();
  }
  update.payloads = SettlePayloads();
  out.push_back(media::MediaCommand{std::move(update)});
  return std::nullopt;
}

// A hold, or its end, is answered at once and then told to the other party, whose refusal the first
// one never sees. An offer that changes no direction stays on its leg.
void Call::PassHoldOn(Party from, Outputs& out) {
  const bool by_browser = IsBrowser(from);
  if (by_browser && TrunkIsAlone()) return;  // the target is told when it answers
  const sdp::Direction wanted = by_browser ? WishOf(browser_.direction, false, told_browser_)
                                           : WishOf(trunk_.direction, trunk_.held, told_trunk_);
  sdp::Direction& told = by_browser ? told_trunk_ : told_browser_;
  if (told == wanted) return;
  told = wanted;
  OfferTo(Other(from), out);
}

}  // namespace lastmile::call
