#include "demo_carrier/rtp_session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"

namespace lastmile::demo_carrier {
namespace {

constexpr size_t kRtpHeader = 12;
constexpr size_t kFrameSamples = 160;
constexpr Duration kFrame = 20ms;
constexpr Duration kCatchUp = 100ms;  // a longer pause of ours is not made up for
constexpr size_t kMaxPacket = 1500;
constexpr int kMaxReads = 64;  // a turn, so that a flood starves nobody
constexpr int kDigitFrames = 10;
constexpr int kGapFrames = 5;
constexpr size_t kMaxDigits = 64;

int BoundSocket(const Endpoint& address) {
  const int family = address.address.is_v6() ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (bind(fd, reinterpret_cast<sockaddr*>(&storage), length) == 0) return fd;
  close(fd);
  return -1;
}

uint32_t Random32() {
  SystemRandom random;
  return static_cast<uint32_t>(random.Next64());
}

// The payload of an RTP packet without contributors, extension and padding; empty: not RTP.
ByteView PayloadOf(ByteView packet) {
  if (packet.size() < kRtpHeader || packet[0] >> 6 != 2) return {};
  size_t start = kRtpHeader + size_t{4} * (packet[0] & 0x0f);
  if (packet[0] & 0x10) {
    if (packet.size() < start + 4) return {};
    start += 4 + size_t{4} * LoadBe16(packet.data() + start + 2);
  }
  const size_t padding = (packet[0] & 0x20) ? packet.back() : 0;
  if (start + padding >= packet.size()) return {};
  return packet.subspan(start, packet.size() - start - padding);
}

}  // namespace

Result<std::unique_ptr<RtpSession>> RtpSession::Open(const IpAddress& bind_address, PortRange range,
                                                     uint16_t search_from, Events events) {
  const int first = range.first + range.first % 2;  // RTP's port is even, RTCP's the next
  const int pairs = (range.last + 1 - first) / 2;
  for (int i = 0; i < pairs; ++i) {
    const int offset = (std::max(search_from - first, 0) / 2 + i) % pairs;
    const auto port = static_cast<uint16_t>(first + 2 * offset);
    const int rtp = BoundSocket({bind_address, port});
    if (rtp < 0) continue;
    const int rtcp = BoundSocket({bind_address, static_cast<uint16_t>(port + 1)});
    if (rtcp >= 0) {
      return std::unique_ptr<RtpSession>(new RtpSession(rtp, rtcp, port, std::move(events)));
    }
    close(rtp);
  }
  return Fail(fmt::format("no free pair of ports in {}-{}", range.first, range.last));
}

RtpSession::RtpSession(int rtp_fd, int rtcp_fd, uint16_t port, Events events)
    : rtp_fd_(rtp_fd),
      rtcp_fd_(rtcp_fd),
      port_(port),
      events_(std::move(events)),
      ssrc_(Random32()),
      sequence_(static_cast<uint16_t>(Random32() & 0x7fff)),
      timestamp_(Random32()) {}

RtpSession::~RtpSession() {
  close(rtp_fd_);
  close(rtcp_fd_);
}

void RtpSession::Play(Sound sound, double tone_hz, TimePoint now) {
  sound_ = sound;
  tone_.Set(sound == Sound::kTone ? tone_hz : 0);
  if (playing_) return;
  playing_ = true;
  next_frame_ = now;
  next_report_ = now + 1s;
}

void RtpSession::OnReadable() {
  std::array<uint8_t, kMaxPacket> buffer;
  for (int i = 0; i < kMaxReads; ++i) {
    const ssize_t count = recv(rtp_fd_, buffer.data(), buffer.size(), 0);
    if (count < 0) return;
    if (remote_) OnPacket(ByteView(buffer).first(static_cast<size_t>(count)));
  }
}

void RtpSession::OnPacket(ByteView packet) {
  const ByteView payload = PayloadOf(packet);
  if (payload.empty()) return;
  const uint8_t type = packet[1] & 0x7f;
  const bool is_event = remote_->event_type == type;
  if (!is_event && type != remote_->payload_type) return;
  if (is_event) {
    if (auto digit = listener_.OnEvent(LoadBe32(packet.data() + 4), payload)) OnDigit(*digit);
  } else {
    OnAudio(payload);
  }
  if (playing_ && sound_ == Sound::kEcho) Echo(packet);
}

void RtpSession::OnAudio(ByteView payload) {
  Heard heard;
  for (uint8_t byte : payload) {
    if (!meter_.Add(DecodeG711(remote_->codec, byte), heard)) continue;
    if (events_.on_heard) events_.on_heard(heard);
    if (next_report_ != kNever) next_report_ = MonotonicNow() + 1500ms;
  }
}

void RtpSession::OnDigit(char digit) {
  if (events_.on_digit) events_.on_digit(digit);
  if (sound_ == Sound::kReadDigitsBack && digits_.size() < kMaxDigits) digits_.push_back(digit);
}

// The peer's own numbering comes back with it, so that its losses stay visible to it; only the
// source is ours.
void RtpSession::Echo(ByteView packet) {
  Bytes copy(packet.begin(), packet.end());
  StoreBe32(copy.data() + 8, ssrc_);
  Send(copy);
}

void RtpSession::OnTick(TimePoint now) {
  if (!playing_) return;
  if (now - next_frame_ > kCatchUp) next_frame_ = now;
  for (; next_frame_ <= now; next_frame_ += kFrame) {
    if (sound_ != Sound::kEcho) SendFrame();
  }
  if (now < next_report_) return;
  // Audio that stopped is told, too: a test must not wait for a line that never comes.
  next_report_ = now + 1s;
  if (events_.on_heard) events_.on_heard(meter_.Take());
}

void RtpSession::NextDigitTone() {
  if (digit_frames_ > 0 && --digit_frames_ > kGapFrames) return;
  tone_.Set(0);
  if (digit_frames_ > 0 || digits_.empty()) return;
  const auto pair = DtmfPair(digits_.front());
  digits_.pop_front();
  if (!pair) return;
  tone_.Set(pair->first, pair->second);
  digit_frames_ = kDigitFrames + kGapFrames;
}

void RtpSession::SendFrame() {
  if (sound_ == Sound::kReadDigitsBack) NextDigitTone();
  std::array<int16_t, kFrameSamples> samples;
  tone_.Fill(samples);
  timestamp_ += kFrameSamples;
  if (!remote_) return;
  std::array<uint8_t, kRtpHeader + kFrameSamples> packet{};
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((std::exchange(first_packet_, false) ? 0x80 : 0) |
                                   remote_->payload_type);
  StoreBe16(packet.data() + 2, ++sequence_);
  StoreBe32(packet.data() + 4, timestamp_);
  StoreBe32(packet.data() + 8, ssrc_);
  for (size_t i = 0; i < samples.size(); ++i) {
    packet[kRtpHeader + i] = EncodeG711(remote_->codec, samples[i]);
  }
  Send(packet);
}

void RtpSession::Send(ByteView packet) {
  if (!remote_ || !remote_->receives) return;
  sockaddr_storage storage;
  const socklen_t length = remote_->rtp.ToSockaddr(storage);
  // A full buffer or a port that is gone loses the packet, as the network would.
  (void)sendto(rtp_fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&storage),
               length);
}

}  // namespace lastmile::demo_carrier
