#include "gateway/app/call_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kAliceAgain = 3;

// A request of a peer in the dialog that it opened with `invite` and got `ok` in.
sip::Message InDialog(const sip::Message& invite, const sip::Message& ok,
                      const std::string& method) {
  sip::Message request = invite;
  request.method = request.cseq.method = method;
  if (method != "ACK") ++request.cseq.number;
  request.request_uri = ok.contacts.at(0).uri;
  request.to = ok.to;
  request.authorizations.clear();
  request.body.clear();
  request.content_type.clear();
  request.vias.front().params.Set("branch", "z9hG4bK" + method);
  return request;
}

class CallSnapshotTest : public ::testing::Test {
 protected:
  void Connect() {
    const auto dialled = gw.Dial(kAlice, "alice", "600");
    invite = dialled.invite;
    trunk_invite = dialled.trunk_invite;
    trunk_ok = gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101"));
    trunk_ok.extra.push_back({"Session-Expires", "1800;refresher=uac"});
    trunk_ok.allow = {"INVITE", "UPDATE"};
    gw.FromTrunk(trunk_ok);
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    ok = gw.ToBrowser(kAlice);
    EXPECT_EQ(ok.status, 200);
    gw.FromBrowser(kAlice, InDialog(invite, ok, "ACK"));
  }
  // What another process reads of it.
  CallSnapshot Taken() {
    const auto snapshots = gw.manager.Snapshots(gw.now);
    EXPECT_EQ(snapshots.size(), 1u);
    auto read = ParseCallSnapshot(ToJson(snapshots.at(0)));
    EXPECT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, snapshots.at(0));
    return *read;
  }

  GatewayInMemory gw;
  sip::Message invite;
  sip::Message ok;
  sip::Message trunk_invite;
  sip::Message trunk_ok;
};

TEST_F(CallSnapshotTest, OnlyAConnectedCallHasOne) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  EXPECT_TRUE(gw.manager.Snapshots(gw.now).empty());
  gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, testing::TrunkSdp("0 101")));
  EXPECT_TRUE(gw.manager.Snapshots(gw.now).empty()) << "the ACK is missing";
}

TEST_F(CallSnapshotTest, WhatIsReadIsWhatWasWritten) {
  Connect();
  gw.Wait(7s);
  const CallSnapshot taken = Taken();
  EXPECT_EQ(taken.parties.number, "600");
  EXPECT_EQ(taken.started_ago, 7s);
  EXPECT_EQ(taken.browser_dialog.dialog.dialog.call_id, invite.call_id);
  EXPECT_FALSE(taken.browser_dialog.dialog.we_called);
  EXPECT_EQ(taken.trunk_dialog.dialog.dialog.call_id, trunk_invite.call_id);
  EXPECT_TRUE(taken.trunk_dialog.dialog.we_called);
  EXPECT_EQ(taken.trunk_dialog.trunk, "acme");
  EXPECT_EQ(taken.trunk_dialog.timer.refresh_in, std::chrono::milliseconds(893s));
}

TEST_F(CallSnapshotTest, TheTcpPortThatTheBrowserWasToldIsInIt) {
  Connect();
  CallSnapshot taken = Taken();
  taken.call.browser_local.tcp_candidates = {*Endpoint::Parse("192.0.2.1:443")};
  const auto read = ParseCallSnapshot(ToJson(taken));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, taken);
}

TEST_F(CallSnapshotTest, CandidatesOfFullIceAreInIt) {
  Connect();
  CallSnapshot taken = Taken();
  taken.call.browser_local.gathered = {{.type = media::IceCandidate::Type::kHost,
                                        .at = *Endpoint::Parse("10.0.0.5:40000"),
                                        .priority = 5,
                                        .foundation = "1"},
                                       {.type = media::IceCandidate::Type::kRelayed,
                                        .at = *Endpoint::Parse("[2001:db8::9]:50000"),
                                        .priority = 4294967295,
                                        .foundation = "+/",
                                        .related = Endpoint::Parse("203.0.113.7:40000").value()}};
  taken.call.browser.candidates = {
      *sdp::ParseCandidate("2 1 udp 5 192.0.2.7 4000 typ srflx raddr 10.0.0.9 rport 1")};
  const auto read = ParseCallSnapshot(ToJson(taken));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, taken);
}

TEST_F(CallSnapshotTest, WhatPeersWroteNeedNotBeUtf8) {
  Connect();
  CallSnapshot taken = Taken();
  for (int byte = 0; byte < 256; ++byte) taken.parties.caller.push_back(static_cast<char>(byte));
  const auto read = ParseCallSnapshot(ToJson(taken));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->parties.caller, taken.parties.caller);
}

