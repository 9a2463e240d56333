#include "gateway/sip/dialog.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/sip/ua_support.h"

namespace lastmile::sip {
namespace {

NameAddr Router(const char* host, bool loose = true) {
  NameAddr router = MakeAddr("", host);
  if (loose) router.uri.params.Set("lr", "");
  return router;
}

Message Invite() {
  Message invite = MakePeerRequest("INVITE", 5, "z9hG4bKa");
  invite.record_routes = {Router("p1.example"), Router("p2.example")};
  return invite;
}

TEST(Dialog, OfServer) {
  Dialog dialog = Dialog::OfServer(Invite(), "ours");
  EXPECT_TRUE(dialog.IsPeer("call-1", "theirs"));
  EXPECT_FALSE(dialog.IsPeer("call-2", "theirs"));
  EXPECT_FALSE(dialog.IsPeer("call-1", "other"));
  const Message info = dialog.NextRequest("INFO");
  EXPECT_EQ(info.cseq, (CSeq{1, "INFO"}));
  EXPECT_EQ(info.request_uri, Invite().contacts.front().uri);
  EXPECT_EQ(info.from.tag(), "ours");
  EXPECT_EQ(info.from.uri, Invite().to.uri);
  EXPECT_EQ(info.to, Invite().from);
  EXPECT_EQ(info.call_id, "call-1");
  EXPECT_EQ(info.max_forwards, 70u);
  EXPECT_EQ(info.routes, Invite().record_routes);
}

TEST(Dialog, OfClientReversesTheRoute) {
  const Message invite = Invite();
  Message response = MakeResponse(invite, 180, "", "fork");
  response.contacts = {MakeAddr("target", "far.example")};
  Dialog dialog = Dialog::OfClient(invite, response);
  const Message info = dialog.NextRequest("INFO");
  EXPECT_EQ(info.cseq.number, 6u);
  EXPECT_EQ(info.request_uri, MakeUri("target", "far.example"));
  EXPECT_EQ(info.routes, (std::vector{Router("p2.example"), Router("p1.example")}));
  EXPECT_EQ(info.to.tag(), "fork");
  EXPECT_EQ(dialog.Ack(5).cseq, (CSeq{5, "ACK"}));
  EXPECT_EQ(dialog.NextRequest("BYE").cseq.number, 7u);
}

TEST(Dialog, SuccessHasTheLastWord) {
  const Message invite = Invite();
  Dialog dialog = Dialog::OfClient(invite, MakeResponse(invite, 180, "", "fork"));
  EXPECT_EQ(dialog.NextRequest("PRACK").request_uri, invite.request_uri);  // no Contact came
  Message response = MakeResponse(invite, 200, "", "fork");
  response.record_routes = {Router("p3.example")};
  response.contacts = {MakeAddr("late", "far.example")};
  dialog.Confirm(response);
  const Message bye = dialog.NextRequest("BYE");
  EXPECT_EQ(bye.request_uri, MakeUri("late", "far.example"));
  EXPECT_EQ(bye.routes, std::vector{Router("p3.example")});
  EXPECT_EQ(bye.cseq.number, 7u);
}

TEST(Dialog, StrictRouterBecomesTheRequestUri) {
  Message invite = Invite();
  invite.record_routes = {Router("old.example", false), Router("p2.example")};
  const Message bye = Dialog::OfServer(invite, "ours").NextRequest("BYE");
  EXPECT_EQ(bye.request_uri, MakeUri("", "old.example"));
  NameAddr target;
  target.uri = invite.contacts.front().uri;
  EXPECT_EQ(bye.routes, (std::vector{Router("p2.example"), target}));
}

TEST(Dialog, CSeqMayStayButNotFall) {
  Dialog dialog = Dialog::OfServer(Invite(), "ours");
  EXPECT_TRUE(dialog.TakeCSeq(5));
  EXPECT_TRUE(dialog.TakeCSeq(9));
  EXPECT_TRUE(dialog.TakeCSeq(9));
  EXPECT_FALSE(dialog.TakeCSeq(8));
  Dialog ours = Dialog::OfClient(Invite(), MakeResponse(Invite(), 200, "", "x"));
  EXPECT_TRUE(ours.TakeCSeq(0));  // the peer counts for itself
}

TEST(Dialog, TargetRefreshNeedsAContact) {
  Dialog dialog = Dialog::OfServer(Invite(), "ours");
  Message update = MakePeerRequest("UPDATE", 6, "z9hG4bKb", "ours");
  update.contacts.clear();
  dialog.RefreshTarget(update);
  EXPECT_EQ(dialog.remote_target, Invite().contacts.front().uri);
  update.contacts = {MakeAddr("new", "far.example")};
  dialog.RefreshTarget(update);
  EXPECT_EQ(dialog.remote_target, MakeUri("new", "far.example"));
}

}  // namespace
}  // namespace lastmile::sip
