#include "gateway/browser/registrar.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/sip/codec.h"

namespace lastmile::browser {
namespace {

constexpr sip::FlowId kFlow{1};
constexpr sip::FlowId kOtherFlow{2};

class RegistrarTest : public ::testing::Test {
 protected:
  // A REGISTER as JsSIP sends it; "" for no instance or no reg-id.
  sip::Message Request(const std::string& device, const std::string& reg_id = "1",
                       int expires = 600) {
    sip::Message request;
    request.method = "REGISTER";
    request.call_id = "call-" + device;
    request.cseq = {++cseq, "REGISTER"};
    request.supported = {"path", "gruu", "outbound"};
    sip::NameAddr contact;
    contact.uri.user = device;
    contact.uri.host = device + ".invalid";
    if (!reg_id.empty()) contact.params.Set("reg-id", reg_id);
    contact.params.Set("+sip.instance", "<urn:uuid:" + device + ">");
    contact.params.Set("expires", std::to_string(expires));
    request.contacts = {contact};
    return request;
  }
  sip::Message Star() {
    sip::Message request;
    request.method = "REGISTER";
    request.call_id = "star";
    request.cseq = {++cseq, "REGISTER"};
    request.contact_star = true;
    request.expires = 0;
    return request;
  }
  RegisterResult Register(const sip::Message& request, sip::FlowId flow = kFlow) {
    return registrar.Register(*registrar.FindUser("alice"), flow, request, now);
  }
  size_t Reachable(const std::string& instance = "") {
    return registrar.FindAll("alice", instance, now).size();
  }

  Registrar registrar{"gw.example",
                      {{.name = "alice", .ha1 = "x", .caller_id = ""},
                       {.name = "bob", .ha1 = "x", .caller_id = ""}}};
  TimePoint now{1h};
  uint32_t cseq = 0;
};

TEST_F(RegistrarTest, AContactComesBackWithItsExpiryAndOutbound) {
  const RegisterResult result = Register(Request("tab"));
  EXPECT_EQ(result.status, 200);
  EXPECT_TRUE(result.outbound);
  ASSERT_EQ(result.contacts.size(), 1u);
  EXPECT_EQ(*result.contacts[0].params.Find("expires"), "600");
}

TEST_F(RegistrarTest, OutboundNeedsTheOptionTheInstanceAndTheRegId) {
  sip::Message no_option = Request("tab");
  no_option.supported = {"gruu"};
  EXPECT_FALSE(Register(no_option).outbound);
  EXPECT_FALSE(Register(Request("tab", "")).outbound);
  sip::Message no_instance = Request("tab");
  no_instance.contacts[0].params.list.clear();
  EXPECT_FALSE(Register(no_instance).outbound);
}

TEST_F(RegistrarTest, AGruuIsGivenToWhoAsksAndLeadsToThatDeviceAlone) {
  const RegisterResult tab = Register(Request("tab"));
  Register(Request("phone"), kOtherFlow);
  const std::string* gruu = tab.contacts.at(0).params.Find("pub-gruu");
  ASSERT_NE(gruu, nullptr);
  EXPECT_EQ(*gruu, "sip:alice@gw.example;gr=urn:uuid:tab");
  const auto uri = sip::ParseUri(*gruu);
  ASSERT_TRUE(uri);
  const auto found = registrar.FindAll(uri->user, *uri->params.Find("gr"), now);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]->contact.uri.user, "tab");
  EXPECT_EQ(Reachable(), 2u);
  EXPECT_EQ(Reachable("urn:uuid:another"), 0u);
  EXPECT_TRUE(registrar.FindAll("bob", "urn:uuid:tab", now).empty());
}

TEST_F(RegistrarTest, WhoDoesNotAskGetsNoGruu) {
  sip::Message request = Request("tab");
  request.supported.clear();
  request.contacts[0].params.Set("pub-gruu", "sip:mallory@elsewhere.example;gr=x");
  EXPECT_FALSE(Register(request).contacts.at(0).params.Has("pub-gruu"));
}

TEST_F(RegistrarTest, AnOddInstanceGetsNoGruu) {
  for (const std::string& instance : {std::string("urn:uuid:x"), std::string("<uuid>"),
                                      "<urn:uuid:" + std::string(300, 'x') + ">"}) {
    sip::Message request = Request("tab");
    request.contacts[0].params.Set("+sip.instance", instance);
    const RegisterResult result = Register(request);
    EXPECT_FALSE(result.contacts.back().params.Has("pub-gruu")) << instance;
  }
}

TEST_F(RegistrarTest, AGruuIsNoContact) {
  sip::Message request = Request("tab");
  request.contacts[0].uri.params.Set("gr", "urn:uuid:tab");
  EXPECT_EQ(Register(request).status, 403);
  EXPECT_EQ(Reachable(), 0u);
}

TEST_F(RegistrarTest, TheSameDeviceReplacesItsBindingWhateverItsContact) {
  Register(Request("tab"));
  sip::Message again = Request("tab");
  again.contacts[0].uri.user = "another";
  again.call_id = "another";
  EXPECT_EQ(Register(again, kOtherFlow).contacts.size(), 1u);
  EXPECT_EQ(registrar.FindAll("alice", "", now).at(0)->flow, kOtherFlow);
}

