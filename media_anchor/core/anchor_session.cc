#include "media_anchor/core/anchor_session.h"

#include <algorithm>

namespace lastmile::media {

AnchorSession::AnchorSession(const DtlsContext& context, Options options, RandomSource& random,
                             TimePoint now)
    : options_(std::move(options)),
      browser_(context, options_.ice),
      relay_(random),
      browser_rtcp_(relay_.to_browser().ssrc(), random, now),
      trunk_rtcp_(relay_.to_trunk().ssrc(), random, now) {}

void AnchorSession::Update(const UpdateSession& update, TimePoint now) {
  if (update.payloads) relay_.SetPayloads(*update.payloads);
  if (update.trunk) trunk_.SetRemote(*update.trunk, now);
  if (update.browser) browser_.SetRemote(*update.browser, now);
  if (connect_by_ == kNever && browser_.has_description() && trunk_.has_remote()) {
    connect_by_ = now + kConnectTimeout;
  }
  Follow();
}

Outgoing AnchorSession::OnBrowserDatagram(MutableByteView room, size_t size, const Path& path,
                                          TimePoint now) {
  // A failed session is silent, except for the alert that says why.
  const auto in = failed_ ? WebrtcLeg::Inbound{.kind = WebrtcLeg::Inbound::Kind::kDropped}
                          : browser_.OnDatagram(room, size, path, now);
  switch (in.kind) {
    case WebrtcLeg::Inbound::Kind::kNothing:
      break;
    case WebrtcLeg::Inbound::Kind::kDropped:
      ++stats_.browser_to_trunk.dropped;
      return {};
    case WebrtcLeg::Inbound::Kind::kReply:
      Follow();
      return {.to = Outgoing::To::kBrowser, .bytes = in.bytes, .path = path};
    case WebrtcLeg::Inbound::Kind::kRtp:
      return RelayToTrunk(in.bytes, now);
    case WebrtcLeg::Inbound::Kind::kRtcp:
      browser_rtcp_.OnReport(in.bytes, now);
      return {};
  }
  Follow();
  return {};
}

Outgoing AnchorSession::RelayToTrunk(MutableByteView packet, TimePoint now) {
  DirectionStats& stats = stats_.browser_to_trunk;
  const auto view = RtpView::Parse(packet);
  if (!view) {
    ++stats.dropped;
    return {};
  }
  RelayStream& stream = relay_.to_trunk();
  const uint32_t clock_rate = stream.ClockRateOf(view->header().payload_type);
  browser_rtcp_.OnReceived(view->header(), clock_rate, now);
  const size_t payload_size = view->payload().size();
  const auto forwarded = trunk_.can_send() ? stream.Forward(*view, now) : std::nullopt;
  if (!forwarded) {
    ++stats.dropped;
    return {};
  }
  trunk_rtcp_.OnSent(forwarded->header, payload_size, clock_rate, now);
  ++stats.packets;
  stats.bytes += payload_size;
  return {.to = Outgoing::To::kTrunkRtp, .bytes = forwarded->packet, .endpoint = trunk_.rtp()};
}

Outgoing AnchorSession::OnTrunkRtp(MutableByteView room, size_t size, const Endpoint& from,
                                   TimePoint now) {
  DirectionStats& stats = stats_.trunk_to_browser;
  const auto view = RtpView::Parse(room.first(size));
  if (failed_ || !view || !trunk_.AcceptRtp(from, now)) {
    ++stats.dropped;
    return {};
  }
  RelayStream& stream = relay_.to_browser();
  const uint32_t clock_rate = stream.ClockRateOf(view->header().payload_type);
  trunk_rtcp_.OnReceived(view->header(), clock_rate, now);
  const size_t payload_size = view->payload().size();
  const auto forwarded = browser_.connected() ? stream.Forward(*view, now) : std::nullopt;
  size_t protected_size = 0;
  MutableByteView packet;
  if (forwarded) {
    packet = room.subspan(static_cast<size_t>(forwarded->packet.data() - room.data()));
    protected_size = browser_.ProtectRtp(packet, forwarded->packet.size());
  }
  if (protected_size == 0) {
    ++stats.dropped;
    return {};
  }
  browser_rtcp_.OnSent(forwarded->header, payload_size, clock_rate, now);
  ++stats.packets;
  stats.bytes += payload_size;
  return {.to = Outgoing::To::kBrowser,
          .bytes = packet.first(protected_size),
          .path = *browser_.send_path()};
}

void AnchorSession::OnTrunkRtcp(ByteView datagram, const Endpoint& from, TimePoint now) {
  if (!failed_ && trunk_.AcceptRtcp(from)) trunk_rtcp_.OnReport(datagram, now);
}

bool AnchorSession::PopOutgoing(Outgoing& out) {
  if (browser_.PopDatagram(own_)) {
    out = {.to = Outgoing::To::kBrowser, .bytes = own_, .path = *browser_.send_path()};
    return true;
  }
  return PopReport(out);
}

bool AnchorSession::PopReport(Outgoing& out) {
  if (!browser_report_due_ && !trunk_report_due_) return false;
  own_.resize(RtcpReporter::kMaxReport + SrtpTransform::kMaxTrailer);
  if (browser_report_due_) {
    browser_report_due_ = false;
    const size_t plain = browser_rtcp_.BuildReport(own_, report_time_);
    const size_t size = browser_.ProtectRtcp(own_, plain);
    if (size > 0) {
      out = {.to = Outgoing::To::kBrowser,
             .bytes = MutableByteView(own_).first(size),
             .path = *browser_.send_path()};
      return true;
    }
  }
  if (!trunk_report_due_) return false;
  trunk_report_due_ = false;
  const size_t size = trunk_rtcp_.BuildReport(own_, report_time_);
  if (!trunk_.can_send() || trunk_.rtcp().port == 0) return false;
  out = {.to = Outgoing::To::kTrunkRtcp,
         .bytes = MutableByteView(own_).first(size),
         .endpoint = trunk_.rtcp()};
  return true;
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
  browser_report_due_ |= now >= browser_rtcp_.next_report();
  trunk_report_due_ |= now >= trunk_rtcp_.next_report();
  report_time_ = now;
}

TimePoint AnchorSession::next_timeout() const {
  if (failed_) return kNever;
  const TimePoint browser_deadline =
      connected_ ? *browser_.last_heard() + options_.browser_gone_after : connect_by_;
  return std::min({browser_.next_timeout(), browser_deadline, browser_rtcp_.next_report(),
                   trunk_rtcp_.next_report()});
}

void AnchorSession::Close() { browser_.Close(); }

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
    if (now - *browser_.last_heard() < options_.browser_gone_after) return;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now - *browser_.last_heard());
    Fail(SessionFault::kBrowserGone, "the browser sent no consent check and no media for " +
                                         std::to_string(seconds.count()) + " s");
  } else if (now >= connect_by_) {
    if (!browser_.last_heard()) {
      Fail(SessionFault::kBrowserGone, "no ICE check of the browser reached the gateway");
    } else if (browser_.dtls_done()) {
      Fail(SessionFault::kBrowserGone, "the browser nominated no ICE pair");
    } else {
      Fail(SessionFault::kDtlsFailed, "the DTLS handshake was not finished in time");
    }
  }
}

void AnchorSession::Fail(SessionFault fault, std::string reason) {
  failed_ = true;
  events_.push_back(SessionFailed{options_.id, fault, std::move(reason)});
}

}  // namespace lastmile::media
