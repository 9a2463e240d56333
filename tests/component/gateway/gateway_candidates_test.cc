// S-10, S-12: an ICE-lite gateway sends no checks, so that the candidates of an offer are nothing
// it acts on, whatever their number and whomever they name. With full ICE it does, and looks first
// at whom.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "media_anchor/io/udp_socket.h"
#include "tests/component/gateway/gateway_fixture.h"
#include "tests/component/net/fake_dns.h"
#include "tests/support/loopback.h"

namespace lastmile::app {
namespace {

constexpr int kCandidates = 400;  // an SDP has 512 attributes at most
constexpr int kWatched = 100;

// In a network of its own, whose name server is the test's.
class GatewayCandidatesTest : public GatewayTest {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || system("ip link set lo up") != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "namespaces need the rights of root, iproute2, and a root that is a mount";
    }
    std::ofstream(resolv_conf_) << "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
    ASSERT_EQ(mount(resolv_conf_.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr), 0);
    mounted_ = true;
    dns_ = std::make_unique<net::FakeDns>(std::map<std::string, net::FakeName>{}, "127.0.0.1:53");
    GatewayTest::SetUp();
  }
  void TearDown() override {
    if (gateway_) GatewayTest::TearDown();
    if (mounted_) umount("/etc/resolv.conf");
    std::filesystem::remove(resolv_conf_);
  }

  // One call whose offer has kCandidates, the best of them watched. With `reached` the phone sends
  // no checks, and so many of those it names are waited for, and then for more.
  void CallNamingMany(std::optional<int> reached = std::nullopt);
  void Look(std::vector<media::UdpSocket>& named);

  int reached_ = 0;    // watched addresses that something came to
  int questions_ = 0;  // to the name server, for names of the offer
  const std::string resolv_conf_ =
      ::testing::TempDir() + "lastmile_candidates." + std::to_string(getpid());
  std::unique_ptr<net::FakeDns> dns_;
  bool mounted_ = false;
};

void GatewayCandidatesTest::Look(std::vector<media::UdpSocket>& named) {
  std::array<uint8_t, 2048> room;
  Endpoint from;
  std::erase_if(named, [&](media::UdpSocket& socket) {
    const bool reached = socket.Receive(room, from).has_value();
    reached_ += reached;
    return reached;
  });
}

void GatewayCandidatesTest::CallNamingMany(std::optional<int> reached) {
  std::vector<media::UdpSocket> named;
  std::vector<std::string> candidates;
  std::vector<std::string> names;
  for (int i = 0; i < kCandidates; ++i) {
    std::string address = "127.0.0.9";
    int port = 40'000 + i;
    if (i < kWatched) {
      auto socket = media::UdpSocket::Bind({test::Loopback(9), 0});
      ASSERT_TRUE(socket);
      port = socket->local().port;
      named.push_back(std::move(*socket));
    } else if (i % 2 == 1) {
      address = i % 4 == 1 ? fmt::format("h{}.victim.test", i) : fmt::format("{}-mdns.local", i);
      names.push_back(address);
    }
    candidates.push_back(
        fmt::format("{} 1 udp {} {} {} typ host", i, 2'130'706'431 - i, address, port));
  }
  test::BrowserPhone phone({.server = ws_,
                            .origin = "http://phone.example",
                            .domain = "gw.example",
                            .user = "user0",
                            .password = "secret of user0",
                            .candidates = candidates});
  Add(phone);
  phone.Register();
  ASSERT_TRUE(Until([&] { return phone.register_status() == 200; }));
  auto& call = phone.Dial("600");
  if (reached) test::BrowserPhone::LoseMedia(call);
  ASSERT_TRUE(Until([&] { return call.state == State::kTalking; })) << call.status;
  test::SipPhone::Call* const at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  if (!reached) {
    ExpectAudioBothWays(phone, call, *at_carrier, 20);
  } else {
    ASSERT_TRUE(Until([&] {
      Look(named);
      return reached_ >= *reached;
    }));
    const TimePoint later = MonotonicNow() + 1s;  // fifty more checks
    ASSERT_TRUE(Until([&] { return MonotonicNow() >= later; }));
  }
  phone.HangUp(call);
  ASSERT_TRUE(Until([&] { return call.state == State::kEnded; }));
  Look(named);
  for (const std::string& name : names) questions_ += dns_->Answered(name);
  std::printf(
      "S-10: an offer with %d candidates: packets to %d of those it names\n"
      "S-12: %zu of them are names: %d questions to the name server\n",
      kCandidates, reached_, names.size(), questions_);
  Remove(phone);
  ExpectIdle();
}

TEST_F(GatewayCandidatesTest, S10_S12_CandidatesOfAnyNumberOrNameCauseNoPacketAndNoQuestion) {
  CallNamingMany();
  EXPECT_EQ(reached_, 0);
  EXPECT_EQ(questions_, 0);
}

class FullIceCandidatesTest : public GatewayCandidatesTest {
 protected:
  void Configure(Config& config) override { config.full_ice.emplace(); }
};

TEST_F(FullIceCandidatesTest, S10_S12_PrivateAddressesAreSentNoChecksAndNamesAreNotResolved) {
  CallNamingMany(0);
  EXPECT_EQ(reached_, 0);
  EXPECT_EQ(questions_, 0);
}

class FullIcePrivateCandidatesTest : public GatewayCandidatesTest {
 protected:
  void Configure(Config& config) override { config.full_ice.emplace().private_peers = true; }
};

TEST_F(FullIcePrivateCandidatesTest, S10_S12_WhereTheyAreTheBestThirtyTwoAre) {
  CallNamingMany(32);
  EXPECT_EQ(reached_, 32);
  EXPECT_EQ(questions_, 0);
}

}  // namespace
}  // namespace lastmile::app