TEST_F(RegistrarTest, TwoFlowsOfADeviceAreTwoBindingsButRingOnce) {
  Register(Request("tab", "1"));
  EXPECT_EQ(Register(Request("tab", "2"), kOtherFlow).contacts.size(), 2u);
  const auto found = registrar.FindAll("alice", "", now);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]->flow, kOtherFlow);
  registrar.RemoveFlow(kOtherFlow);
  EXPECT_EQ(registrar.FindAll("alice", "", now).at(0)->flow, kFlow);
}

TEST_F(RegistrarTest, BindingsExpireAndGoWithTheirFlow) {
  Register(Request("tab", "1", 60));
  Register(Request("phone"), kOtherFlow);
  now += 60s;
  EXPECT_EQ(Reachable(), 1u);
  registrar.OnTimer(now);
  EXPECT_EQ(registrar.binding_count(), 1u);
  registrar.RemoveFlow(kOtherFlow);
  EXPECT_EQ(registrar.binding_count(), 0u);
}

TEST_F(RegistrarTest, ExpiresZeroRemovesOneDevice) {
  Register(Request("tab"));
  Register(Request("phone"), kOtherFlow);
  const RegisterResult result = Register(Request("tab", "1", 0));
  EXPECT_EQ(result.status, 200);
  ASSERT_EQ(result.contacts.size(), 1u);
  EXPECT_EQ(result.contacts[0].uri.user, "phone");
}

TEST_F(RegistrarTest, AStarRemovesAllOfTheUsersAndNobodyElses) {
  Register(Request("tab"));
  Register(Request("phone"), kOtherFlow);
  registrar.Register(*registrar.FindUser("bob"), kFlow, Request("bobs"), now);
  const RegisterResult result = Register(Star());
  EXPECT_EQ(result.status, 200);
  EXPECT_TRUE(result.contacts.empty());
  EXPECT_EQ(Reachable(), 0u);
  EXPECT_EQ(registrar.FindAll("bob", "", now).size(), 1u);
}

TEST_F(RegistrarTest, AStarNeedsExpiresZero) {
  Register(Request("tab"));
  sip::Message star = Star();
  star.expires = 5;
  EXPECT_EQ(Register(star).status, 400);
  star.expires.reset();
  EXPECT_EQ(Register(star).status, 400);
  EXPECT_EQ(Reachable(), 1u);
}

TEST_F(RegistrarTest, WhatComesLateChangesNothing) {
  sip::Message first = Request("tab");
  const sip::Message second = Request("tab");
  EXPECT_EQ(Register(second).status, 200);
  first.contacts[0].params.Set("expires", "0");
  const RegisterResult late = Register(first);
  EXPECT_EQ(late.status, 500);
  EXPECT_FALSE(late.reason.empty());
  EXPECT_EQ(Register(second).status, 500);
  sip::Message star = Star();
  star.call_id = first.call_id;
  star.cseq = first.cseq;
  EXPECT_EQ(Register(star).status, 500);
  EXPECT_EQ(Reachable(), 1u);
  // A page that was loaded anew counts from 1 in a Call-ID of its own.
  sip::Message reloaded = Request("tab");
  reloaded.call_id = "reloaded";
  reloaded.cseq.number = 1;
  EXPECT_EQ(Register(reloaded).status, 200);
}

TEST_F(RegistrarTest, TooBriefIsRefusedAsAWhole) {
  Register(Request("tab"));
  sip::Message request = Request("phone");
  request.contacts.push_back(Request("tab").contacts[0]);
  request.contacts[1].params.Set("expires", "5");
  EXPECT_EQ(Register(request).status, 423);
  EXPECT_EQ(Reachable(), 1u);
  EXPECT_EQ(Register(Request("phone", "1", 10)).status, 200);
}

TEST_F(RegistrarTest, AUserHasTenDevicesAtMost) {
  for (size_t i = 0; i < Registrar::kMaxBindings; ++i) {
    EXPECT_EQ(Register(Request("device" + std::to_string(i))).status, 200);
  }
  const RegisterResult result = Register(Request("onemore"));
  EXPECT_EQ(result.status, 403);
  EXPECT_FALSE(result.reason.empty());
  EXPECT_EQ(Register(Request("device3")).status, 200) << "a refresh is always taken";
  EXPECT_EQ(registrar.binding_count(), Registrar::kMaxBindings);
}

TEST_F(RegistrarTest, TellsWhenAUserComesAndGoes) {
  const auto changes = [&] {
    std::string text;
    for (const PresenceChanged& change : registrar.TakeChanges()) {
      text += (change.present ? "+" : "-") + change.user;
    }
    return text;
  };
  Register(Request("", "", 0));
  EXPECT_EQ(changes(), "") << "a user who was never there cannot go";
  Register(Request("tab"));
  Register(Request("phone"), kOtherFlow);
  EXPECT_EQ(changes(), "+alice");
  registrar.RemoveFlow(kFlow);
  EXPECT_EQ(changes(), "");
  Register(Request("phone", "1", 0), kOtherFlow);
  EXPECT_EQ(changes(), "-alice");
  Register(Request("tab", "1", 60));
  now += 61s;
  registrar.OnTimer(now);
  EXPECT_EQ(changes(), "+alice-alice");
  Register(Request("tab"));
  registrar.RemoveFlow(kFlow);
  EXPECT_EQ(changes(), "+alice-alice");
}

}  // namespace
}  // namespace lastmile::browser
