#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "demo_carrier/sdp_answer.h"
#include "tests/component/demo_carrier/carrier_process.h"
#include "tests/component/demo_carrier/rtp_peer.h"
#include "tests/component/demo_carrier/sip_peer.h"

namespace lastmile::demo_carrier {
namespace {

using ::testing::HasSubstr;

std::string SdpFor(const RtpPeer& rtp, const std::string& direction = "sendrecv") {
  return fmt::format(
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio {} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
      "a=fmtp:101 0-15\r\na={}\r\n",
      rtp.local().port, direction);
}

double HzOf(const std::string& line) {
  return std::strtod(line.c_str() + line.find("hz=") + 3, nullptr);
}

class DemoCarrier : public ::testing::Test {
 protected:
  // An INVITE up to its 200 and ACK; the media flows afterwards.
  SipPeer::Dialog CallTo(const std::string& number, Duration limit = 5s) {
    SipPeer::Dialog dialog = peer_.NewDialog(number);
    peer_.Send(dialog, "INVITE", SdpFor(rtp_));
    Confirm(dialog, limit);
    return dialog;
  }
  void Confirm(SipPeer::Dialog& dialog, Duration limit = 5s) {
    auto answer = peer_.WaitForCode(dialog, "INVITE", 200, limit);
    ASSERT_TRUE(answer);
    peer_.Send(dialog, "ACK");
    auto sdp = ReadSdp(answer->body);
    ASSERT_TRUE(sdp) << answer->body;
    rtp_.set_remote(sdp->audio.rtp);
  }
  void HangUp(SipPeer::Dialog& dialog) {
    peer_.Send(dialog, "BYE");
    EXPECT_TRUE(peer_.WaitForCode(dialog, "BYE", 200));
  }
  void ExpectRefused(const std::string& number, int code) {
    SipPeer::Dialog dialog = peer_.NewDialog(number);
    peer_.Send(dialog, "INVITE", SdpFor(rtp_));
    EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", code)) << number;
    peer_.Send(dialog, "ACK");
    EXPECT_TRUE(carrier_.WaitForLine(
        {"state=ended", "number=" + number, fmt::format("code={} ", code), "cause=refused"}));
  }

  RtpPeer rtp_;
  CarrierProcess carrier_;
  SipPeer peer_{carrier_.sip()};
};

TEST_F(DemoCarrier, Dial600EchoesEveryPayload) {
  SipPeer::Dialog dialog = peer_.NewDialog("600");
  peer_.Send(dialog, "INVITE", SdpFor(rtp_));
  EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 180));
  Confirm(dialog);
  EXPECT_TRUE(carrier_.WaitForLine({"state=ringing", "code=180"}));
  EXPECT_TRUE(carrier_.WaitForLine({"state=answered"}));
  for (uint8_t i = 0; i < 20; ++i) {
    std::array<uint8_t, 160> payload;
    for (size_t j = 0; j < payload.size(); ++j) payload[j] = static_cast<uint8_t>(i * 7 + j);
    const Bytes sent = rtp_.Packet(8, i == 0, payload);
    rtp_.Send(sent);
    const auto back = rtp_.Receive(1s);
    ASSERT_TRUE(back);
    ASSERT_EQ(back->size(), sent.size());
    EXPECT_TRUE(std::equal(back->begin() + 12, back->end(), sent.begin() + 12));
    EXPECT_TRUE(std::equal(back->begin(), back->begin() + 8, sent.begin()));  // numbering, marker
    EXPECT_NE(LoadBe32(back->data() + 8), LoadBe32(sent.data() + 8));         // its own source
  }
  HangUp(dialog);
  EXPECT_TRUE(carrier_.WaitForLine({"state=ended", "code=200", "cause=bye-received"}));
  EXPECT_EQ(carrier_.Terminate(), 0);
}

TEST_F(DemoCarrier, Dial601PlaysItsToneAndTellsWhatItHears) {
  SipPeer::Dialog dialog = CallTo("601");
  ToneSource mine;
  mine.Set(440);
  const Heard heard = rtp_.Listen(2500ms, &mine);
  EXPECT_NEAR(heard.hz, 880, 2);
  EXPECT_NEAR(heard.level_db, -13.5, 1);
  // The first second may have begun before our tone; the second one is ours alone.
  ASSERT_TRUE(carrier_.WaitForLine({"heard call="}));
  const auto line = carrier_.WaitForLine({"heard call="});
  ASSERT_TRUE(line);
  EXPECT_NEAR(HzOf(*line), 440, 2) << *line;
  HangUp(dialog);
}

