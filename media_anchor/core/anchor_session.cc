#include "media_anchor/core/anchor_session.h"

#include <algorithm>

namespace lastmile::media {
namespace {

SilenceCause CauseOf(SessionFault fault, const WebrtcLeg& browser) {
  if (fault == SessionFault::kFingerprintMismatch) return SilenceCause::kWrongFingerprint;
  // Also out of time.
  if (fault == SessionFault::kDtlsFailed) {
    return browser.failure() ? SilenceCause::kDtlsFailed : SilenceCause::kDtlsUnfinished;
  }
  return browser.last_heard() ? SilenceCause::kNoNomination : SilenceCause::kNoIce;
}

WebrtcLeg MakeLeg(const DtlsContext& context, const AnchorSession::Options& options) {
  if (!options.full_ice) return WebrtcLeg(context, options.ice);
  return WebrtcLeg(context, std::make_unique<FullIce>(options.ice, options.private_peers));
}

}  // namespace

AnchorSession::AnchorSession(const DtlsContext& context, Options options, RandomSource& random,
                             TimePoint now)
    : options_(std::move(options)),
      browser_(MakeLeg(context, options_)),
      audio_(MediaKind::kAudio, browser_, random, now),
      doctor_(options_.id),
      trunk_timeout_(options_.trunk_timeout) {}

void AnchorSession::Update(const UpdateSession& update, TimePoint now) {
  if (update.payloads) SetPayloads(*update.payloads);
  if (update.trunk) SetTrunk(*update.trunk, now);
  // First: the browser's new ufrag goes with our new one.
  if (update.restart) browser_.RestartIce(*update.restart);
  if (update.browser) {
    browser_.SetRemote(*update.browser, now);
    audio_.SetBrowserXr(update.browser->xr);
  }
  if (connect_by_ == kNever && browser_.has_description() && audio_.trunk().has_remote()) {
    connect_by_ = now + kConnectTimeout;
  }
  Follow();
}

void AnchorSession::SetPayloads(const std::vector<PayloadMapping>& mappings) {
  audio_.SetPayloads(mappings);
  if (video_) video_->SetPayloads(mappings);
  video_types_.reset();
  for (const PayloadMapping& mapping : mappings) {
    if (mapping.video && mapping.browser_pt < video_types_.size()) {
      video_types_.set(mapping.browser_pt);
    }
  }
}

void AnchorSession::SetTrunk(const TrunkRemote& remote, TimePoint now) {
  audio_.SetTrunk({remote.rtp, remote.rtcp, remote.rtcp_mux, remote.srtp}, remote.latch,
                  remote.signalled_from, now);
  audio_.SetTrunkXr(remote.xr);
  MediaSection* const video = OpenSection(MediaKind::kVideo);
  if (video == nullptr) return;
  if (remote.video) {
    video->SetTrunk(*remote.video, remote.latch, remote.signalled_from, now);
  } else {
    video->trunk().Forget();
  }
}

void AnchorSession::OpenVideo(RandomSource& random, TimePoint now) {
  if (!video_) video_ = std::make_unique<MediaSection>(MediaKind::kVideo, browser_, random, now);
  video_open_ = true;
}

void AnchorSession::CloseVideo() {
  if (video_) video_->trunk().Forget();
  video_open_ = false;
}

MediaSection* AnchorSession::OpenSection(MediaKind kind) {
  if (kind == MediaKind::kAudio) return &audio_;
  return video_open_ ? video_.get() : nullptr;
}

const RtpLeg* AnchorSession::trunk(MediaKind kind) const {
  if (kind == MediaKind::kAudio) return &audio_.trunk();
  return video_open_ ? &video_->trunk() : nullptr;
}

SessionStats AnchorSession::stats() const {
  SessionStats all{.browser_to_trunk = audio_.browser_to_trunk(),
                   .trunk_to_browser = audio_.trunk_to_browser(),
                   .browser = audio_.browser_quality(),
                   .trunk = audio_.trunk_quality()};
  if (video_) {
    all.video_browser_to_trunk = video_->browser_to_trunk();
    all.video_trunk_to_browser = video_->trunk_to_browser();
  }
  return all;
}

Outgoing AnchorSession::OnBrowserDatagram(MutableByteView room, size_t size, const Path& path,
                                          TimePoint now) {
  // A failed session is silent, except for the alert that says why.
  const auto in = failed_ ? WebrtcLeg::Inbound{.kind = WebrtcLeg::Inbound::Kind::kDropped}
                          : browser_.OnDatagram(room, size, path, now);
  HearBrowser(now);
  switch (in.kind) {
    case WebrtcLeg::Inbound::Kind::kNothing:
      break;
    case WebrtcLeg::Inbound::Kind::kDropped:
      audio_.CountDroppedOfBrowser();
      return {};
    case WebrtcLeg::Inbound::Kind::kReply:
      Follow();
      return {.to = Outgoing::To::kBrowser, .bytes = in.bytes, .path = path};
    case WebrtcLeg::Inbound::Kind::kRtp:
      return RelayToTrunk(in.bytes, room, now);
    case WebrtcLeg::Inbound::Kind::kRtcp:
      return OnBrowserRtcp(in.bytes, room, now);
  }
  Follow();
  return {};
}

Outgoing AnchorSession::RelayToTrunk(MutableByteView packet, MutableByteView room, TimePoint now) {
  const auto view = RtpView::Parse(packet);
  if (!view) {
    audio_.CountDroppedOfBrowser();
    return {};
  }
  const bool is_video = video_types_[view->header().payload_type];
  if (is_video && !video_open_) {
    audio_.CountDroppedOfBrowser();
    return {};
  }
  MediaSection& section = is_video ? *video_ : audio_;
  Outgoing out = section.OnBrowserRtp(*view, room, now);
  TellHeard(section.TakeHeardOfBrowser(), true);
  out.settled = out.settled && events_.empty();
  return out;
}

Outgoing AnchorSession::OnBrowserRtcp(ByteView report, MutableByteView room, TimePoint now) {
  // One datagram may report on both.
  const Outgoing out = audio_.OnBrowserRtcp(report, room, now);
  return video_open_ ? video_->OnBrowserRtcp(report, room, now) : out;
}

Outgoing AnchorSession::OnTrunkRtp(MediaKind kind, MutableByteView room, size_t size,
                                   const Endpoint& from, TimePoint now) {
  MediaSection* const section = OpenSection(kind);
  if (section == nullptr) return {};
  if (failed_ || silent_) {
    section->CountDroppedOfTrunk();
    return {};
  }
  Outgoing out = section->OnTrunkRtp(room, size, from, now);
  TellHeard(section->TakeHeardOfTrunk(), false);
  out.settled = out.settled && events_.empty();
  return out;
}

Outgoing AnchorSession::OnTrunkRtcp(MediaKind kind, MutableByteView room, size_t size,
                                    const Endpoint& from, TimePoint now) {
  MediaSection* const section = OpenSection(kind);
  if (section == nullptr || failed_ || silent_) return {};
  return section->OnTrunkRtcp(room, size, from, now);
}

bool AnchorSession::PopOutgoing(Outgoing& out) {
  if (browser_.PopDatagram(own_)) {
    out = {.to = Outgoing::To::kBrowser, .bytes = own_, .path = *browser_.send_path()};
    return true;
  }
  while (audio_.PopEarly(own_, out) || audio_.PopReport(own_, out) || audio_.PopDigit(own_, out) ||
         audio_.PopRecoded(own_, out) || (video_open_ && video_->PopReport(own_, out))) {
    if (!silent_ || out.to != Outgoing::To::kBrowser) return true;
  }
  return false;
}

std::optional<MediaEvent> AnchorSession::PopEvent() {
  if (events_.empty()) return std::nullopt;
  MediaEvent event = std::move(events_.front());
  events_.erase(events_.begin());
  return event;
}

void AnchorSession::OnTimer(TimePoint now) {
  browser_.OnTimer(now);
  Follow();
  CheckBrowser(now);
  if (failed_) return;
  LookForSilence(now);
  audio_.OnTimer(now);
  if (video_open_) video_->OnTimer(now);
}

TimePoint AnchorSession::next_timeout() const {
  if (failed_) return kNever;
  TimePoint browser_deadline = connect_by_;
  if (connected_) {
    browser_deadline = silent_ ? kNever : browser_.silent_at(options_.browser_silent_after);
  }
  return std::min({browser_.next_timeout(), browser_deadline, audio_.next_timeout(),
                   doctor_.next_look(), video_open_ ? video_->next_timeout() : kNever});
}

DirectionCounts AnchorSession::WithBrowserFault(DirectionCounts counts) const {
  counts.browser_fault =
      silent_ ? std::optional(SilenceCause::kNoConsent) : browser_.WhyNotConnected();
  return counts;
}

void AnchorSession::Watch(MediaWatch watch, TimePoint now) {
  if (failed_) return;
  if (watch != MediaWatch::kNothing) {
    audio_.trunk().Listen(now);
    if (video_) video_->trunk().Listen(now);
  }
  doctor_.Watch(watch, WithBrowserFault(audio_.CountToBrowser()),
                WithBrowserFault(audio_.CountToTrunk()), now);
  trunk_timeout_.Begin(audio_.trunk().packets(), now);
}

void AnchorSession::LookForSilence(TimePoint now) {
  if (now < doctor_.next_look()) return;
  doctor_.Look(WithBrowserFault(audio_.CountToBrowser()), WithBrowserFault(audio_.CountToTrunk()),
               now, events_);
  if (doctor_.misses(MediaLeg::kTrunk)) audio_.trunk().Miss();
  if (doctor_.watch() != MediaWatch::kTalk) return;
  if (trunk_timeout_.Look(audio_.trunk().packets(), now)) {
    events_.push_back(TrunkGone(options_.id, "the carrier", options_.trunk_timeout));
  }
}

void AnchorSession::OnIceConnected(TimePoint now) {
  browser_.OnIceConnected(now);
  HearBrowser(now);
  Follow();
}

void AnchorSession::OnIceLost(TimePoint now) {
  browser_.OnIceLost();
  CheckBrowser(now);
}

void AnchorSession::OnIceFailed() {
  if (failed_) return;
  Fail(SessionFault::kBrowserGone, "the gateway's ICE agent does not work");
}

void AnchorSession::Close() { browser_.Close(); }

void AnchorSession::TellHeard(std::optional<uint8_t> event, bool from_browser) {
  if (event) events_.push_back(DigitHeard{options_.id, from_browser, *event});
}

void AnchorSession::Follow() {
  if (failed_) return;
  if (browser_.failure()) {
    Fail(browser_.failure()->fault, browser_.failure()->reason);
  } else if (!connected_ && browser_.connected()) {
    connected_ = true;
    events_.push_back(BrowserConnected{options_.id});
  }
}

void AnchorSession::CheckBrowser(TimePoint now) {
  if (failed_) return;
  if (connected_) {
    if (silent_ || !BrowserIsOverdue(now)) return;
    silent_ = true;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now - *browser_.last_heard());
    events_.push_back(BrowserSilent{
        options_.id, browser_.is_full_ice()
                         ? "the browser does not answer the gateway's consent checks any more"
                         : "the browser sent no consent check and no media for " +
                               std::to_string(seconds.count()) + " s"});
  } else if (now >= connect_by_) {
    if (!browser_.last_heard()) {
      Fail(SessionFault::kBrowserGone, browser_.is_full_ice()
                                           ? "ICE found no way between browser and gateway"
                                           : "no ICE check of the browser reached the gateway");
    } else if (browser_.dtls_done()) {
      Fail(SessionFault::kBrowserGone, "the browser nominated no ICE pair");
    } else {
      Fail(SessionFault::kDtlsFailed, "the DTLS handshake was not finished in time");
    }
  }
}

bool AnchorSession::BrowserIsOverdue(TimePoint now) const {
  return now >= browser_.silent_at(options_.browser_silent_after);
}

void AnchorSession::HearBrowser(TimePoint now) {
  if (!silent_ || BrowserIsOverdue(now)) return;
  silent_ = false;
  events_.push_back(BrowserHeard{options_.id});
}

void AnchorSession::Fail(SessionFault fault, std::string reason) {
  failed_ = true;
  doctor_.OnBrowserFailed(CauseOf(fault, browser_), events_);
  events_.push_back(SessionFailed{options_.id, fault, std::move(reason)});
}

}  // namespace lastmile::media
