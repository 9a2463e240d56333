#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

// Digits by INFO, from the text of one peer to the text of the other.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr uint64_t kAlice = 1;

class CallManagerDtmfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dialled = gw_.Dial(kAlice, "alice", "600");
    browser_ = std::move(dialled.invite);
    trunk_invite_ = std::move(dialled.trunk_invite);
    gw_.FromTrunk(gw_.TrunkAnswer(trunk_invite_, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw_.ToTrunk().method, "ACK");
    ok_ = gw_.ToBrowser(kAlice);
    ASSERT_EQ(ok_.status, 200);
    browser_.to = ok_.to;
    gw_.FromBrowser(kAlice, OfBrowser("ACK", 0));
  }
  sip::Message OfBrowser(const std::string& method, uint32_t cseq_ahead) const {
    sip::Message request = browser_;
    request.method = request.cseq.method = method;
    request.cseq.number += cseq_ahead;
    request.vias.front().params.Set("branch", "z9hG4bK" + method + std::to_string(cseq_ahead));
    request.content_type.clear();
    request.body.clear();
    return request;
  }
  sip::Message InfoOfBrowser(const std::string& type, const std::string& body) {
    sip::Message info = OfBrowser("INFO", ++infos_);
    info.content_type = type;
    info.body = body;
    return info;
  }
  sip::Message InfoOfTrunk(const std::string& type, const std::string& body) {
    sip::Message info;
    info.method = "INFO";
    info.request_uri = trunk_invite_.contacts.at(0).uri;
    info.vias = {{.transport = "TCP", .sent_by = "198.51.100.9:5070"}};
    info.vias[0].params.Set("branch", "z9hG4bKinfo" + std::to_string(++infos_));
    info.from = trunk_invite_.to;
    info.from.params.Set("tag", "carrier");
    info.to = trunk_invite_.from;
    info.call_id = trunk_invite_.call_id;
    info.cseq = {static_cast<uint32_t>(70 + infos_), "INFO"};
    info.content_type = type;
    info.body = body;
    return info;
  }
  void HangUp() {
    gw_.FromBrowser(kAlice, OfBrowser("BYE", ++infos_));
    gw_.Wait(60s);
    EXPECT_TRUE(gw_.IsEmpty());
  }

  GatewayInMemory gw_;
  sip::Message browser_;
  sip::Message trunk_invite_;
  sip::Message ok_;
  uint32_t infos_ = 0;
};

TEST_F(CallManagerDtmfTest, BothSidesAreToldThatInfoIsTaken) {
  EXPECT_THAT(ok_.allow, Contains("INFO"));
  EXPECT_THAT(trunk_invite_.allow, Contains("INFO"));
}

TEST_F(CallManagerDtmfTest, JsSipsInfoIsAnsweredAndSentInTheMedia) {
  gw_.FromBrowser(kAlice, InfoOfBrowser("application/dtmf-relay", "Signal=5\r\nDuration=100"));
  EXPECT_EQ(gw_.ToBrowser(kAlice).status, 200);
  ASSERT_EQ(gw_.digits.size(), 1u);
  EXPECT_EQ(gw_.digits[0].event, 5);
  EXPECT_EQ(gw_.digits[0].duration, 100ms);
  EXPECT_TRUE(gw_.TrunkIsQuiet());
  HangUp();
}

TEST_F(CallManagerDtmfTest, WhatIsNoDigitIsRefusedAndTheCallGoesOn) {
  gw_.FromBrowser(kAlice, InfoOfBrowser("application/dtmf-relay", "Signal=horn"));
  sip::Message answer = gw_.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 400);
  ASSERT_TRUE(answer.FindExtra("Warning"));
  EXPECT_THAT(*answer.FindExtra("Warning"), HasSubstr("Signal has to be"));
  gw_.FromBrowser(kAlice, InfoOfBrowser("text/plain", "5"));
  answer = gw_.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 415);
  ASSERT_TRUE(answer.FindExtra("Accept"));
  EXPECT_EQ(*answer.FindExtra("Accept"), "application/dtmf-relay, application/dtmf");
  EXPECT_TRUE(gw_.digits.empty());
  EXPECT_EQ(gw_.manager.gauges().calls, 1u);
  HangUp();
}

TEST_F(CallManagerDtmfTest, TheTrunksInfoIsAnsweredAndReachesThePage) {
  gw_.FromTrunk(InfoOfTrunk("application/dtmf", "7"));
  EXPECT_EQ(gw_.ToTrunk().status, 200);
  const sip::Message info = gw_.ToBrowser(kAlice);
  EXPECT_EQ(info.method, "INFO");
  EXPECT_EQ(info.content_type, "application/dtmf-relay");
  EXPECT_EQ(info.body, "Signal=7\r\nDuration=100\r\n");
  gw_.FromBrowser(kAlice, sip::MakeResponse(info, 200, "", ""));
  EXPECT_TRUE(gw_.digits.empty());
  HangUp();
}

// RFC 4733 of the call's 101 has no flash in its list.
TEST_F(CallManagerDtmfTest, AnInfoToTheTrunkIsNeverTakenForAReinvite) {
  for (const int status : {200, 405, 415, 481, 408}) {
    gw_.FromBrowser(kAlice, InfoOfBrowser("application/dtmf-relay", "Signal=R\r\nDuration=100"));
    EXPECT_EQ(gw_.ToBrowser(kAlice).status, 200);
    const sip::Message info = gw_.ToTrunk();
    EXPECT_EQ(info.method, "INFO");
    EXPECT_EQ(info.body, "Signal=!\r\nDuration=100\r\n");
    sip::Message answer = gw_.TrunkAnswer(info, status, "");
    answer.to = info.to;
    gw_.FromTrunk(answer);
    EXPECT_EQ(gw_.manager.gauges().calls, 1u) << status;
  }
  // Nobody answers at all.
  gw_.FromBrowser(kAlice, InfoOfBrowser("application/dtmf-relay", "Signal=R\r\nDuration=100"));
  EXPECT_EQ(gw_.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw_.ToTrunk().method, "INFO");
  gw_.Wait(40s);
  EXPECT_EQ(gw_.manager.gauges().calls, 1u);
  HangUp();
}

TEST_F(CallManagerDtmfTest, ADigitHeardInTheMediaGoesOn) {
  gw_.manager.OnMedia(media::DigitHeard{*gw_.sessions.begin(), false, 9}, gw_.now);
  gw_.Pump();
  const sip::Message info = gw_.ToBrowser(kAlice);
  EXPECT_EQ(info.method, "INFO");
  EXPECT_EQ(info.body, "Signal=9\r\nDuration=100\r\n");
  gw_.manager.OnMedia(media::DigitHeard{*gw_.sessions.begin(), true, 8}, gw_.now);
  gw_.Pump();
  ASSERT_EQ(gw_.digits.size(), 1u);
  EXPECT_EQ(gw_.digits[0].event, 8);
  HangUp();
}

}  // namespace
}  // namespace lastmile::app
