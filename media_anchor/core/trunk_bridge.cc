#include "media_anchor/core/trunk_bridge.h"

#include <algorithm>
#include <utility>

#include "media_anchor/core/packet_kind.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/sent_packet.h"

namespace lastmile::media {

TrunkBridge::TrunkBridge(SessionId id, RandomSource& random, TimePoint now, Duration trunk_timeout)
    : id_(id),
      relay_(random, false),
      sides_{Side(MediaKind::kAudio, relay_.to_browser(), random, now, trunk_timeout),
             Side(MediaKind::kSecondAudio, relay_.to_trunk(), random, now, trunk_timeout)},
      doctor_(id) {}

void TrunkBridge::Update(const UpdateBridge& update, TimePoint now) {
  if (update.payloads) relay_.SetPayloads(*update.payloads);
  const std::array remotes{&update.first, &update.second};
  for (size_t i = 0; i < sides_.size(); ++i) {
    const std::optional<TrunkRemote>& remote = *remotes[i];
    if (!remote) continue;
    sides_[i].leg.SetRemote({remote->rtp, remote->rtcp, remote->rtcp_mux, remote->srtp},
                            remote->latch, now, remote->signalled_from);
    sides_[i].rtcp.SetExtended(remote->xr);
  }
}

Outgoing TrunkBridge::OnTrunkRtp(MediaKind kind, MutableByteView room, size_t size,
                                 const Endpoint& from, TimePoint now) {
  // A carrier may multiplex though its SDP said nothing of it; a report is no media.
  if (Classify(room.first(size)) == PacketKind::kRtcp)
    return OnTrunkRtcp(kind, room, size, from, now);
  Side& source = sides_[IndexOf(kind)];
  Side& target = sides_[1 - IndexOf(kind)];
  const auto packet = source.leg.ReceiveRtp(room.first(size), from, now);
  if (!packet) {
    ++target.sent.dropped;
    return {};
  }
  // The first packet of a leg begins its reports.
  const bool reported = source.rtcp.active() && target.rtcp.active();
  const uint32_t clock_rate = target.to.ClockOf(packet->header().payload_type);
  source.rtcp.OnReceived(packet->header(), target.to.ClockForJitter(packet->header().payload_type),
                         now);
  source.types.OnPacket(packet->header().payload_type, packet->payload().size(), clock_rate != 0);
  const auto passed = target.leg.can_send() ? target.to.Take(*packet, now) : Passage::Outcome{};
  if (const auto event = target.to.TakeDigit()) {
    events_.push_back(DigitHeard{id_, kind == MediaKind::kAudio, *event});
  }
  if (passed.waits) return {};
  if (passed.too_fast) ++target.sent.too_fast;
  Outgoing out = passed.packet ? target.Send(*passed.packet, room, now) : Outgoing{};
  if (out.to == Outgoing::To::kNone) ++target.sent.dropped;
  out.settled = reported && target.to.next() == kNever && events_.empty();
  return out;
}

Outgoing TrunkBridge::Side::Send(const RelayStream::Forwarded& packet, MutableByteView room,
                                 TimePoint now) {
  const size_t size = packet.packet.size();
  const size_t payload_size = size - RtpHeader::kSize;
  const auto offset = static_cast<size_t>(packet.packet.data() - room.data());
  const Outgoing out = Rtp(room.subspan(offset), size);
  if (out.to == Outgoing::To::kNone) return out;
  CountSent(rtcp, to, packet.header, payload_size, now);
  ++sent.packets;
  sent.bytes += payload_size;
  return out;
}

Outgoing TrunkBridge::Side::Rtp(MutableByteView room, size_t size) {
  const MutableByteView bytes = leg.SealRtp(room, size);
  if (bytes.empty()) return {};
  return {.to = Outgoing::To::kTrunkRtp, .bytes = bytes, .endpoint = leg.rtp(), .kind = kind};
}

Outgoing TrunkBridge::OnTrunkRtcp(MediaKind kind, MutableByteView room, size_t size,
                                  const Endpoint& from, TimePoint now) {
  Side& source = sides_[IndexOf(kind)];
  const ByteView report = source.leg.ReceiveRtcp(room.first(size), from);
  if (!report.empty()) source.rtcp.OnReport(report, now);
  return {};
}

const RtpLeg* TrunkBridge::trunk(MediaKind kind) const {
  return kind == MediaKind::kVideo ? nullptr : &sides_[IndexOf(kind)].leg;
}

bool TrunkBridge::SendDigit(const media::SendDigit& digit, TimePoint now) {
  return sides_[digit.to_first ? 0 : 1].digits.Add(digit, now);
}

bool TrunkBridge::PopOutgoing(Outgoing& out) {
  return std::ranges::any_of(sides_, [&](Side& side) {
    return PopReport(side, out) || PopDigit(side, out) || PopRecoded(side, out);
  });
}

bool TrunkBridge::PopRecoded(Side& side, Outgoing& out) {
  out = {};
  while (side.to.next() <= timer_time_ && out.to == Outgoing::To::kNone) {
    own_.resize(Transcoder::kMaxPacket + SrtpTransform::kMaxTrailer);
    const auto packet = side.to.Pop(timer_time_, own_);
    if (packet && side.leg.can_send()) out = side.Send(*packet, own_, timer_time_);
  }
  if (out.to == Outgoing::To::kNone) return false;
  side.to.CountRecoded();
  return true;
}

std::optional<AudioCodec> TrunkBridge::CodecFrom(const Side& side) const {
  return sides_[1 - IndexOf(side.kind)].to.codec_in();
}

bool TrunkBridge::PopReport(Side& side, Outgoing& out) {
  if (!std::exchange(side.report_due, false)) return false;
  own_.resize(RtcpReporter::kMaxReport + SrtpTransform::kMaxTrailer);
  const size_t size = side.rtcp.BuildReport(own_, timer_time_, CodecFrom(side));
  if (!side.can_report()) return false;
  out = {.to = side.leg.rtcp_mux() ? Outgoing::To::kTrunkRtp : Outgoing::To::kTrunkRtcp,
         .bytes = side.leg.SealRtcp(own_, size),
         .endpoint = side.leg.rtcp(),
         .kind = side.kind};
  return !out.bytes.empty();
}

bool TrunkBridge::PopDigit(Side& side, Outgoing& out) {
  if (side.digits.next() > timer_time_) return false;
  own_.resize(DigitSender::kMaxPacket + SrtpTransform::kMaxTrailer);
  const auto packet = side.digits.Pop(side.to, timer_time_, own_);
  // To a trunk on hold a digit is lost, as the audio is.
  if (!packet || !side.leg.can_send()) return false;
  const size_t payload_size = packet->bytes.size() - RtpHeader::kSize;
  CountSent(side.rtcp, side.to, packet->header, payload_size, timer_time_);
  out = side.Rtp(own_, packet->bytes.size());
  return out.to != Outgoing::To::kNone;
}

std::optional<MediaEvent> TrunkBridge::PopEvent() {
  if (events_.empty()) return std::nullopt;
  MediaEvent event = std::move(events_.front());
  events_.erase(events_.begin());
  return event;
}

void TrunkBridge::OnTimer(TimePoint now) {
  timer_time_ = now;
  for (Side& side : sides_) side.report_due |= now >= side.rtcp.next_report();
  LookForSilence(now);
}

void TrunkBridge::LookForSilence(TimePoint now) {
  if (now < doctor_.next_look()) return;
  doctor_.Look(CountTo(sides_[0], sides_[1]), CountTo(sides_[1], sides_[0]), now, events_);
  if (doctor_.misses(MediaLeg::kBrowser)) sides_[0].leg.Miss();
  if (doctor_.misses(MediaLeg::kTrunk)) sides_[1].leg.Miss();
  if (doctor_.watch() != MediaWatch::kTalk) return;
  for (Side& side : sides_) {
    if (!side.timeout.Look(side.leg.packets(), now)) continue;
    const std::string_view who =
        side.kind == MediaKind::kAudio ? "the first party" : "the second party";
    events_.push_back(TrunkGone(id_, who, side.timeout.limit()));
  }
}

void TrunkBridge::Watch(MediaWatch watch, TimePoint now) {
  if (watch != MediaWatch::kNothing) {
    for (Side& side : sides_) side.leg.Listen(now);
  }
  doctor_.Watch(watch, CountTo(sides_[0], sides_[1]), CountTo(sides_[1], sides_[0]), now);
  for (Side& side : sides_) side.timeout.Begin(side.leg.packets(), now);
}

DirectionCounts TrunkBridge::CountTo(const Side& target, const Side& source) const {
  return {.known = target.leg.has_remote() && source.leg.has_remote(),
          .through = target.to.GotThrough(target.sent.packets),
          .dropped = target.sent.dropped,
          .refused = source.leg.refused(),
          .types = source.types};
}

TimePoint TrunkBridge::next_timeout() const {
  TimePoint next = doctor_.next_look();
  for (const Side& side : sides_) {
    next = std::min({next, side.rtcp.next_report(), side.digits.next(), side.to.next()});
  }
  return next;
}

SessionStats TrunkBridge::stats() const {
  const auto& [first, second] = sides_;
  return {.browser_to_trunk = second.sent,
          .trunk_to_browser = first.sent,
          .browser = first.rtcp.quality(second.to.codec_in(), first.to.codec()),
          .trunk = second.rtcp.quality(first.to.codec_in(), second.to.codec())};
}

}  // namespace lastmile::media
