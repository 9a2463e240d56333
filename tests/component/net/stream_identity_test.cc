#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>

#include <fstream>

#include "gateway/net/stream_hub.h"
#include "tests/component/net/hub_world.h"
#include "tests/component/net/openssl_peer.h"
#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// Both sides of TLS identity, against OpenSSL's own server where we are the client.
class StreamIdentity : public ::testing::Test {
 protected:
  ConnectOptions To(const Endpoint& server, TlsClientOptions tls) const {
    if (tls.server_name.empty()) tls.server_name = "sip.example";
    if (tls.ca_file.empty()) tls.ca_file = ca_.cert_file();
    return {.host = server.address.ToString(), .port = server.port, .use_tls = true, .tls = tls};
  }
  bool Opens(const Endpoint& server, const TlsClientOptions& tls) {
    const StreamId id = world_.hub->Connect(To(server, tls));
    return world_.RunUntil([&] { return world_.heard[id].open || world_.heard[id].closed; }) &&
           world_.heard[id].open;
  }
  // What is wrong with the peer, without its name.
  StreamEnd Refusal(const Endpoint& server, const TlsClientOptions& tls) {
    const StreamId id = world_.hub->Connect(To(server, tls));
    const std::string reason = world_.ReasonOf(id);
    const std::string name = server.ToString() + " ";
    EXPECT_TRUE(reason.starts_with(name)) << reason;
    return {world_.heard[id].fault, reason.substr(std::min(reason.size(), name.size()))};
  }
  StreamEnd RefusalOf(const TestCertificate& shown, const OpenSslPeer::Options& options = {}) {
    const OpenSslPeer server(shown, options);
    const StreamEnd end = Refusal(server.address(), {});
    EXPECT_EQ(server.handshakes(), 0);
    return end;
  }

  TestCertificate ca_{{.common_name = "Test Authority", .is_ca = true}, nullptr};
  TestCertificate other_ca_{{.common_name = "Other Authority", .is_ca = true}, nullptr};
  TestCertificate good_{{.alternatives = "DNS:sip.example"}, &ca_};
  HubWorld world_;
};

// --- whom we connect to ---

TEST_F(StreamIdentity, EachFaultOfACertificateHasItsSentence) {
  const TestCertificate own{{.alternatives = "DNS:sip.example"}, nullptr};
  StreamEnd end = RefusalOf(own);
  EXPECT_EQ(end.fault, StreamFault::kSelfSigned);
  EXPECT_EQ(end.reason, "has a self-signed certificate");

  const TestCertificate foreign{{.alternatives = "DNS:sip.example"}, &other_ca_};
  end = RefusalOf(foreign);
  EXPECT_EQ(end.fault, StreamFault::kAuthority);
  EXPECT_EQ(end.reason, "has a certificate of an authority that is not trusted (Other Authority)");

  const TestCertificate named{{.alternatives = "DNS:a.example,DNS:b.example"}, &ca_};
  end = RefusalOf(named);
  EXPECT_EQ(end.fault, StreamFault::kWrongName);
  EXPECT_EQ(end.reason, "has a certificate for a.example, b.example, not for sip.example");

  const TestCertificate old{
      {.alternatives = "DNS:sip.example", .valid_from_days = -9, .valid_to_days = -2}, &ca_};
  end = RefusalOf(old);
  EXPECT_EQ(end.fault, StreamFault::kExpired);
  EXPECT_THAT(end.reason, MatchesRegex("has a certificate which expired on [-0-9]{10}"));

  const TestCertificate early{{.alternatives = "DNS:sip.example", .valid_from_days = 2}, &ca_};
  end = RefusalOf(early);
  EXPECT_EQ(end.fault, StreamFault::kNotYetValid);
  EXPECT_THAT(end.reason, MatchesRegex("has a certificate which is not valid before [-0-9]{10}"));

  const TestCertificate usage{{.alternatives = "DNS:sip.example", .extended_usage = "clientAuth"},
                              &ca_};
  end = RefusalOf(usage);
  EXPECT_EQ(end.fault, StreamFault::kWrongUsage);
  EXPECT_EQ(end.reason, "has a certificate which is not meant for TLS servers");
}

