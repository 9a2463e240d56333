#include "gateway/browser/ring_group.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/unit/gateway/sip/ua_support.h"

namespace lastmile::browser {
namespace {

using sip::DialogId;
using sip::FlowId;
using sip::Message;

// A user agent that rings devices over flows of their own: device n has flow n.
class RingGroupTest : public ::testing::Test {
 protected:
  DialogId RingDevices(size_t count) {
    for (size_t device = 1; device <= count; ++device) {
      solo.ua.AddFlow(FlowId{device}, sip::MakeFlow("gw.example", device));
      sip::InviteRequest request;
      request.request_uri = sip::MakeUri("alice", "device.invalid");
      request.from = sip::MakeAddr("+1555", "gw.example");
      request.to = sip::MakeAddr("alice", "gw.example");
      request.extras = sip::Body("offer");
      legs.push_back(solo.ua.Invite(FlowId{device}, std::move(request), solo.now));
    }
    const DialogId ring = rings.Add(legs);
    Pump();
    for (size_t device = 1; device <= count; ++device) {
      invites[device] = Sent(device);
      EXPECT_EQ(invites[device].method, "INVITE");
    }
    return ring;
  }
  void Pump() {
    for (auto events = solo.ua.TakeEvents(); !events.empty(); events = solo.ua.TakeEvents()) {
      for (sip::UserAgentEvent& event : events) {
        if (!rings.IsRinging(std::visit([](const auto& e) { return e.dialog; }, event))) {
          reports.push_back({.answered = {}, .event = std::move(event)});
          continue;
        }
        RingReport report = rings.On(std::move(event), solo.now);
        if (report.answered || report.event) reports.push_back(std::move(report));
      }
    }
    for (sip::OutgoingMessage& out : solo.ua.TakeOutgoing()) {
      sent[out.flow.value].push_back(std::move(out.message));
    }
  }
  void Answer(size_t device, int status) {
    Message response = sip::Solo::Answer(invites[device], status, "d" + std::to_string(device));
    solo.ReceiveOn(FlowId{device}, std::move(response));
  }
  void AnswerNow(size_t device, int status) {
    Answer(device, status);
    Pump();
  }
  Message Sent(size_t device) {
    auto& queue = sent[device];
    if (queue.empty()) {
      ADD_FAILURE() << "nothing for device " << device;
      return {};
    }
    Message message = std::move(queue.front());
    queue.pop_front();
    return message;
  }
  bool IsQuiet(size_t device) { return sent[device].empty(); }
  void ExpectCancel(size_t device, const std::string& reason) {
    const Message cancel = Sent(device);
    EXPECT_EQ(cancel.method, "CANCEL");
    EXPECT_EQ(cancel.FindExtra("Reason") ? *cancel.FindExtra("Reason") : "", reason);
    solo.ReceiveOn(FlowId{device}, sip::MakeResponse(cancel, 200, "", "d"));
    AnswerNow(device, 487);
    EXPECT_EQ(Sent(device).method, "ACK");
  }
  template <class E>
  E Reported() {
    if (reports.empty() || !reports.front().event) {
      ADD_FAILURE() << "no report";
      return {};
    }
    auto* event = std::get_if<E>(&*reports.front().event);
    if (!event) ADD_FAILURE() << "another report: " << sip::NameOf(*reports.front().event);
    E result = event ? std::move(*event) : E{};
    reports.pop_front();
    return result;
  }
  void ExpectNothingLeft() {
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(rings.size(), 0u);
    solo.Advance(60s);
    Pump();
    EXPECT_EQ(solo.ua.gauges().transactions, 0u);
    EXPECT_EQ(solo.ua.gauges().dialogs, 0u);
  }
  void HangUp(size_t device) {
    solo.ua.Ack(legs[device - 1], {}, solo.now);
    solo.ua.Bye(legs[device - 1], {}, solo.now);
    Pump();
    EXPECT_EQ(Sent(device).method, "ACK");
    const Message bye = Sent(device);
    EXPECT_EQ(bye.method, "BYE");
    solo.ReceiveOn(FlowId{device}, sip::MakeResponse(bye, 200, "", ""));
  }

  static constexpr char kElsewhere[] = "SIP;cause=200;text=\"Call completed elsewhere\"";

