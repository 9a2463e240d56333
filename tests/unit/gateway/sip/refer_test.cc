#include "gateway/sip/refer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/sip/codec.h"
#include "tests/unit/gateway/sip/ua_support.h"

namespace lastmile::sip {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Message ReferWith(std::vector<Header> headers) {
  Message message = MakePeerRequest("REFER", 7, "z9hG4bKrefer", "ours");
  message.extra = std::move(headers);
  // As it comes from the wire.
  auto parsed = Parse(Print(message));
  EXPECT_TRUE(parsed) << parsed.error().reason;
  return *parsed;
}

TEST(ReferTest, NamesWhomToCall) {
  const auto refer = ParseRefer(ReferWith({{"Refer-To", "\"Bob\" <sip:+15550001@pbx.example:5070>"},
                                           {"Referred-By", "<sip:carol@pbx.example>"}}));
  ASSERT_TRUE(refer) << refer.error().reason;
  EXPECT_EQ(refer->target.user, "+15550001");
  EXPECT_EQ(refer->target.host, "pbx.example");
  EXPECT_EQ(refer->target.port, 5070);
  EXPECT_EQ(refer->referred_by, "<sip:carol@pbx.example>");
  EXPECT_EQ(refer->replaces, std::nullopt);
  EXPECT_TRUE(refer->subscribes);
  EXPECT_EQ(refer->cseq, 7u);
}

TEST(ReferTest, TakesAnAddressWithoutBrackets) {
  const auto refer = ParseRefer(ReferWith({{"r", "sips:600@pbx.example"}}));
  ASSERT_TRUE(refer) << refer.error().reason;
  EXPECT_EQ(refer->target.ToString(), "sips:600@pbx.example");
}

TEST(ReferTest, TheMethodMayBeInvite) {
  const auto refer = ParseRefer(ReferWith({{"Refer-To", "<sip:600@pbx.example;method=INVITE>"}}));
  ASSERT_TRUE(refer) << refer.error().reason;
  EXPECT_EQ(refer->target.ToString(), "sip:600@pbx.example");
}

TEST(ReferTest, HasTheDialogToReplaceInItsUri) {
  const auto refer = ParseRefer(
      ReferWith({{"Refer-To",
                  "<sip:600@pbx.example?Subject=hi&Replaces=a%40b.example%3Bto-tag%3Dt1%3B"
                  "from-tag%3Df1%3Bearly-only&Accept-Contact=x>"}}));
  ASSERT_TRUE(refer) << refer.error().reason;
  const Replaces expected{
      .call_id = "a@b.example", .to_tag = "t1", .from_tag = "f1", .early_only = true};
  EXPECT_EQ(refer->replaces, expected);
  EXPECT_EQ(refer->replaces->ToString(), "a@b.example;to-tag=t1;from-tag=f1;early-only");
  EXPECT_EQ(refer->target.headers, "");
}

TEST(ReferTest, MayWantNoNotify) {
  const auto refer = ParseRefer(
      ReferWith({{"Refer-To", "<sip:600@pbx.example>"}, {"Refer-Sub", "False;unknown=1"}}));
  ASSERT_TRUE(refer) << refer.error().reason;
  EXPECT_FALSE(refer->subscribes);
  EXPECT_THAT(AcceptRefer(*refer).headers, ElementsAre(Header{"Refer-Sub", "false"}));
  EXPECT_THAT(AcceptRefer({.target = {}}).headers, ElementsAre());
}

TEST(ReferTest, WhatCannotBeFollowedHasAStatusAndASentence) {
  struct Case {
    std::vector<Header> headers;
    int status;
    const char* sentence;
  };
  const Case cases[] = {
      {{}, 400, "must have a Refer-To"},
      {{{"Refer-To", ""}}, 400, "cannot be read"},
      {{{"Refer-To", "<<>>"}}, 400, "cannot be read"},
      {{{"Refer-To", "<tel:+15550001>"}}, 416, "sip or sips"},
      {{{"Refer-To", "<http://pbx.example/>"}}, 416, "sip or sips"},
      {{{"Refer-To", "<sip:600@pbx.example;method=BYE>"}}, 501, "INVITE only"},
      {{{"Refer-To", "<sip:600@pbx.example?Replaces=a>"}}, 400, "to-tag"},
      {{{"Refer-To", "<sip:600@pbx.example?Replaces=%3Bto-tag%3D1%3Bfrom-tag%3D2>"}},
       400,
       "Call-ID"},
      {{{"Refer-To", "<sip:600@pbx.example?Replaces=a%3Bto-tag%3D1%3Bto-tag%3D1>"}}, 400, "twice"},
      {{{"Refer-To", "<sip:600@p.example?Replaces=a%0D%0AX:1%3Bto-tag%3D1%3Bfrom-tag%3D2>"}},
       400,
       "Call-ID"},
      {{{"Refer-To",
         "<sip:600@p.example?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&replaces=a%3Bto-tag%3D1%3B"
         "from-tag%3D2>"}},
       400,
       "two Replaces"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.headers.empty() ? "" : row.headers.front().value);
    const auto refer = ParseRefer(ReferWith(row.headers));
    ASSERT_FALSE(refer);
    EXPECT_EQ(refer.error().status, row.status);
    EXPECT_THAT(refer.error().reason, HasSubstr(row.sentence));
  }
}

TEST(ReferTest, AnInviteMayReplaceADialog) {
  Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKinvite");
  auto replaces = ParseReplaces(invite);
  ASSERT_TRUE(replaces);
  EXPECT_EQ(*replaces, std::nullopt);
  invite.SetExtra("Replaces", "98732@sip.example ; from-tag = r33th4x0r; to-tag=ff87ff ;x");
  replaces = ParseReplaces(invite);
  ASSERT_TRUE(replaces && *replaces);
  EXPECT_EQ((*replaces)->call_id, "98732@sip.example");
  EXPECT_EQ((*replaces)->to_tag, "ff87ff");
  EXPECT_EQ((*replaces)->from_tag, "r33th4x0r");
  EXPECT_FALSE((*replaces)->early_only);
  invite.SetExtra("Replaces", "98732;to-tag=a b;from-tag=c");
  replaces = ParseReplaces(invite);
  ASSERT_FALSE(replaces);
  EXPECT_EQ(replaces.error().status, 400);
}

TEST(ReferTest, ItsSenderIsNotifiedAsRfc3515Says) {
  const Extras ringing = NotifyOfRefer(7, 180);
  EXPECT_THAT(ringing.headers, ElementsAre(Header{"Event", "refer;id=7"},
                                           Header{"Subscription-State", "active;expires=300"}));
  EXPECT_EQ(ringing.content_type, "message/sipfrag;version=2.0");
  EXPECT_EQ(ringing.body, "SIP/2.0 180 Ringing\r\n");
  const Extras busy = NotifyOfRefer(7, 486);
  EXPECT_EQ(busy.headers.at(1).value, "terminated;reason=noresource");
  EXPECT_EQ(busy.body, "SIP/2.0 486 Busy Here\r\n");
}

// --- UserAgent::FindDialog ---

class NamedDialogTest : public ::testing::Test {
 protected:
  // Both orders of the tags name the same dialog; neither a wrong Call-ID nor a wrong tag does.
  static void ExpectNamed(const UserAgent& ua, const Replaces& name, DialogId id,
                          NamedDialog::State state) {
    Replaces swapped = name;
    std::swap(swapped.to_tag, swapped.from_tag);
    for (const Replaces& order : {name, swapped}) {
      const auto found = ua.FindDialog(order);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->dialog, id);
      EXPECT_EQ(found->owner, 7u);
      EXPECT_EQ(found->state, state);
    }
    Replaces wrong = name;
    wrong.call_id += "x";
    EXPECT_FALSE(ua.FindDialog(wrong));
    wrong = name;
    wrong.from_tag += "x";
    EXPECT_FALSE(ua.FindDialog(wrong));
    wrong = {.call_id = name.call_id, .to_tag = name.to_tag, .from_tag = name.to_tag};
    EXPECT_FALSE(ua.FindDialog(wrong));
  }