TEST_F(DemoCarrier, RefusalsHaveTheirCodes) {
  ExpectRefused("602", 486);
  ExpectRefused("607", 404);
  ExpectRefused("5551234", 404);
  ExpectRefused("608", 603);
  SipPeer::Dialog dialog = peer_.NewDialog("609");
  peer_.Send(dialog, "INVITE", SdpFor(rtp_));
  auto busy = peer_.WaitForCode(dialog, "INVITE", 503);
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->Header("Retry-After"), "5");
  peer_.Send(dialog, "ACK");
}

TEST_F(DemoCarrier, Dial603PlaysEarlyMediaAndThenItsTone) {
  SipPeer::Dialog dialog = peer_.NewDialog("603");
  peer_.Send(dialog, "INVITE", SdpFor(rtp_));
  auto progress = peer_.WaitForCode(dialog, "INVITE", 183);
  ASSERT_TRUE(progress);
  EXPECT_TRUE(ReadSdp(progress->body));
  EXPECT_NEAR(rtp_.Listen(2s).hz, 660, 2);
  Confirm(dialog);
  rtp_.Drain();
  EXPECT_NEAR(rtp_.Listen(1500ms).hz, 880, 2);
  HangUp(dialog);
}

TEST_F(DemoCarrier, Dial604ReadsEachDigitBackOnce) {
  SipPeer::Dialog dialog = CallTo("604");
  rtp_.Drain();
  rtp_.SendDigit(5);
  rtp_.SendDigit(11);
  EXPECT_TRUE(carrier_.WaitForLine({"dtmf call=", "digit=5"}));
  EXPECT_TRUE(carrier_.WaitForLine({"dtmf call=", "digit=#"}));
  const std::vector<int16_t> audio = rtp_.Record(900ms);
  // Two digits of 200 ms in 900 ms: each of their four frequencies, and none of key 1.
  for (double hz : {770.0, 1336.0, 941.0, 1477.0}) EXPECT_GT(rtp_.LevelOf(hz, audio), 0.03) << hz;
  for (double hz : {697.0, 1209.0}) EXPECT_LT(rtp_.LevelOf(hz, audio), 0.01) << hz;
  EXPECT_FALSE(carrier_.WaitForLine({"digit="}, 100ms));
  HangUp(dialog);
}

TEST(DemoCarrierOut, Dial605HangsUpAndCallsBack) {
  RtpPeer rtp;
  SipPeer gateway({});
  CarrierProcess carrier({"--gateway", gateway.local().ToString(), "--tone-hz", "1000"});
  SipPeer peer(carrier.sip());
  SipPeer::Dialog dialog = peer.NewDialog("605");
  peer.Send(dialog, "INVITE", SdpFor(rtp));
  ASSERT_TRUE(peer.WaitForCode(dialog, "INVITE", 200));
  peer.Send(dialog, "ACK");
  auto bye = peer.WaitForRequest("BYE");
  ASSERT_TRUE(bye);
  EXPECT_THAT(bye->start_line, HasSubstr("sip:peer@" + peer.local().ToString()));
  peer.Respond(*bye, "200 OK", "");
  auto invite = gateway.WaitForRequest("INVITE");
  ASSERT_TRUE(invite);
  EXPECT_THAT(invite->start_line, HasSubstr("INVITE sip:+15550100@" + gateway.local().ToString()));
  EXPECT_THAT(invite->Header("Via"), HasSubstr("SIP/2.0/TCP"));
  EXPECT_TRUE(ReadSdp(invite->body)) << invite->body;
  gateway.Respond(*invite, "180 Ringing", "gw");
  EXPECT_TRUE(carrier.WaitForLine({"state=ringing", "dir=out", "number=+15550100"}));
  gateway.Respond(*invite, "200 OK", "gw", SdpFor(rtp));
  EXPECT_TRUE(gateway.WaitForRequest("ACK"));
  EXPECT_TRUE(carrier.WaitForLine({"state=answered", "dir=out"}));
  rtp.Drain();
  EXPECT_NEAR(rtp.Listen(1500ms).hz, 1000, 2);
  EXPECT_EQ(carrier.Terminate(), 0);  // with the call up
  EXPECT_TRUE(gateway.WaitForRequest("BYE"));
}