// --- faults ---

// Every value in `json` by its place, as faults name it.
void Walk(const Json& json, const std::string& path, const Json::json_pointer& at,
          std::vector<std::pair<std::string, Json::json_pointer>>& places) {
  if (!path.empty()) places.emplace_back(path, at);
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      Walk(value, path.empty() ? name : path + "." + name, at / name, places);
    }
  } else if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) {
      Walk(json[i], path + "[" + std::to_string(i) + "]", at / i, places);
    }
  }
}

std::string FaultOf(const std::string& text) {
  const auto read = ParseCallSnapshot(text);
  return read ? "" : read.error().message;
}

TEST_F(CallSnapshotTest, WhatIsMissingOrOfAnotherTypeIsTold) {
  Connect();
  const Json whole = Json::parse(ToJson(gw.manager.Snapshots(gw.now).at(0)));
  std::vector<std::pair<std::string, Json::json_pointer>> places;
  Walk(whole, "", Json::json_pointer(), places);
  EXPECT_GT(places.size(), 150u);
  for (const auto& [path, at] : places) {
    Json broken = whole;
    for (const Json& other : {Json(-1), Json::object(), Json("\xe2\x82\xac")}) {
      broken[at] = other;
      EXPECT_NE(FaultOf(broken.dump()), "") << path << " as " << other;
    }
    if (path.ends_with("]")) continue;
    broken = whole;
    broken[at.parent_pointer()].erase(at.back());
    EXPECT_THAT(FaultOf(broken.dump()), HasSubstr(path == "version" ? path : path + " is missing"));
  }
}

TEST_F(CallSnapshotTest, WhatCannotBeIsTold) {
  Connect();
  const Json whole = Json::parse(ToJson(gw.manager.Snapshots(gw.now).at(0)));
  const auto with = [&](const char* at, const Json& value) {
    Json broken = whole;
    broken[Json::json_pointer(at)] = value;
    return FaultOf(broken.dump());
  };
  EXPECT_THAT(with("/version", 1), HasSubstr("version is not 2"));
  EXPECT_THAT(with("/call/browser_leg/audio", 7), HasSubstr("call.browser_leg.audio is not the"));
  EXPECT_THAT(with("/call/trunk_leg/video", 7), HasSubstr("call.trunk_leg.video is not the"));
  EXPECT_THAT(with("/call/trunk_leg/slots", Json::array()), HasSubstr("call.trunk_leg.audio"));
  EXPECT_THAT(with("/call/told_trunk", "up"), HasSubstr("is none of the words"));
  EXPECT_THAT(with("/call/trunk/rtp", "here"), HasSubstr("is not an address"));
  EXPECT_THAT(with("/trunk_dialog/interval", 4294967296), HasSubstr("0 to 4294967295"));
  for (const char* text : {"", "{", "[]", "{}", "null", "\xff"}) EXPECT_NE(FaultOf(text), "");
  EXPECT_NE(FaultOf(std::string(1 << 19, ' ')), "");
  EXPECT_NE(FaultOf(std::string(1 << 16, '[')), "");
}

// --- in another process ---

// The edges and the call of a process that has just started, and knows nothing but a snapshot.
struct Restarted {
  Restarted(const CallSnapshot& snapshot, TimePoint start)
      : now(start),
        browser_edge(GatewayInMemory::DefaultOptions().browser, random),
        trunk_edge(GatewayInMemory::DefaultOptions().trunk, random),
        browser_dialog(browser_edge.Restore(snapshot.browser_dialog, now)),
        trunk_dialog(trunk_edge.Restore(snapshot.trunk_dialog, snapshot.parties.user, now)),
        call({1}, {1}, {}, snapshot.call, now) {}

  sip::Message ToBrowser() {
    const auto texts = browser_edge.TakeOutgoing();
    EXPECT_EQ(texts.size(), 1u);
    return texts.empty() ? sip::Message() : *sip::Parse(texts.back().text);
  }
  sip::Message ToTrunk() {
    sip::Message message;
    for (const trunk::TrunkOutput& output : trunk_edge.TakeOutputs()) {
      if (const auto* send = std::get_if<trunk::SendBytes>(&output)) {
        message = *sip::Parse(send->bytes);
      }
    }
    return message;
  }
  std::string Offer(const call::CallInput& input) {
    std::vector<call::CallOutput> outputs;
    call.On(input, now, outputs);
    const auto* offer = std::get_if<call::SendOffer>(&outputs.back());
    return offer ? offer->sdp : "";
  }