TEST_F(StreamIdentity, OldVersionsOfTlsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const StreamEnd end = RefusalOf(good_, {.max_version = version});
    EXPECT_EQ(end.fault, StreamFault::kTlsVersion);
    EXPECT_THAT(end.reason, HasSubstr("does not speak TLS 1.2 or newer"));
  }
  const OpenSslPeer server(good_, {.max_version = TLS1_2_VERSION});
  EXPECT_TRUE(Opens(server.address(), {}));
}

TEST_F(StreamIdentity, TheSameAddressUnderASecondNameIsAnotherServer) {
  const OpenSslPeer server(good_, {});
  ASSERT_TRUE(Opens(server.address(), {.server_name = "sip.example"}));
  EXPECT_EQ(server.server_name(), "sip.example");
  // OpenSSL's server takes one peer after the other.
  world_.hub->Close(world_.heard.begin()->first, "done");
  const StreamEnd end = Refusal(server.address(), {.server_name = "sip.second.example"});
  EXPECT_EQ(end.fault, StreamFault::kWrongName);
  EXPECT_EQ(end.reason, "has a certificate for sip.example, not for sip.second.example");
}

TEST_F(StreamIdentity, APinIsAskedForBesidesTheChain) {
  const OpenSslPeer server(good_, {});
  EXPECT_EQ(Refusal(server.address(), {.pins = {ca_.pin()}}).fault, StreamFault::kPin);
  EXPECT_EQ(Refusal(server.address(), {.pins = {ca_.pin()}}).reason,
            "has a key that is not pinned: " + good_.pin());
  EXPECT_TRUE(Opens(server.address(), {.pins = {ca_.pin(), good_.pin()}}));
  const TestCertificate own{{.alternatives = "DNS:sip.example"}, nullptr};
  const OpenSslPeer unsigned_server(own, {});
  EXPECT_EQ(Refusal(unsigned_server.address(), {.pins = {own.pin()}}).fault,
            StreamFault::kSelfSigned);
}

TEST_F(StreamIdentity, InsecureLeavesThePinAloneToDecide) {
  const TestCertificate own{{.alternatives = "DNS:else.example", .valid_to_days = -1}, nullptr};
  const OpenSslPeer server(own, {});
  EXPECT_EQ(Refusal(server.address(), {.pins = {good_.pin()}, .insecure = true}).reason,
            "has a key that is not pinned: " + own.pin());
  EXPECT_TRUE(Opens(server.address(), {.pins = {own.pin()}, .insecure = true}));
  const OpenSslPeer unpinned(own, {});
  EXPECT_TRUE(Opens(unpinned.address(), {.insecure = true}));
}

TEST_F(StreamIdentity, ShowsItsCertificateToAServerThatAsks) {
  const TestCertificate ours{{.common_name = "lastmile", .extended_usage = "clientAuth"}, &ca_};
  const OpenSslPeer server(good_, {.required_issuer = &ca_});
  ASSERT_TRUE(
      Opens(server.address(), {.cert_file = ours.cert_file(), .key_file = ours.key_file()}));
  ASSERT_TRUE(world_.RunUntil([&] { return server.handshakes() == 1; }));
  EXPECT_EQ(server.client_name(), "lastmile");
}

TEST_F(StreamIdentity, AServerThatMissesOrRefusesOurCertificateIsToldSo) {
  const OpenSslPeer server(good_, {.required_issuer = &ca_});
  StreamEnd end = Refusal(server.address(), {});
  EXPECT_EQ(end.fault, StreamFault::kOwnCertificate);
  EXPECT_EQ(end.reason, "wants to see a certificate of ours, and there is none for it");
  const TestCertificate foreign{{.common_name = "lastmile"}, &other_ca_};
  end =
      Refusal(server.address(), {.cert_file = foreign.cert_file(), .key_file = foreign.key_file()});
  EXPECT_EQ(end.fault, StreamFault::kOwnCertificate);
  EXPECT_THAT(end.reason, HasSubstr("refuses our certificate " + foreign.cert_file()));
  EXPECT_EQ(server.handshakes(), 0);
}

// --- who connects to us ---