TEST(DemoCarrierOut, CallsAUserAtStartAndAtSigusr1) {
  SipPeer gateway({});
  CarrierProcess carrier({"--gateway", gateway.local().ToString(), "--call-user", "alice"});
  auto invite = gateway.WaitForRequest("INVITE");
  ASSERT_TRUE(invite);
  EXPECT_THAT(invite->start_line, HasSubstr("sip:alice@"));
  gateway.Respond(*invite, "480 Temporarily Unavailable", "gw");
  EXPECT_TRUE(gateway.WaitForRequest("ACK"));
  EXPECT_TRUE(carrier.WaitForLine({"state=ended", "dir=out", "number=alice", "code=480"}));
  carrier.Signal(SIGUSR1);
  auto second = gateway.WaitForRequest("INVITE");
  ASSERT_TRUE(second);
  gateway.Respond(*second, "180 Ringing", "gw");
  EXPECT_TRUE(carrier.WaitForLine({"state=ringing"}));
  EXPECT_EQ(carrier.Terminate(), 0);  // while it rings
  EXPECT_TRUE(gateway.WaitForRequest("CANCEL"));
}

TEST(DemoCarrierOut, AGatewayThatIsDownIsAnEndedCallAndHearsNoDatagram) {
  RtpPeer udp;  // holds the port, for UDP only
  CarrierProcess carrier({"--gateway", udp.local().ToString(), "--call-user", "alice"});
  EXPECT_TRUE(carrier.WaitForLine({"state=ended", "dir=out", "code=503"}));
  EXPECT_FALSE(udp.Receive(200ms));
  EXPECT_EQ(carrier.Terminate(), 0);
}

TEST_F(DemoCarrier, Dial606AnswersAfterEightSeconds) {
  SipPeer::Dialog dialog = peer_.NewDialog("606");
  const TimePoint start = MonotonicNow();
  peer_.Send(dialog, "INVITE", SdpFor(rtp_));
  EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 180));
  Confirm(dialog, 10s);
  EXPECT_GE(MonotonicNow() - start, 7900ms);
  EXPECT_LE(MonotonicNow() - start, 9s);
  HangUp(dialog);
}

TEST_F(DemoCarrier, Dial610RingsUntilItIsCancelled) {
  SipPeer::Dialog dialog = peer_.NewDialog("610");
  peer_.Send(dialog, "INVITE", SdpFor(rtp_));
  EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 180));
  EXPECT_TRUE(peer_.Nothing(1s));
  peer_.Send(dialog, "CANCEL");
  EXPECT_TRUE(peer_.WaitForCode(dialog, "CANCEL", 200));
  EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 487));
  peer_.Send(dialog, "ACK");
  EXPECT_TRUE(carrier_.WaitForLine({"state=ended", "code=487", "cause=cancelled"}));
}

TEST_F(DemoCarrier, Dial611HangsUpAfterTwoSeconds) {
  SipPeer::Dialog dialog = CallTo("611");
  const TimePoint answered = MonotonicNow();
  auto bye = peer_.WaitForRequest("BYE");
  ASSERT_TRUE(bye);
  EXPECT_GE(MonotonicNow() - answered, 1900ms);
  peer_.Respond(*bye, "200 OK", "");
  EXPECT_TRUE(carrier_.WaitForLine({"state=ended", "code=200", "cause=script"}));
}

TEST_F(DemoCarrier, AReinviteMovesTheMediaAndHoldSilencesIt) {
  SipPeer::Dialog dialog = CallTo("601");
  ASSERT_TRUE(rtp_.Receive(1s));
  RtpPeer moved;
  peer_.Send(dialog, "INVITE", SdpFor(moved));
  Confirm(dialog);
  EXPECT_TRUE(moved.Receive(1s));
  peer_.Send(dialog, "INVITE", SdpFor(moved, "sendonly"));
  auto held = peer_.WaitForCode(dialog, "INVITE", 200);
  ASSERT_TRUE(held);
  peer_.Send(dialog, "ACK");
  EXPECT_THAT(held->body, HasSubstr("a=recvonly"));
  moved.Drain();
  EXPECT_FALSE(moved.Receive(200ms));
  HangUp(dialog);
}