  TimePoint now;
  SystemRandom random;
  browser::BrowserEdge browser_edge;
  trunk::TrunkEdge trunk_edge;
  sip::DialogId browser_dialog;
  sip::DialogId trunk_dialog;
  call::Call call;
};

std::string ValueIn(const std::string& sdp, const std::string& name) {
  const size_t start = sdp.find(name) + name.size();
  return sdp.substr(start, sdp.find('\r', start) - start);
}

void ExpectTheSameBut(sip::Message one, sip::Message other) {
  for (sip::Message* message : {&one, &other}) message->vias.clear();
  EXPECT_EQ(sip::Print(one), sip::Print(other));
}

TEST_F(CallSnapshotTest, TheBrowserGetsTheOfferThatItWouldHaveGot) {
  Connect();
  const CallSnapshot taken = Taken();
  gw.CloseBrowser(kAlice);
  gw.Register(kAliceAgain, "alice");
  const sip::Message reinvite = gw.ToBrowser(kAliceAgain);
  ASSERT_EQ(reinvite.method, "INVITE");

  Restarted restarted(taken, gw.now);
  ASSERT_TRUE(restarted.browser_dialog);
  const sip::FlowId flow{kAliceAgain};
  restarted.browser_edge.OnFlowOpened(flow, false, IpAddress{});
  sip::Message request = gw.MakeRegister("alice");
  restarted.browser_edge.OnText(flow, sip::Print(request), restarted.now);
  restarted.browser_edge.TakeEvents(restarted.now);
  const sip::Message challenge = restarted.ToBrowser();
  request.authorizations = {
      *sip::AnswerChallenge(challenge.www_authenticates.at(0), {"alice", "secret"}, "REGISTER",
                            request.request_uri.ToString(), restarted.random)};
  ++request.cseq.number;
  request.vias.front().params.Set("branch", "z9hG4bKagain");
  restarted.browser_edge.OnText(flow, sip::Print(request), restarted.now);
  const auto events = restarted.browser_edge.TakeEvents(restarted.now);
  EXPECT_EQ(restarted.ToBrowser().status, 200);
  const auto rebound = std::ranges::find_if(events, [](const browser::BrowserEvent& event) {
    return std::holds_alternative<browser::BrowserRebound>(event);
  });
  ASSERT_NE(rebound, events.end());
  EXPECT_EQ(std::get<browser::BrowserRebound>(*rebound).dialog, restarted.browser_dialog);

  const std::string offer = restarted.Offer(call::BrowserBack{
      {ValueIn(reinvite.body, "a=ice-ufrag:"), ValueIn(reinvite.body, "a=ice-pwd:")}});
  restarted.browser_edge.SendReoffer(restarted.browser_dialog, offer, restarted.now);
  const sip::Message again = restarted.ToBrowser();
  ExpectTheSameBut(again, reinvite);
  EXPECT_EQ(again.call_id, invite.call_id);
  EXPECT_EQ(again.from.tag(), ok.to.tag());
  EXPECT_EQ(again.to.tag(), invite.from.tag());
  EXPECT_EQ(again.cseq.number, taken.browser_dialog.dialog.dialog.local_cseq + 1);
  EXPECT_THAT(again.body, HasSubstr("a=setup:actpass"));
  EXPECT_THAT(again.body, HasSubstr("RTP/SAVPF 0 101"));
  EXPECT_THAT(again.body, HasSubstr("a=mid:0"));
  EXPECT_THAT(again.body, HasSubstr(" 2 IN IP4"));
  EXPECT_THAT(ok.body, HasSubstr(" 1 IN IP4"));
}

TEST_F(CallSnapshotTest, ItsAnswersKeepTheDtlsRoleToo) {
  Connect();
  Restarted restarted(Taken(), gw.now);
  std::vector<call::CallOutput> outputs;
  restarted.call.On(call::Reoffered{.party = call::Party::kCaller,
                                    .request = {7},
                                    .sdp = testing::BrowserSdp("actpass", "0 101")},
                    restarted.now, outputs);
  const auto* answer = std::get_if<call::AnswerReoffer>(&outputs.back());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->sdp, HasSubstr("a=setup:passive"));
}

