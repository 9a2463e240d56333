#include "tests/component/demo_carrier/rtp_peer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <complex>
#include <numbers>

namespace lastmile::demo_carrier {
namespace {

constexpr size_t kHeader = 12;
constexpr uint32_t kSource = 0x1234abcd;
constexpr uint8_t kPcmaType = 8;
constexpr uint8_t kEventType = 101;

}  // namespace

RtpPeer::RtpPeer() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_storage storage;
  socklen_t length = Endpoint::Parse("127.0.0.1:0")->ToSockaddr(storage);
  EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&storage), length), 0);
  length = sizeof storage;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length);
  local_ = Endpoint::FromSockaddr(storage);
}

RtpPeer::~RtpPeer() { close(fd_); }

Bytes RtpPeer::Packet(uint8_t payload_type, bool marker, ByteView payload) {
  Bytes packet(kHeader);
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((marker ? 0x80 : 0) | payload_type);
  StoreBe16(packet.data() + 2, ++sequence_);
  StoreBe32(packet.data() + 4, timestamp_);
  StoreBe32(packet.data() + 8, kSource);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

void RtpPeer::Send(ByteView packet) {
  sockaddr_storage storage;
  const socklen_t length = remote_.ToSockaddr(storage);
  EXPECT_EQ(
      sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&storage), length),
      static_cast<ssize_t>(packet.size()));
}

void RtpPeer::SendDigit(uint8_t event) {
  timestamp_ += 1600;
  for (uint8_t part = 1; part <= 5; ++part) {
    const bool ends = part >= 3;
    const std::array<uint8_t, 4> payload = {event, static_cast<uint8_t>(ends ? 0x8a : 0x0a), 0,
                                            static_cast<uint8_t>(part * 40)};
    Send(Packet(kEventType, part == 1, payload));
  }
}

std::optional<Bytes> RtpPeer::Receive(Duration limit) {
  pollfd ready{fd_, POLLIN, 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  if (ms < 0 || poll(&ready, 1, static_cast<int>(ms)) != 1) return std::nullopt;
  Bytes packet(1500);
  const ssize_t count = recv(fd_, packet.data(), packet.size(), 0);
  if (count < 0) return std::nullopt;
  packet.resize(static_cast<size_t>(count));
  return packet;
}

void RtpPeer::Drain() {
  while (Receive(0s)) {
  }
}

Heard RtpPeer::Listen(Duration duration, ToneSource* source) {
  Heard last;
  ToneMeter meter;
  const TimePoint end = MonotonicNow() + duration;
  TimePoint next_send = MonotonicNow();
  while (MonotonicNow() < end) {
    if (source && MonotonicNow() >= next_send) {
      std::array<int16_t, 160> samples;
      std::array<uint8_t, 160> bytes;
      source->Fill(samples);
      for (size_t i = 0; i < samples.size(); ++i) {
        bytes[i] = EncodeG711(Codec::kPcma, samples[i]);
      }
      timestamp_ += 160;
      Send(Packet(kPcmaType, false, bytes));
      next_send += 20ms;
    }
    const auto packet = Receive((source ? next_send : end) - MonotonicNow());
    if (!packet || packet->size() <= kHeader || ((*packet)[1] & 0x7f) != kPcmaType) continue;
    for (size_t i = kHeader; i < packet->size(); ++i) {
      meter.Add(DecodeG711(Codec::kPcma, (*packet)[i]), last);
    }
  }
  return last;
}

std::vector<int16_t> RtpPeer::Record(Duration duration) {
  std::vector<int16_t> samples;
  const TimePoint end = MonotonicNow() + duration;
  while (MonotonicNow() < end) {
    const auto packet = Receive(end - MonotonicNow());
    if (!packet || packet->size() <= kHeader) continue;
    for (size_t i = kHeader; i < packet->size(); ++i) {
      samples.push_back(DecodeG711(Codec::kPcma, (*packet)[i]));
    }
  }
  return samples;
}

double RtpPeer::LevelOf(double hz, const std::vector<int16_t>& samples) const {
  std::complex<double> sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    sum += std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(i) / kSampleRate) *
           (samples[i] / 32768.0);
  }
  return samples.empty() ? 0 : std::abs(sum) / static_cast<double>(samples.size()) * std::sqrt(2.0);
}

}  // namespace lastmile::demo_carrier