TEST_F(DemoCarrier, AnOfferlessInviteGetsAnOfferAndItsAnswerInTheAck) {
  SipPeer::Dialog dialog = peer_.NewDialog("601");
  peer_.Send(dialog, "INVITE");
  auto offer = peer_.WaitForCode(dialog, "INVITE", 200);
  ASSERT_TRUE(offer);
  EXPECT_THAT(offer->body, HasSubstr("RTP/AVP 8 0 101"));
  peer_.Send(dialog, "ACK", SdpFor(rtp_));
  EXPECT_TRUE(rtp_.Receive(1s));
  HangUp(dialog);
}

TEST_F(DemoCarrier, OtherRequestsGetTheirAnswers) {
  SipPeer::Dialog options = peer_.NewDialog("anything");
  peer_.Send(options, "OPTIONS");
  auto answer = peer_.WaitForCode(options, "OPTIONS", 200);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->Header("Allow"), HasSubstr("INVITE"));
  SipPeer::Dialog known = peer_.NewDialog("600");
  peer_.Send(known, "REGISTER");
  EXPECT_TRUE(peer_.WaitForCode(known, "REGISTER", 405));
  SipPeer::Dialog unknown = peer_.NewDialog("600");
  peer_.Send(unknown, "FROBNICATE");
  EXPECT_TRUE(peer_.WaitForCode(unknown, "FROBNICATE", 501));
  SipPeer::Dialog lost = peer_.NewDialog("600");
  lost.to_tag = "nobody";
  peer_.Send(lost, "BYE");
  EXPECT_TRUE(peer_.WaitForCode(lost, "BYE", 481));
  SipPeer::Dialog needs = peer_.NewDialog("600");
  peer_.Send(needs, "INVITE", SdpFor(rtp_), "Require: 100rel\r\n");
  EXPECT_TRUE(peer_.WaitForCode(needs, "INVITE", 420));
  peer_.Send(needs, "ACK");
}

TEST_F(DemoCarrier, KeepAlivesOfTheStreamDisturbNothing) {
  SipPeer::Dialog dialog = CallTo("601");
  for (int i = 0; i < 20; ++i) peer_.SendRaw("\r\n\r\n");
  EXPECT_TRUE(peer_.Nothing(100ms));
  HangUp(dialog);
}

TEST_F(DemoCarrier, HostileSdpIsRefusedAtOnceAndTheNextCallWorks) {
  for (const std::string& sdp : {std::string("m=audio 9 UDP/TLS/RTP/SAVPF 111 \xc3\x84\r\n"),
                                 std::string("v=0\r\n"), std::string(20'000, 'a')}) {
    SipPeer::Dialog dialog = peer_.NewDialog("600");
    peer_.Send(dialog, "INVITE", sdp);
    EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 488, 1s));
    peer_.Send(dialog, "ACK");
  }
  SipPeer::Dialog dialog = CallTo("601");
  EXPECT_TRUE(rtp_.Receive(1s));
  HangUp(dialog);
}

TEST_F(DemoCarrier, HundredAndFiftyCallsUseHundredPortPairsAndLeaveNothing) {
  SipPeer::Dialog first = CallTo("601");
  HangUp(first);
  ASSERT_TRUE(carrier_.WaitForLine({"state=ended"}));
  const size_t files = carrier_.open_files();
  for (int i = 0; i < 150; ++i) {
    SipPeer::Dialog dialog = CallTo("601");
    if (i % 10 == 0) rtp_.Send(rtp_.Packet(8, false, std::array<uint8_t, 160>{}));
    HangUp(dialog);
    ASSERT_TRUE(carrier_.WaitForLine({"state=ended", "cause=bye-received"}));
  }
  EXPECT_EQ(carrier_.open_files(), files);
  EXPECT_EQ(carrier_.Terminate(), 0);
}

}  // namespace
}  // namespace lastmile::demo_carrier
