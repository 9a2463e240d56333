#include "tests/bench/load/media_leg.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace lastmile::bench {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kPayload = 160;
constexpr uint8_t kPcma = 8;
constexpr uint8_t kSilence = 0xd5;  // of A-law
constexpr int64_t kNsPerSecond = 1'000'000'000;

void StoreBe64(uint8_t* p, uint64_t v) {
  StoreBe32(p, static_cast<uint32_t>(v >> 32));
  StoreBe32(p + 4, static_cast<uint32_t>(v));
}

int64_t LoadStamp(const uint8_t* p) {
  return static_cast<int64_t>(uint64_t{LoadBe32(p)} << 32 | LoadBe32(p + 4));
}

int64_t ArrivalOf(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec at;
    std::memcpy(&at, CMSG_DATA(c), sizeof at);
    return at.tv_sec * kNsPerSecond + at.tv_nsec;
  }
  return WallNs();
}

std::unique_ptr<media::SrtpTransform> MakeTransform(const media::SrtpKeys& keys,
                                                    media::SrtpDirection direction) {
  auto made = media::MakeEvpSrtp(keys, direction);
  if (made) return *std::move(made);
  std::fprintf(stderr, "SRTP: %s\n", made.error().message.c_str());
  std::exit(1);
}

}  // namespace

int64_t WallNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

MediaLeg::MediaLeg(int fd, uint32_t number, Tally& tally)
    : fd_(fd), tally_(tally), ssrc_(0x10000000 + number) {
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

void MediaLeg::Connect(const Endpoint& remote) {
  sockaddr_storage storage{};
  const socklen_t size = remote.ToSockaddr(storage);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&storage), size) != 0) std::perror("MediaLeg");
}

void MediaLeg::SetKeys(const media::StreamKeys& keys) {
  protect_ = MakeTransform(keys.send, media::SrtpDirection::kSend);
  unprotect_ = MakeTransform(keys.receive, media::SrtpDirection::kReceive);
}

void MediaLeg::Send() {
  std::array<uint8_t, kHeader + kPayload + media::SrtpTransform::kMaxTrailer> packet;
  packet.fill(kSilence);
  packet[0] = 0x80;
  packet[1] = kPcma;
  StoreBe16(&packet[2], ++sequence_);
  StoreBe32(&packet[4], timestamp_ += kPayload);
  StoreBe32(&packet[8], ssrc_);
  const int64_t now = WallNs();
  StoreBe64(&packet[kHeader], static_cast<uint64_t>(now));
  size_t size = kHeader + kPayload;
  if (protect_) size = protect_->ProtectRtp(packet, size).value_or(0);
  tally_.sent += now >= tally_.from_ns && now < tally_.until_ns;
  // What the kernel does not take is lost, and shows as such.
  static_cast<void>(send(fd_, packet.data(), size, MSG_DONTWAIT));
}

std::optional<MutableByteView> MediaLeg::Read() {
  static std::array<uint8_t, kRoom> room;
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(timespec))];
  iovec vector{.iov_base = room.data(), .iov_len = room.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd_, &header, MSG_DONTWAIT);
  if (got < 2) return std::nullopt;
  const MutableByteView datagram = MutableByteView(room).first(static_cast<size_t>(got));
  if (datagram[0] < 0x80) return datagram;
  const bool is_rtcp = datagram[1] >= 192 && datagram[1] <= 223;
  if (!is_rtcp) OnRtp(datagram, ArrivalOf(header));
  return std::nullopt;
}

void MediaLeg::OnRtp(MutableByteView packet, int64_t arrived_ns) {
  const size_t size = unprotect_ ? unprotect_->UnprotectRtp(packet).value_or(0) : packet.size();
  if (size != kHeader + kPayload || packet[size - 1] != kSilence) {
    ++tally_.refused;
    return;
  }
  const int64_t left_ns = LoadStamp(&packet[kHeader]);
  if (left_ns < tally_.from_ns || left_ns >= tally_.until_ns) return;
  ++tally_.received;
  tally_.delays_ns.push_back(static_cast<uint32_t>(std::max<int64_t>(arrived_ns - left_ns, 0)));
}

}  // namespace lastmile::bench
