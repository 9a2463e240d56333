#include "tests/bench/load/relay_run.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <list>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/random.h"
#include "tests/bench/load/load_loop.h"
#include "tests/bench/load/media_leg.h"
#include "tests/bench/load/ng_client.h"
#include "tests/support/plain_rtp_peer.h"
#include "tests/support/sip_phone.h"

namespace lastmile::bench {
namespace {

const IpAddress kLoopback = IpAddress::V4(0x7f000001);

// One end of a call on a socket of its own.
class End final : public Readable {
 public:
  End(LoadLoop& loop, uint32_t number, Tally& tally)
      : peer_(kLoopback), leg_(peer_.fd(), number, tally) {
    loop.Watch(peer_.fd(), *this);
  }
  void OnReadable(TimePoint) override { leg_.Read(); }
  MediaLeg& leg() { return leg_; }
  uint16_t port() const { return peer_.rtp().port; }

 private:
  test::PlainRtpPeer peer_;
  MediaLeg leg_;
};

std::string SuiteOf(bool gcm) { return gcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80"; }

media::SrtpProfile ProfileOf(bool gcm) {
  return gcm ? media::SrtpProfile::kAeadAes128Gcm : media::SrtpProfile::kAes128CmHmacSha1_80;
}

// RFC 4568 section 6.1: key and salt, base64.
std::string Inline(const media::SrtpKeys& keys) {
  Bytes both = keys.master_key;
  both.insert(both.end(), keys.master_salt.begin(), keys.master_salt.end());
  std::array<unsigned char, 64> text;
  const int size = EVP_EncodeBlock(text.data(), both.data(), static_cast<int>(both.size()));
  return std::string(text.begin(), text.begin() + size);
}

Result<media::SrtpKeys> KeysIn(const std::string& sdp, bool gcm) {
  media::SrtpKeys keys{.profile = ProfileOf(gcm)};
  const std::string crypto = test::SdpValue(sdp, "a=crypto:");
  const std::string start = "inline:";
  const size_t at = crypto.find(start);
  if (at == std::string::npos || crypto.find(SuiteOf(gcm)) == std::string::npos) {
    return Fail("rtpengine's SDP has no key of " + SuiteOf(gcm));
  }
  std::string text = crypto.substr(at + start.size(), 40);
  text.resize(40, '=');  // rtpengine leaves out the padding
  std::array<unsigned char, 64> bytes;
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), 40);
  const auto salt = bytes.begin() + static_cast<ptrdiff_t>(media::MasterKeySize(keys.profile));
  keys.master_key.assign(bytes.begin(), salt);
  keys.master_salt.assign(salt, salt + static_cast<ptrdiff_t>(media::MasterSaltSize(keys.profile)));
  return keys;
}

std::string Description(uint16_t port, const std::string& protocol, const std::string& more) {
  return fmt::format(
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio {} {} 8\r\na=rtpmap:8 PCMA/8000\r\n{}a=sendrecv\r\n",
      port, protocol, more);
}

void ConnectTo(End& end, const std::string& sdp) {
  const std::string section = test::SdpValue(sdp, "m=audio ");
  uint16_t port = 0;
  std::from_chars(section.data(), section.data() + section.size(), port);
  end.leg().Connect({kLoopback, port});
}

media::SrtpKeys RandomKeys(bool gcm) {
  SystemRandom random;
  media::SrtpKeys keys{.profile = ProfileOf(gcm)};
  keys.master_key.resize(media::MasterKeySize(keys.profile));
  keys.master_salt.resize(media::MasterSaltSize(keys.profile));
  random.Fill(keys.master_key);
  random.Fill(keys.master_salt);
  return keys;
}

Result<void> SetUp(NgClient& ng, const std::string& call_id, bool gcm, End& client, End& carrier) {
  const media::SrtpKeys own = RandomKeys(gcm);
  const auto offered = ng.Describe(
      "offer", call_id,
      Description(client.port(), "RTP/SAVP",
                  fmt::format("a=crypto:1 {} inline:{}\r\n", SuiteOf(gcm), Inline(own))),
      {{"transport-protocol", NgClient::Text("RTP/AVP")}, {"ICE", NgClient::Text("remove")}});
  if (!offered) return std::unexpected(offered.error());
  const auto answered =
      ng.Describe("answer", call_id, Description(carrier.port(), "RTP/AVP", ""), {});
  if (!answered) return std::unexpected(answered.error());
  const auto theirs = KeysIn(*answered, gcm);
  if (!theirs) return std::unexpected(theirs.error());
  ConnectTo(carrier, *offered);
  ConnectTo(client, *answered);
  client.leg().SetKeys({.send = own, .receive = *theirs});
  return {};
}

}  // namespace

Result<nlohmann::json> RunRelay(const RelayOptions& options, const ProcessMeter& meter) {
  LoadLoop loop;
  Tally tally;
  NgClient ng(options.ng);
  std::list<End> ends;
  std::vector<MediaLeg*> legs;
  const Duration before = meter.Cpu();
  for (uint32_t i = 0; i < static_cast<uint32_t>(options.calls); ++i) {
    End& client = ends.emplace_back(loop, 2 * i, tally);
    End& carrier = ends.emplace_back(loop, 2 * i + 1, tally);
    const auto up = SetUp(ng, "relay-" + std::to_string(i), options.gcm, client, carrier);
    if (!up) return std::unexpected(up.error());
    legs.push_back(&client.leg());
    legs.push_back(&carrier.leg());
  }
  const Duration set_up = meter.Cpu() - before;
  nlohmann::json result = PumpMedia(loop, legs, tally, meter, options.pump, [](TimePoint) {});
  result["setup_ms"] = std::chrono::duration<double, std::milli>(set_up).count() / options.calls;
  return result;
}

}  // namespace lastmile::bench
