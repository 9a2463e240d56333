#include "media_anchor/core/media_section.h"

#include <algorithm>

#include "media_anchor/core/packet_kind.h"
#include "media_anchor/core/sent_packet.h"

namespace lastmile::media {

MediaSection::MediaSection(MediaKind kind, WebrtcLeg& browser, RandomSource& random, TimePoint now)
    : kind_(kind),
      browser_(browser),
      relay_(random, kind == MediaKind::kVideo),
      browser_rtcp_(relay_.to_browser().ssrc(), random, now),
      trunk_rtcp_(relay_.to_trunk().ssrc(), random, now) {}

Outgoing MediaSection::OnBrowserRtp(const RtpView& packet, MutableByteView room, TimePoint now) {
  Passage& passage = relay_.to_trunk();
  const bool reported = BothReport();
  const uint32_t clock_rate = passage.ClockOf(packet.header().payload_type);
  browser_rtcp_.OnReceived(packet.header(), passage.ClockForJitter(packet.header().payload_type),
                           now);
  types_of_browser_.OnPacket(packet.header().payload_type, packet.payload().size(),
                             clock_rate != 0);
  const auto passed = trunk_.can_send() ? passage.Take(packet, now) : Passage::Outcome{};
  if (passed.waits) return {};
  if (passed.too_fast) ++to_trunk_.too_fast;
  Outgoing out = passed.packet ? SendToTrunk(*passed.packet, room, now) : Outgoing{};
  if (out.to == Outgoing::To::kNone) ++to_trunk_.dropped;
  out.settled = reported && passage.next() == kNever;
  return out;
}

Outgoing MediaSection::OnTrunkRtp(MutableByteView room, size_t size, const Endpoint& from,
                                  TimePoint now) {
  // A carrier may multiplex though its SDP said nothing of it; a report is no media.
  if (Classify(room.first(size)) == PacketKind::kRtcp) return OnTrunkRtcp(room, size, from, now);
  if (early_.keeps() && early_.Keep(room.first(size), from, now)) return {};
  const auto view = trunk_.ReceiveRtp(room.first(size), from, now);
  if (!view) {
    ++to_browser_.dropped;
    return {};
  }
  Passage& passage = relay_.to_browser();
  const bool reported = BothReport();
  const uint32_t clock_rate = passage.ClockOf(view->header().payload_type);
  trunk_rtcp_.OnReceived(view->header(), passage.ClockForJitter(view->header().payload_type), now);
  types_of_trunk_.OnPacket(view->header().payload_type, view->payload().size(), clock_rate != 0);
  const auto passed = browser_.connected() ? passage.Take(*view, now) : Passage::Outcome{};
  if (passed.waits) return {};
  if (passed.too_fast) ++to_browser_.too_fast;
  Outgoing out = passed.packet ? SendToBrowser(*passed.packet, room, now) : Outgoing{};
  if (out.to == Outgoing::To::kNone) ++to_browser_.dropped;
  out.settled = reported && passage.next() == kNever;
  return out;
}

// `room`: with the packet somewhere in it.
Outgoing MediaSection::SendToTrunk(const RelayStream::Forwarded& packet, MutableByteView room,
                                   TimePoint now) {
  const size_t size = packet.packet.size();
  const size_t payload_size = size - RtpHeader::kSize;
  const auto offset = static_cast<size_t>(packet.packet.data() - room.data());
  const Outgoing out = RtpToTrunk(room.subspan(offset), size);
  if (out.to == Outgoing::To::kNone) return out;
  CountSent(trunk_rtcp_, relay_.to_trunk(), packet.header, payload_size, now);
  ++to_trunk_.packets;
  to_trunk_.bytes += payload_size;
  return out;
}

Outgoing MediaSection::SendToBrowser(const RelayStream::Forwarded& packet, MutableByteView room,
                                     TimePoint now) {
  const size_t size = packet.packet.size();
  const size_t payload_size = size - RtpHeader::kSize;
  room = room.subspan(static_cast<size_t>(packet.packet.data() - room.data()));
  const size_t protected_size = browser_.ProtectRtp(room, size);
  if (protected_size == 0) return {};
  CountSent(browser_rtcp_, relay_.to_browser(), packet.header, payload_size, now);
  ++to_browser_.packets;
  to_browser_.bytes += payload_size;
  return {.to = Outgoing::To::kBrowser,
          .bytes = room.first(protected_size),
          .path = *browser_.send_path()};
}

bool MediaSection::PopRecoded(Bytes& own, Outgoing& out) {
  constexpr size_t kRoom = Transcoder::kMaxPacket + SrtpTransform::kMaxTrailer;
  Passage& to_trunk = relay_.to_trunk();
  Passage& to_browser = relay_.to_browser();
  out = {};
  while (std::min(to_trunk.next(), to_browser.next()) <= timer_time_) {
    own.resize(kRoom);
    if (const auto packet = to_trunk.Pop(timer_time_, own)) {
      if (trunk_.can_send()) out = SendToTrunk(*packet, own, timer_time_);
      if (out.to != Outgoing::To::kNone) to_trunk.CountRecoded();
    } else if (const auto to_page = to_browser.Pop(timer_time_, own)) {
      if (browser_.connected()) out = SendToBrowser(*to_page, own, timer_time_);
      if (out.to != Outgoing::To::kNone) to_browser.CountRecoded();
    }
    if (out.to != Outgoing::To::kNone) return true;
  }
  return false;
}

void MediaSection::SetTrunk(const TrunkStream& remote, bool latch,
                            const std::optional<IpAddress>& signalled_from, TimePoint now) {
  trunk_.SetRemote(remote, latch, now, signalled_from);
  early_.Release(remote.rtp, now);
}

bool MediaSection::PopEarly(Bytes& own, Outgoing& out) {
  EarlyPackets::Packet packet;
  while (early_.Pop(packet)) {
    own.resize(EarlyPackets::kMaxSize + SrtpTransform::kMaxTrailer);
    std::ranges::copy(packet.bytes, own.begin());
    out = OnTrunkRtp(own, packet.bytes.size(), trunk_.rtp(), packet.at);
    if (out.to != Outgoing::To::kNone) return true;
  }
  return false;
}

Outgoing MediaSection::OnBrowserRtcp(ByteView report, MutableByteView room, TimePoint now) {
  browser_rtcp_.OnReport(report, now);
  if (kind_ != MediaKind::kVideo || !CanReportToTrunk()) return {};
  const RelayStream& media = relay_.to_browser();
  const auto feedback = feedback_to_trunk_.Carry(report, media, now);
  if (!feedback) return {};
  return RtcpToTrunk(room, trunk_rtcp_.BuildFeedback(*feedback, *media.source_ssrc(), room));
}

Outgoing MediaSection::OnTrunkRtcp(MutableByteView room, size_t size, const Endpoint& from,
                                   TimePoint now) {
  const ByteView report = trunk_.ReceiveRtcp(room.first(size), from);
  if (report.empty()) return {};
  trunk_rtcp_.OnReport(report, now);
  if (kind_ != MediaKind::kVideo || !browser_.connected()) return {};
  const RelayStream& media = relay_.to_trunk();
  const auto feedback = feedback_to_browser_.Carry(report, media, now);
  if (!feedback) return {};
  return RtcpToBrowser(room, browser_rtcp_.BuildFeedback(*feedback, *media.source_ssrc(), room));
}

Outgoing MediaSection::RtpToTrunk(MutableByteView room, size_t size) {
  const MutableByteView bytes = trunk_.SealRtp(room, size);
  if (bytes.empty()) return {};
  return {.to = Outgoing::To::kTrunkRtp, .bytes = bytes, .endpoint = trunk_.rtp(), .kind = kind_};
}

Outgoing MediaSection::RtcpToTrunk(MutableByteView room, size_t size) {
  const MutableByteView bytes = trunk_.SealRtcp(room, size);
  if (bytes.empty()) return {};
  return {.to = trunk_.rtcp_mux() ? Outgoing::To::kTrunkRtp : Outgoing::To::kTrunkRtcp,
          .bytes = bytes,
          .endpoint = trunk_.rtcp(),
          .kind = kind_};
}

Outgoing MediaSection::RtcpToBrowser(MutableByteView room, size_t size) {
  const size_t protected_size = browser_.ProtectRtcp(room, size);
  if (protected_size == 0) return {};
  return {.to = Outgoing::To::kBrowser,
          .bytes = room.first(protected_size),
          .path = *browser_.send_path()};
}

DirectionCounts MediaSection::CountToTrunk() const {
  return {.known = browser_.has_description() && trunk_.has_remote(),
          .through = relay_.to_trunk().GotThrough(to_trunk_.packets),
          .dropped = to_trunk_.dropped,
          .refused = browser_.refused(),
          .types = types_of_browser_};
}

DirectionCounts MediaSection::CountToBrowser() const {
  return {.known = browser_.has_description() && trunk_.has_remote(),
          .through = relay_.to_browser().GotThrough(to_browser_.packets),
          .dropped = to_browser_.dropped,
          .refused = trunk_.refused(),
          .types = types_of_trunk_};
}

LegQuality MediaSection::browser_quality() const {
  return browser_rtcp_.quality(relay_.to_trunk().codec_in(), relay_.to_browser().codec());
}

LegQuality MediaSection::trunk_quality() const {
  return trunk_rtcp_.quality(relay_.to_browser().codec_in(), relay_.to_trunk().codec());
}

TimePoint MediaSection::next_timeout() const {
  return std::min({browser_rtcp_.next_report(), trunk_rtcp_.next_report(), digits_.next(),
                   relay_.to_trunk().next(), relay_.to_browser().next()});
}

bool MediaSection::PopDigit(Bytes& own, Outgoing& out) {
  if (digits_.next() > timer_time_) return false;
  own.resize(DigitSender::kMaxPacket + SrtpTransform::kMaxTrailer);
  RelayStream& stream = relay_.to_trunk();
  const auto packet = digits_.Pop(stream, timer_time_, own);
  // To a trunk on hold a digit is lost, as the audio is.
  if (!packet || !trunk_.can_send()) return false;
  CountSent(trunk_rtcp_, stream, packet->header, packet->bytes.size() - RtpHeader::kSize,
            timer_time_);
  out = RtpToTrunk(own, packet->bytes.size());
  return out.to != Outgoing::To::kNone;
}

void MediaSection::OnTimer(TimePoint now) {
  browser_report_due_ |= now >= browser_rtcp_.next_report();
  trunk_report_due_ |= now >= trunk_rtcp_.next_report();
  timer_time_ = now;
}

bool MediaSection::PopReport(Bytes& own, Outgoing& out) {
  if (!browser_report_due_ && !trunk_report_due_) return false;
  own.resize(RtcpReporter::kMaxReport + SrtpTransform::kMaxTrailer);
  if (browser_report_due_) {
    browser_report_due_ = false;
    out = RtcpToBrowser(own,
                        browser_rtcp_.BuildReport(own, timer_time_, relay_.to_trunk().codec_in()));
    if (out.to != Outgoing::To::kNone) return true;
  }
  if (!trunk_report_due_) return false;
  trunk_report_due_ = false;
  const size_t size = trunk_rtcp_.BuildReport(own, timer_time_, relay_.to_browser().codec_in());
  if (!CanReportToTrunk()) return false;
  out = RtcpToTrunk(own, size);
  return out.to != Outgoing::To::kNone;
}

}  // namespace lastmile::media