class StreamClients : public StreamIdentity {
 protected:
  // Connects with that certificate; what the listener learned.
  VerifiedPeer VerifiedOf(const TestCertificate* shown) {
    const size_t before = world_.Inbound().size();
    TlsClientOptions tls;
    if (shown) tls = {.cert_file = shown->cert_file(), .key_file = shown->key_file()};
    const StreamId id = world_.hub->Connect(To(server_, tls));
    EXPECT_TRUE(
        world_.RunUntil([&] { return world_.heard[id].open && world_.Inbound().size() > before; }));
    const auto& inbound = world_.heard[world_.Inbound().back()];
    EXPECT_TRUE(inbound.tls);
    EXPECT_FALSE(inbound.closed);
    return inbound.verified;
  }

  const TlsServerOptions listener_{.cert_file = good_.cert_file(),
                                   .key_file = good_.key_file(),
                                   .client_ca_files = {ca_.cert_file(), other_ca_.cert_file()}};
  const Endpoint server_ = world_.Listen(&listener_);
};

TEST_F(StreamClients, AVerifiedCertificateGivesItsNamesAndWhoVouches) {
  const TestCertificate client{
      {.alternatives = "DNS:SIP.Acme.example,DNS:*.wild.example,IP:127.0.0.1"}, &ca_};
  VerifiedPeer peer = VerifiedOf(&client);
  EXPECT_THAT(peer.names, ElementsAre("sip.acme.example"));
  EXPECT_THAT(peer.authorities, ElementsAre(ca_.cert_file()));
  const TestCertificate second{{.alternatives = "URI:sip:beta.example,DNS:host.beta.example"},
                               &other_ca_};
  peer = VerifiedOf(&second);
  EXPECT_THAT(peer.names, ElementsAre("beta.example"));
  EXPECT_THAT(peer.authorities, ElementsAre(other_ca_.cert_file()));
}

TEST_F(StreamClients, WhoIsNotVerifiedHasNoNameAndIsLetIn) {
  const TestCertificate own{{.alternatives = "DNS:sip.acme.example"}, nullptr};
  const TestCertificate old{{.alternatives = "DNS:sip.acme.example", .valid_to_days = -1}, &ca_};
  const TestCertificate server_only{
      {.alternatives = "DNS:sip.acme.example", .extended_usage = "serverAuth"}, &ca_};
  const TestCertificate common_name_only{{.common_name = "sip.acme.example"}, &ca_};
  const std::vector<std::pair<const TestCertificate*, std::string>> faults = {
      {nullptr, ""},
      {&own, "has a self-signed certificate"},
      {&old, "has a certificate which expired on [-0-9]{10}"},
      {&server_only, "has a certificate which is not meant for TLS clients"},
      {&common_name_only, "has a certificate without a SIP domain"}};
  for (const auto& [shown, fault] : faults) {
    const VerifiedPeer peer = VerifiedOf(shown);
    EXPECT_THAT(peer.names, IsEmpty());
    EXPECT_THAT(peer.authorities, IsEmpty());
    EXPECT_THAT(peer.fault, MatchesRegex(fault));
  }
}

TEST_F(StreamClients, AListenerWithoutAuthoritiesAsksForNothing) {
  const TlsServerOptions plain{.cert_file = good_.cert_file(), .key_file = good_.key_file()};
  const Endpoint server = world_.Listen(&plain);
  const TestCertificate client{{.alternatives = "DNS:sip.acme.example"}, &ca_};
  ASSERT_TRUE(Opens(server, {.cert_file = client.cert_file(), .key_file = client.key_file()}));
  ASSERT_TRUE(world_.RunUntil([&] { return world_.Inbound().size() == 1; }));
  EXPECT_THAT(world_.heard[world_.Inbound()[0]].verified.names, IsEmpty());
}

// --- what changes while streams are open ---

TEST_F(StreamIdentity, ANewCertificateIsForNewConnectionsAndDropsNone) {
  const TestCertificate shown{{.alternatives = "DNS:sip.example"}, &ca_};
  const TlsServerOptions listener{.cert_file = shown.cert_file(), .key_file = shown.key_file()};
  const Endpoint server = world_.Listen(&listener);
  const StreamId standing = world_.hub->Connect(To(server, {}));
  ASSERT_TRUE(world_.RunUntil([&] { return world_.heard[standing].open; }));
  const TestCertificate renewed{{.alternatives = "DNS:sip.renewed.example"}, &ca_};
  shown.ReplaceFilesBy(renewed);
  const TimePoint start = MonotonicNow();
  bool seen = false;
  while (!seen && MonotonicNow() - start < 5s) {
    seen = Opens(server, {.server_name = "sip.renewed.example"});
  }
  EXPECT_TRUE(seen);
  world_.hub->Send(standing, "still here");
  EXPECT_TRUE(world_.RunUntil([&] { return world_.heard[standing].bytes == "still here"; }));
  EXPECT_FALSE(world_.heard[standing].closed);
}

