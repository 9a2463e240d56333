// One byte chooses. 0: a datagram as it is for the lite agent. 1: attributes under a right header,
// integrity and fingerprint, so that what stands behind the authentication is reached too. 2: a row
// of datagrams of all kinds for a browser leg, from its browser and from a stranger.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/bytes.h"
#include "media_anchor/core/dtls/dtls_transport.h"
#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/webrtc_leg.h"
#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

const IceCredentials kLocal{"gwUf", "gatewaypasswordof24chars"};
const char kRemoteUfrag[] = "bRwS";
const Path kBrowser{{IpAddress::V4(0xc6336414), 5000}, IpAddress::V4(0xc0000201)};
const Path kStranger{{IpAddress::V4(0xcb007105), 6000}, IpAddress::V4(0xc0000201)};

void Agent(ByteView datagram) {
  LocalUfragOf(datagram);
  IceLite ice(kLocal);
  ice.SetRemoteUfrag(kRemoteUfrag);
  std::array<uint8_t, IceLite::kMaxReply> reply;
  const auto result = ice.OnDatagram(datagram, kBrowser, TimePoint{}, reply);
  if (result.reply_size > reply.size() || ice.IsValidated(kBrowser) != result.authenticated ||
      ice.IsValidated(kStranger)) {
    std::abort();
  }
}

Bytes Signed(ByteView attributes) {
  test::StunBuilder builder(test::kStunBindingRequest);
  while (attributes.size() >= 3) {
    const auto type = static_cast<uint16_t>(LoadBe16(attributes.data()));
    const size_t size = std::min<size_t>(attributes[2], attributes.size() - 3);
    builder.Attribute(type, attributes.subspan(3, size));
    attributes = attributes.subspan(3 + size);
  }
  return builder.Integrity(kLocal.pwd).Fingerprint().Build();
}

// Whether the datagram proves that its sender knows our password.
bool IsCheck(ByteView datagram) {
  IceLite ice(kLocal);
  ice.SetRemoteUfrag(kRemoteUfrag);
  std::array<uint8_t, IceLite::kMaxReply> reply;
  return ice.OnDatagram(datagram, kStranger, TimePoint{}, reply).authenticated;
}

void Feed(WebrtcLeg& leg, ByteView datagram, const Path& path, TimePoint now) {
  Bytes room(std::max(datagram.size(), IceLite::kMaxReply));
  std::ranges::copy(datagram, room.begin());
  const auto inbound = leg.OnDatagram(room, datagram.size(), path, now);
  // Nobody has keys here.
  if (inbound.kind == WebrtcLeg::Inbound::Kind::kRtp ||
      inbound.kind == WebrtcLeg::Inbound::Kind::kRtcp ||
      inbound.bytes.size() > IceLite::kMaxReply) {
    std::abort();
  }
  for (Bytes out; leg.PopDatagram(out);) {
  }
}

void Leg(ByteView bytes) {
  static const std::unique_ptr<DtlsContext> context = *DtlsContext::Create();
  WebrtcLeg leg(*context, kLocal);
  TimePoint now{};
  leg.SetRemote({.ice_ufrag = kRemoteUfrag,
                 .ice_pwd = "browserpasswordof24chars",
                 .fingerprints = {{"sha-256", Bytes(32, 0xab)}}},
                now);
  Feed(leg,
       test::BuildCheck({.username = kLocal.ufrag + ":" + kRemoteUfrag,
                         .pwd = kLocal.pwd,
                         .use_candidate = true}),
       kBrowser, now);
  if (!leg.HasRemote(kBrowser.remote)) std::abort();
  bool stranger_checked = false;
  while (bytes.size() >= 3) {
    const size_t size = std::min<size_t>(LoadBe16(bytes.data()) % 2048, bytes.size() - 3);
    const uint8_t how = bytes[2];
    now += Duration(how / 2 * 10ms);
    if (leg.next_timeout() <= now) leg.OnTimer(now);
    const ByteView datagram = bytes.subspan(3, size);
    Feed(leg, datagram, how % 2 == 0 ? kBrowser : kStranger, now);
    stranger_checked |= how % 2 != 0 && IsCheck(datagram);
    if (leg.HasRemote(kStranger.remote) != stranger_checked) std::abort();
    bytes = bytes.subspan(3 + size);
  }
}

}  // namespace
}  // namespace lastmile::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile::media;
  if (size == 0) return 0;
  const lastmile::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      Agent(bytes);
      break;
    case 1:
      Agent(Signed(bytes));
      break;
    default:
      Leg(bytes);
  }
  return 0;
}
