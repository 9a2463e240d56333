#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/trunk/trunk_edge.h"

// Whose a call from a carrier is: the socket's peer and its certificate decide, no header does.
namespace lastmile::trunk {
namespace {

using ::testing::ElementsAre;

class TrunkIdentity : public ::testing::Test {
 protected:
  TrunkIdentity() {
    TrunkOptions options;
    options.local_host = "198.51.100.1";
    options.trunks.push_back(
        {.name = "acme", .host = "198.51.100.9", .trust = {.accept_names = {"sip.acme.example"}}});
    options.trunks.push_back(
        {.name = "beta",
         .host = "198.51.100.20",
         .trust = {.ca_file = "beta-ca.pem", .accept_names = {"sip.beta.example"}}});
    edge_ = std::make_unique<TrunkEdge>(std::move(options), random_);
  }

  // An INVITE that says in every header that it is from acme's server.
  static sip::Message Forged() {
    sip::Message call;
    call.method = "INVITE";
    call.request_uri.user = "alice";
    call.request_uri.host = "198.51.100.1";
    call.vias = {{.transport = "TLS", .sent_by = "198.51.100.9"}};
    call.vias[0].params.Set("branch", "z9hG4bKforged");
    call.from.uri.user = "boss";
    call.from.uri.host = "sip.acme.example";
    call.from.params.Set("tag", "theirs");
    call.to.uri.host = "sip.acme.example";
    call.call_id = "forged@198.51.100.9";
    call.cseq = {1, "INVITE"};
    call.contacts.emplace_back();
    call.contacts.back().uri.host = "198.51.100.9";
    return call;
  }
  // The trunks of the calls that come of it, and what the peer is answered.
  std::vector<std::string> CallsOf(const char* peer, const VerifiedPeer& verified) {
    const auto flow = edge_->OnInboundStream(*Endpoint::Parse(peer), true, verified);
    edge_->OnStreamBytes(flow, AsBytes(sip::Print(Forged())), now_);
    std::vector<std::string> trunks;
    for (const TrunkEvent& event : edge_->TakeEvents(now_)) {
      if (const auto* invite = std::get_if<TrunkInvite>(&event)) trunks.push_back(invite->trunk);
    }
    answers_.clear();
    for (const TrunkOutput& output : edge_->TakeOutputs()) {
      const auto* bytes = std::get_if<SendBytes>(&output);
      if (bytes) answers_.push_back(sip::Parse(bytes->bytes)->status);
    }
    edge_->OnStreamClosed(flow, now_);
    return trunks;
  }

  SeededRandom random_{1};
  std::unique_ptr<TrunkEdge> edge_;
  TimePoint now_{};
  std::vector<int> answers_;
};

TEST_F(TrunkIdentity, HeadersThatNameATrunkAreNoIdentity) {
  EXPECT_TRUE(CallsOf("127.0.0.50:40000", {}).empty());
  EXPECT_THAT(answers_, ElementsAre(100, 403));
}

TEST_F(TrunkIdentity, AVerifiedNameGetsIn) {
  EXPECT_THAT(CallsOf("127.0.0.50:40000",
                      {.names = {"other.example", "sip.acme.example"}, .authorities = {""}}),
              ElementsAre("acme"));
  EXPECT_THAT(
      CallsOf("127.0.0.50:40001", {.names = {"sip.beta.example"}, .authorities = {"beta-ca.pem"}}),
      ElementsAre("beta"));
}

TEST_F(TrunkIdentity, ACertificateOfAnotherNameDoesNot) {
  EXPECT_TRUE(CallsOf("127.0.0.50:40000", {.names = {"sip.else.example", "acme.example"},
                                           .authorities = {"", "beta-ca.pem"}})
                  .empty());
  EXPECT_THAT(answers_, ElementsAre(100, 403));
}

TEST_F(TrunkIdentity, AnAuthorityOfOneTrunkCannotNameAnother) {
  EXPECT_TRUE(
      CallsOf("127.0.0.50:40000", {.names = {"sip.acme.example"}, .authorities = {"beta-ca.pem"}})
          .empty());
  EXPECT_THAT(answers_, ElementsAre(100, 403));
}

TEST_F(TrunkIdentity, AnAddressIsEnoughAndANameWinsOverIt) {
  EXPECT_THAT(CallsOf("198.51.100.9:40000", {}), ElementsAre("acme"));
  EXPECT_THAT(CallsOf("198.51.100.9:40001",
                      {.names = {"sip.beta.example"}, .authorities = {"beta-ca.pem"}}),
              ElementsAre("beta"));
  EXPECT_THAT(CallsOf("198.51.100.20:40000", {.names = {"sip.else.example"}, .authorities = {""}}),
              ElementsAre("beta"))
      << "a certificate that says nothing takes nothing away";
}

}  // namespace
}  // namespace lastmile::trunk