  Solo t;
};

TEST_F(NamedDialogTest, OfAPeersInvite) {
  t.Receive(MakePeerRequest("INVITE", 1, "z9hG4bK1"));
  const DialogId id = t.Take<IncomingInvite>().dialog;
  t.Sent(100);
  t.ua.RespondInvite(id, 180, {}, t.now);
  const std::string tag = t.Sent(180).to.tag();
  const Replaces name{.call_id = "call-1", .to_tag = tag, .from_tag = "theirs"};
  ExpectNamed(t.ua, name, id, NamedDialog::State::kIncoming);
  t.ua.RespondInvite(id, 200, Body("answer"), t.now);
  ExpectNamed(t.ua, name, id, NamedDialog::State::kConfirmed);
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bK2", tag));
  ExpectNamed(t.ua, name, id, NamedDialog::State::kConfirmed);
  t.Sent(200);
  t.ua.Bye(id, {}, t.now);
  ExpectNamed(t.ua, name, id, NamedDialog::State::kOver);
  t.Receive(Solo::Answer(t.Sent("BYE"), 200));
  EXPECT_FALSE(t.ua.FindDialog(name));
}

TEST_F(NamedDialogTest, OfAnInviteOfOurs) {
  const DialogId id = t.ua.Invite(t.flow, MakeInvite(), t.now);
  const Message invite = t.Sent("INVITE");
  const Replaces name{.call_id = invite.call_id, .to_tag = "fork", .from_tag = invite.from.tag()};
  EXPECT_FALSE(t.ua.FindDialog(name));
  t.Receive(Solo::Answer(invite, 180));
  ExpectNamed(t.ua, name, id, NamedDialog::State::kCalling);
  t.Receive(Solo::Answer(invite, 200));
  ExpectNamed(t.ua, name, id, NamedDialog::State::kConfirmed);
}

TEST_F(NamedDialogTest, WhatIsSupportedIsSaidInAnInviteAndItsAnswer) {
  UserAgentOptions options = TestOptions();
  options.supported = {"replaces"};
  Solo other(std::move(options));
  other.ua.Invite(other.flow, MakeInvite(), other.now);
  EXPECT_THAT(other.Sent("INVITE").supported, ElementsAre("replaces"));
  other.Receive(MakePeerRequest("INVITE", 1, "z9hG4bK1"));
  EXPECT_THAT(other.Sent(100).supported, ElementsAre());
  other.Collect();
  other.ua.RespondInvite(other.Take<IncomingInvite>().dialog, 200, Body("answer"), other.now);
  EXPECT_THAT(other.Sent(200).supported, ElementsAre("replaces"));
}

}  // namespace
}  // namespace lastmile::sip
