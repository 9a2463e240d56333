#include "tests/support/sip_carrier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "tests/support/plain_rtp_peer.h"

namespace lastmile::test {
namespace {

const IpAddress kAddress = IpAddress::V4(0x7f000001);

class PlainAudio final : public CallMedia {
 public:
  std::string Describe(bool) override {
    const media::TrunkRemote own = peer_.Description();
    return fmt::format(
        "v=0\r\no=carrier 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\n"
        "m=audio {1} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=rtcp:{2}\r\na=sendrecv\r\n",
        own.rtp.address.ToString(), own.rtp.port, own.rtcp.port);
  }
  void TakeRemote(const std::string& sdp) override {
    const auto address = IpAddress::Parse(SdpValue(sdp, "c=IN IP4 "));
    const std::string section = SdpValue(sdp, "m=audio ");
    ASSERT_TRUE(address) << sdp;
    remote_.address = *address;
    std::from_chars(section.data(), section.data() + section.size(), remote_.port);
  }
  bool ready() const override { return remote_.port != 0; }
  void Send(const TestRtp& packet) override { peer_.Send(packet, remote_); }
  std::optional<TestRtp> Receive() override {
    auto got = peer_.Receive();
    if (!got) return std::nullopt;
    EXPECT_EQ(got->second, remote_) << "RTP came from elsewhere than the gateway's SDP says";
    return std::move(got->first);
  }
  void OnTurn(TimePoint) override {}
  int fd() const override { return peer_.fd(); }

 private:
  PlainRtpPeer peer_{kAddress};
  Endpoint remote_;
};

}  // namespace

SipCarrier::SipCarrier(uint16_t port)
    : SipPhone("15550100"), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_storage storage{};
  socklen_t size = Endpoint{kAddress, port}.ToSockaddr(storage);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&storage), size), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  size = sizeof storage;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &size);
  local_ = Endpoint::FromSockaddr(storage);
}

SipCarrier::~SipCarrier() {
  for (const auto& [fd, framer] : streams_) close(fd);
  close(listener_);
}

void SipCarrier::AddDescriptors(std::vector<pollfd>& out) const {
  SipPhone::AddDescriptors(out);
  out.push_back({listener_, POLLIN, 0});
  for (const auto& [fd, framer] : streams_) out.push_back({fd, POLLIN, 0});
}

void SipCarrier::OnTurn(TimePoint now) {
  pollfd waiting{listener_, POLLIN, 0};
  if (poll(&waiting, 1, 0) == 1) {
    ++accepted_;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    streams_[fd];
  }
  for (auto at = streams_.begin(); at != streams_.end();) {
    const int fd = at->first;
    if (Read(fd)) {
      ++at;
      continue;
    }
    if (fd == out_) out_ = -1;
    close(fd);
    at = streams_.erase(at);
  }
  SipPhone::OnTurn(now);
}

// False: the stream has ended.
bool SipCarrier::Read(int fd) {
  std::array<uint8_t, 16 * 1024> room;
  const ssize_t got = recv(fd, room.data(), room.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return false;
  sip::Framer::Output out;
  const auto pushed = streams_[fd].Push(ByteView(room).first(static_cast<size_t>(got)), out);
  EXPECT_TRUE(pushed) << pushed.error().reason;
  for (; out.pings > 0; --out.pings) SendText(static_cast<uint64_t>(fd), "\r\n");
  for (const std::string& text : out.messages) OnText(static_cast<uint64_t>(fd), text);
  return pushed.has_value();
}

void SipCarrier::SendText(uint64_t flow, const std::string& text) {
  EXPECT_EQ(send(static_cast<int>(flow), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

std::unique_ptr<CallMedia> SipCarrier::MakeMedia() { return std::make_unique<PlainAudio>(); }

uint64_t SipCarrier::OutgoingFlow() {
  if (out_ < 0) {
    out_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage{};
    const socklen_t size = gateway_.ToSockaddr(storage);
    EXPECT_EQ(connect(out_, reinterpret_cast<sockaddr*>(&storage), size), 0);
    streams_[out_];
  }
  return static_cast<uint64_t>(out_);
}

sip::Via SipCarrier::OwnVia() const {
  return {.transport = "TCP", .sent_by = local_.ToString(), .params = {}};
}

sip::NameAddr SipCarrier::OwnContact() const {
  sip::NameAddr contact;
  contact.uri.user = "carrier";
  contact.uri.host = local_.address.ToString();
  contact.uri.port = local_.port;
  contact.uri.params.Set("transport", "tcp");
  return contact;
}

sip::Uri SipCarrier::DomainUri() const {
  sip::Uri uri;
  uri.host = gateway_.address.ToString();
  uri.port = gateway_.port;
  return uri;
}

}  // namespace lastmile::test