// OpenSSL asks the wall clock in the handshake, and nothing else does: a step forward over the end
// of a certificate, which time itself takes here, ends no stream.
TEST_F(StreamIdentity, TheEndOfACertificateEndsNoStream) {
  const TestCertificate brief{
      {.alternatives = "DNS:sip.example", .valid_to_days = 0, .valid_to_seconds = 4}, &ca_};
  const TlsServerOptions listener{.cert_file = brief.cert_file(), .key_file = brief.key_file()};
  const Endpoint server = world_.Listen(&listener);
  const StreamId standing = world_.hub->Connect(To(server, {}));
  ASSERT_TRUE(world_.RunUntil([&] { return world_.heard[standing].open; }));
  StreamFault fault = StreamFault::kNone;
  for (const TimePoint start = MonotonicNow();
       fault == StreamFault::kNone && MonotonicNow() - start < 15s;) {
    const StreamId id = world_.hub->Connect(To(server, {}));
    world_.RunUntil([&] { return world_.heard[id].open || world_.heard[id].closed; });
    fault = world_.heard[id].fault;
    world_.hub->Close(id, "only tried");
    world_.RunUntil([&] { return false; }, 100ms);
  }
  EXPECT_EQ(fault, StreamFault::kExpired);
  world_.hub->Send(standing, "still here");
  EXPECT_TRUE(world_.RunUntil([&] { return world_.heard[standing].bytes == "still here"; }));
}

TEST_F(StreamIdentity, ABlackHoleIsKnownWithinThreeSecondsOfTheFirstBytes) {
  RawSocket listener(SOCK_STREAM);
  const Endpoint server = listener.Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(listen(listener.fd(), 1), 0);
  const StreamId id = world_.hub->Connect({.host = "127.0.0.1", .port = server.port});
  ASSERT_TRUE(world_.RunUntil([&] { return world_.heard[id].open; }));
  const int peer = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(peer, 0);
  // From here on the peer's kernel drops every segment before it looks at it.
  sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{.len = 1, .filter = drop_all};
  ASSERT_EQ(setsockopt(peer, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  const TimePoint start = MonotonicNow();
  world_.hub->Send(id, "OPTIONS sip:example SIP/2.0\r\n");
  EXPECT_EQ(world_.ReasonOf(id),
            server.ToString() + " stopped acknowledging: the connection timed out");
  const Duration took = MonotonicNow() - start;
  EXPECT_EQ(world_.heard[id].fault, StreamFault::kLost);
  EXPECT_GE(took, 2s) << "lost segments are sent again meanwhile";
  EXPECT_LE(took, 3s);
  RecordProperty("black_hole_ms", static_cast<int>(took / 1ms));
  close(peer);
}

// The timer of an established socket in /proc/net/tcp: "02" is a keep-alive.
std::string KernelTimerOf(const Endpoint& local, const Endpoint& peer) {
  std::ifstream table("/proc/net/tcp");
  const std::string ends =
      fmt::format(" 0100007F:{:04X} 0100007F:{:04X} 01 ", local.port, peer.port);
  for (std::string line; std::getline(table, line);) {
    const size_t at = line.find(ends);
    if (at == std::string::npos) continue;
    // After the state: tx_queue:rx_queue and the timer.
    return line.substr(at + ends.size() + 18, 2);
  }
  return "(no such socket)";
}

TEST(StreamKeepAlive, TheKernelProbesPeersThatConnectedToUs) {
  HubWorld world;
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect({.host = "127.0.0.1", .port = server.port});
  ASSERT_TRUE(world.RunUntil([&] { return world.Inbound().size() == 1 && world.heard[id].open; }));
  EXPECT_EQ(KernelTimerOf(server, world.heard[id].local), "02");
  EXPECT_EQ(KernelTimerOf(world.heard[id].local, server), "00") << "SIP does it there";
}

}  // namespace
}  // namespace lastmile::net