TEST_F(CallSnapshotTest, TheCarrierIsOfferedWhatItWouldHaveBeenOffered) {
  Connect();
  Restarted restarted(Taken(), gw.now);
  ASSERT_TRUE(restarted.trunk_dialog);
  sip::Message hold = InDialog(invite, ok, "INVITE");
  hold.content_type = "application/sdp";
  hold.body = testing::BrowserSdp("actpass", "0 101");
  hold.body.replace(hold.body.find("a=sendrecv"), 10, "a=sendonly");
  gw.FromBrowser(kAlice, hold);
  const sip::Message reinvite = gw.ToTrunk();
  ASSERT_EQ(reinvite.method, "INVITE");

  std::vector<call::CallOutput> outputs;
  restarted.call.On(
      call::Reoffered{.party = call::Party::kCaller, .request = {7}, .sdp = hold.body},
      restarted.now, outputs);
  const auto* offer = std::get_if<call::SendOffer>(&outputs.back());
  ASSERT_TRUE(offer);
  restarted.trunk_edge.SendReoffer(restarted.trunk_dialog,
                                   {.content_type = "application/sdp", .body = offer->sdp},
                                   restarted.now);
  const sip::Message again = restarted.ToTrunk();
  ExpectTheSameBut(again, reinvite);
  EXPECT_EQ(again.cseq.number, trunk_invite.cseq.number + 1);
  EXPECT_EQ(*again.FindExtra("Session-Expires"), "1800;refresher=uac");
}

TEST_F(CallSnapshotTest, ItsTimersGoOn) {
  Connect();
  gw.Wait(100s);
  Restarted restarted(Taken(), gw.now);
  EXPECT_EQ(restarted.trunk_edge.next_timeout(), restarted.now + 800s);
  EXPECT_EQ(restarted.browser_edge.next_timeout(),
            restarted.now + browser::BrowserEdge::kMayBeAway);
}

TEST_F(CallSnapshotTest, ByesOfBothPeersAreAnswered) {
  Connect();
  Restarted restarted(Taken(), gw.now);
  restarted.browser_edge.OnFlowOpened({kAliceAgain}, false, IpAddress{});
  restarted.browser_edge.user_agent().BindFlow(restarted.browser_dialog, {kAliceAgain});
  restarted.browser_edge.OnText({kAliceAgain}, sip::Print(InDialog(invite, ok, "BYE")),
                                restarted.now);
  EXPECT_EQ(restarted.ToBrowser().status, 200);
  const auto events = restarted.browser_edge.TakeEvents(restarted.now);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<sip::DialogEnded>(std::get<sip::UserAgentEvent>(events[0])).dialog,
            restarted.browser_dialog);

  const sip::FlowId stream =
      restarted.trunk_edge.OnInboundStream(*Endpoint::Parse("198.51.100.9:40000"), false);
  sip::Message bye = gw.MakeTrunkInvite("lastmile");
  bye.method = bye.cseq.method = "BYE";
  bye.from = trunk_ok.to;
  bye.to = trunk_ok.from;
  bye.call_id = trunk_ok.call_id;
  bye.body.clear();
  bye.content_type.clear();
  restarted.trunk_edge.OnStreamBytes(stream, AsBytes(sip::Print(bye)), restarted.now);
  EXPECT_EQ(restarted.ToTrunk().status, 200);
  EXPECT_EQ(restarted.trunk_edge.TakeEvents(restarted.now).size(), 1u);
}

// Else the fuzzer would be at the door all the time.
TEST_F(CallSnapshotTest, TheSeedOfTheFuzzerIsASnapshotOfThisVersion) {
  std::ifstream file(LASTMILE_SNAPSHOT_SEED);
  const auto read = ParseCallSnapshot(std::string(std::istreambuf_iterator(file), {}));
  Connect();
  EXPECT_TRUE(read) << read.error().message << "; one of today:\n" << ToJson(Taken());
}

TEST_F(CallSnapshotTest, NoDialogIsRestoredTwice) {
  Connect();
  const CallSnapshot taken = Taken();
  Restarted restarted(taken, gw.now);
  EXPECT_FALSE(restarted.browser_edge.Restore(taken.browser_dialog, restarted.now));
  EXPECT_FALSE(restarted.trunk_edge.Restore(taken.trunk_dialog, "alice", restarted.now));
  trunk::TrunkDialogSnapshot elsewhere = taken.trunk_dialog;
  elsewhere.trunk = "gone";
  EXPECT_FALSE(restarted.trunk_edge.Restore(elsewhere, "alice", restarted.now));
}

}  // namespace
}  // namespace lastmile::app