  sip::Solo solo;
  RingGroups rings{solo.ua};
  std::vector<DialogId> legs;
  std::map<size_t, Message> invites;
  std::map<uint64_t, std::deque<Message>> sent;
  std::deque<RingReport> reports;
};

TEST_F(RingGroupTest, EveryDeviceGetsAnInviteOfItsOwnWithTheSameOffer) {
  RingDevices(3);
  std::set<std::string> call_ids;
  for (const auto& [device, invite] : invites) {
    call_ids.insert(invite.call_id);
    EXPECT_EQ(invite.body, "offer");
  }
  EXPECT_EQ(call_ids.size(), 3u);
}

TEST_F(RingGroupTest, ManyDevicesThatRingAreOneRing) {
  const DialogId ring = RingDevices(3);
  for (size_t device : {2u, 1u, 3u}) AnswerNow(device, 180);
  const auto progress = Reported<sip::InviteProgress>();
  EXPECT_EQ(progress.dialog, ring);
  EXPECT_EQ(progress.response.status, 180);
  EXPECT_TRUE(reports.empty());
}

TEST_F(RingGroupTest, A180FollowsAnotherProgressOnce) {
  RingDevices(3);
  AnswerNow(1, 183);
  AnswerNow(2, 183);
  AnswerNow(3, 180);
  AnswerNow(2, 180);
  AnswerNow(1, 182);
  EXPECT_EQ(Reported<sip::InviteProgress>().response.status, 183);
  EXPECT_EQ(Reported<sip::InviteProgress>().response.status, 180);
  EXPECT_TRUE(reports.empty());
}

TEST_F(RingGroupTest, TheFirstAnswerWinsAndTheOthersAreCancelled) {
  const DialogId ring = RingDevices(3);
  for (size_t device : {1u, 2u, 3u}) AnswerNow(device, 180);
  Reported<sip::InviteProgress>();
  AnswerNow(2, 200);
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_TRUE(reports.front().answered);
  EXPECT_EQ(reports.front().answered->ring, ring);
  EXPECT_EQ(reports.front().answered->dialog, legs[1]);
  EXPECT_EQ(Reported<sip::InviteAccepted>().dialog, legs[1]);
  ExpectCancel(1, kElsewhere);
  ExpectCancel(3, kElsewhere);
  HangUp(2);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, ADeviceThatHasNotEvenRungIsCancelledAsSoonAsItDoes) {
  RingDevices(2);
  AnswerNow(2, 200);
  Reported<sip::InviteAccepted>();
  EXPECT_TRUE(IsQuiet(1)) << "no CANCEL before a provisional response";
  AnswerNow(1, 180);
  ExpectCancel(1, kElsewhere);
  HangUp(2);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, AnAnswerThatCrossesTheCancelIsAckedAndByed) {
  RingDevices(2);
  AnswerNow(1, 180);
  AnswerNow(2, 200);
  EXPECT_EQ(Sent(1).method, "CANCEL");
  AnswerNow(1, 200);
  EXPECT_EQ(Sent(1).method, "ACK");
  const Message bye = Sent(1);
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(*bye.FindExtra("Reason"), kElsewhere);
  solo.ReceiveOn(FlowId{1}, sip::MakeResponse(bye, 200, "", ""));
  Reported<sip::InviteProgress>();
  EXPECT_EQ(Reported<sip::InviteAccepted>().dialog, legs[1]);
  HangUp(2);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, OfTwoAnswersAtTheSameMomentTheFirstWins) {
  RingDevices(2);
  Answer(2, 200);
  Answer(1, 200);
  Pump();
  EXPECT_EQ(Reported<sip::InviteAccepted>().dialog, legs[1]);
  EXPECT_EQ(Sent(1).method, "ACK");
  const Message bye = Sent(1);
  EXPECT_EQ(bye.method, "BYE");
  solo.ReceiveOn(FlowId{1}, sip::MakeResponse(bye, 200, "", ""));
  HangUp(2);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, ABusyDeviceDoesNotStopTheOthers) {
  RingDevices(2);
  AnswerNow(1, 486);
  EXPECT_EQ(Sent(1).method, "ACK");
  EXPECT_TRUE(IsQuiet(2));
  AnswerNow(2, 200);
  EXPECT_EQ(Reported<sip::InviteAccepted>().dialog, legs[1]);
  HangUp(2);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, A603SpeaksForTheUserAndEndsTheRing) {
  const DialogId ring = RingDevices(3);
  for (size_t device : {1u, 2u, 3u}) AnswerNow(device, 180);
  Reported<sip::InviteProgress>();
  AnswerNow(3, 603);
  const auto rejected = Reported<sip::InviteRejected>();
  EXPECT_EQ(rejected.dialog, ring);
  EXPECT_EQ(rejected.status, 603);
  EXPECT_EQ(Sent(3).method, "ACK");
  for (size_t device : {1u, 2u}) {
    ExpectCancel(device, "SIP;cause=603;text=\"Call declined elsewhere\"");
  }
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, TheBestOfAllRefusalsIsReported) {
  struct Case {
    std::vector<int> statuses;
    int best;
  };
  for (const auto& [statuses, best] : {Case{{480, 486, 500}, 486}, Case{{500, 404, 480}, 404},
                                       Case{{302, 503, 302}, 503}, Case{{302, 302, 302}, 302}}) {
    legs.clear();
    const DialogId ring = RingDevices(3);
    for (size_t device = 1; device <= 3; ++device) {
      EXPECT_TRUE(reports.empty());
      AnswerNow(device, statuses[device - 1]);
      EXPECT_EQ(Sent(device).method, "ACK");
    }
    const auto rejected = Reported<sip::InviteRejected>();
    EXPECT_EQ(rejected.status, best);
    EXPECT_EQ(rejected.dialog, ring);
    ExpectNothingLeft();
  }
}

TEST_F(RingGroupTest, ADeviceWhoseFlowIsLostDropsOut) {
  RingDevices(3);
  for (size_t device : {1u, 2u, 3u}) AnswerNow(device, 180);
  Reported<sip::InviteProgress>();
  solo.ua.RemoveFlow(FlowId{1}, solo.now);
  Pump();
  EXPECT_TRUE(reports.empty());
  AnswerNow(2, 480);
  EXPECT_EQ(Sent(2).method, "ACK");
  AnswerNow(3, 200);
  EXPECT_EQ(Reported<sip::InviteAccepted>().dialog, legs[2]);
  HangUp(3);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, AnAnswerOfAUserIsBetterThanALostFlow) {
  RingDevices(2);
  solo.ua.RemoveFlow(FlowId{1}, solo.now);
  Pump();
  AnswerNow(2, 480);
  EXPECT_EQ(Reported<sip::InviteRejected>().status, 480);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, AllFlowsLostEndsTheRing) {
  const DialogId ring = RingDevices(2);
  for (size_t device : {2u, 1u}) solo.ua.RemoveFlow(FlowId{device}, solo.now);
  Pump();
  const auto rejected = Reported<sip::InviteRejected>();
  EXPECT_EQ(rejected.dialog, ring);
  EXPECT_FALSE(rejected.response);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, TheCallersCancelReachesAllWithItsReason) {
  const DialogId ring = RingDevices(3);
  for (size_t device : {1u, 2u, 3u}) AnswerNow(device, 180);
  Reported<sip::InviteProgress>();
  sip::Extras extras;
  extras.headers.push_back({"Reason", "Q.850;cause=16"});
  rings.Cancel(ring, extras, solo.now);
  Pump();
  for (size_t device : {1u, 2u, 3u}) {
    EXPECT_TRUE(reports.empty());
    ExpectCancel(device, "Q.850;cause=16");
  }
  const auto rejected = Reported<sip::InviteRejected>();
  EXPECT_EQ(rejected.dialog, ring);
  EXPECT_EQ(rejected.status, 487);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, ACancelWithAnAnswerOnTheWayLeavesNoCall) {
  const DialogId ring = RingDevices(2);
  AnswerNow(1, 180);
  Reported<sip::InviteProgress>();
  Answer(2, 200);
  rings.Cancel(ring, {}, solo.now);
  Pump();
  EXPECT_EQ(Sent(2).method, "ACK");
  const Message bye = Sent(2);
  EXPECT_EQ(bye.method, "BYE");
  solo.ReceiveOn(FlowId{2}, sip::MakeResponse(bye, 200, "", ""));
  ExpectCancel(1, "");
  EXPECT_EQ(Reported<sip::InviteRejected>().status, 487);
  ExpectNothingLeft();
}

TEST_F(RingGroupTest, ADeviceThatNeverAnswersItsCancelIsForgotten) {
  RingDevices(2);
  AnswerNow(1, 180);
  Reported<sip::InviteProgress>();
  AnswerNow(2, 200);
  Reported<sip::InviteAccepted>();
  EXPECT_EQ(Sent(1).method, "CANCEL");
  HangUp(2);
  solo.Advance(40s);
  Pump();
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lastmile::browser
