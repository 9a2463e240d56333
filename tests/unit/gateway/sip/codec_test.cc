#include "gateway/sip/codec.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/sip/precheck.h"
#include "tests/unit/gateway/sip/sample_messages.h"

namespace lastmile::sip {
namespace {

using testing::Crlf;

// A request with the five headers, `more` before the end of its head, and `body`.
std::string Request(std::string_view more, std::string_view body = "") {
  return Crlf(
             "OPTIONS sip:bob@h SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\n"
             "From: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: c1\nCSeq: 1 OPTIONS\n") +
         Crlf(more) + "\r\n" + std::string(body);
}

Message ParseOk(std::string_view text) {
  auto message = Parse(text);
  EXPECT_TRUE(message) << message.error().reason << "\n" << text;
  return message.value_or(Message{});
}

int StatusOf(std::string_view text) {
  const auto message = Parse(text);
  return message ? 0 : message.error().status;
}

TEST(Parse, ReadsARegisterOfJsSip) {
  const Message m = ParseOk(testing::JsSipRegister());
  EXPECT_TRUE(m.is_request());
  EXPECT_EQ(m.method, "REGISTER");
  EXPECT_EQ(m.request_uri.ToString(), "sip:gw.example.com");
  ASSERT_EQ(m.vias.size(), 1u);
  EXPECT_EQ(m.vias[0].transport, "WSS");
  EXPECT_EQ(m.vias[0].sent_by, "4h1o7u1fvq3k.invalid");
  EXPECT_EQ(m.vias[0].branch(), "z9hG4bK2377206");
  EXPECT_EQ(m.from.display_name, "Alice \"A.\" Doe");
  EXPECT_EQ(m.from.tag(), "vsa2o8lg0d");
  EXPECT_EQ(m.to.uri.user, "alice");
  EXPECT_EQ(m.to.tag(), "");
  EXPECT_EQ(m.call_id, "7lc8jbqdgmc0d2mmn0h7bl");
  EXPECT_EQ(m.cseq, (CSeq{2, "REGISTER"}));
  EXPECT_EQ(m.max_forwards, 69u);
  EXPECT_EQ(m.expires, 600u);
  ASSERT_EQ(m.contacts.size(), 1u);
  EXPECT_EQ(m.contacts[0].uri.ToString(), "sip:q5jvo8e1@4h1o7u1fvq3k.invalid;transport=ws");
  EXPECT_TRUE(m.contacts[0].params.Has("+sip.ice"));
  EXPECT_EQ(*m.contacts[0].params.Find("reg-id"), "1");
  EXPECT_EQ(*m.contacts[0].params.Find("+sip.instance"),
            "<urn:uuid:f0f2a2d5-6a3e-4c44-8a0c-0d8f0f1f7f10>");
  EXPECT_EQ(*m.contacts[0].params.Find("expires"), "600");
  ASSERT_EQ(m.authorizations.size(), 1u);
  EXPECT_EQ(*m.authorizations[0].params.Find("uri"), "sip:gw.example.com");
  EXPECT_EQ(*m.authorizations[0].params.Find("nc"), "00000001");
  EXPECT_EQ(m.supported, (std::vector<std::string>{"path", "gruu", "outbound"}));
  EXPECT_EQ(m.allow.size(), 10u);
  EXPECT_EQ(*m.FindExtra("user-agent"), "JsSIP 3.13.8");
  EXPECT_EQ(m.extra.size(), 1u);
}

TEST(Parse, ReadsAnInviteOfJsSip) {
  const Message m = ParseOk(testing::JsSipInvite());
  EXPECT_EQ(m.request_uri.user, "+15550001001");
  EXPECT_EQ(m.content_type, "application/sdp");
  EXPECT_TRUE(m.body.starts_with("v=0\r\n"));
  EXPECT_TRUE(m.body.ends_with("a=mid:0\r\n"));
  EXPECT_EQ(*m.FindExtra("Session-Expires"), "90");
  EXPECT_TRUE(m.contacts.at(0).uri.params.Has("ob"));
}

TEST(Parse, ReadsSipp) {
  const Message m = ParseOk(testing::SippInvite());
  EXPECT_EQ(m.from.display_name, "sipp");
  EXPECT_EQ(m.vias.at(0).sent_by, "127.0.1.1:5061");
  EXPECT_EQ(m.contacts.at(0).uri.port, 5061);
}

TEST(Parse, ReadsAResponse) {
  const Message m = ParseOk(testing::SippOk());
  EXPECT_FALSE(m.is_request());
  EXPECT_EQ(m.status, 200);
  EXPECT_EQ(m.reason_phrase, "OK");
  ASSERT_EQ(m.record_routes.size(), 2u);
  EXPECT_EQ(m.record_routes[1].uri.host, "proxy2.example.net");
  EXPECT_EQ(*m.vias.at(0).params.Find("received"), "[2001:db8::9:255]");
  EXPECT_EQ(m.require, std::vector<std::string>{"timer"});
}

TEST(Parse, ReadsARequestThatCameThroughProxies) {
  const Message m = ParseOk(testing::ProxiedInvite());
  ASSERT_EQ(m.vias.size(), 3u);
  EXPECT_EQ(m.vias[0].branch(), "z9hG4bK4b43c2ff8.1");
  EXPECT_EQ(m.vias[2].transport, "TLS");
  EXPECT_EQ(*m.vias[2].params.Find("received"), "192.0.2.1");
  EXPECT_EQ(*m.FindExtra("Warning"), "399 biloxi.example.com \"Call \\\"delayed\\\"\"");
  const Message response = MakeResponse(m, 180, "", "a6c85cf");
  EXPECT_EQ(response.vias, m.vias);
  EXPECT_EQ(response.record_routes, m.record_routes);
}

TEST(Parse, ReadsCompactFormsAndAChallenge) {
  const Message m = ParseOk(testing::Challenge401());
  EXPECT_EQ(m.to.display_name, "Bob");
  ASSERT_EQ(m.www_authenticates.size(), 1u);
  EXPECT_EQ(*m.www_authenticates[0].params.Find("realm"), "atlanta.example.com");
  EXPECT_EQ(*m.www_authenticates[0].params.Find("qop"), "auth,auth-int");
  EXPECT_TRUE(m.extra.empty());
}

TEST(Parse, CompactFormsOfExtrasBecomeLong) {
  const Message m = ParseOk(Request("x: 90\nr: <sip:c@h>\no: refer\n"));
  EXPECT_EQ(m.extra,
            (std::vector<Header>{
                {"Session-Expires", "90"}, {"Refer-To", "<sip:c@h>"}, {"Event", "refer"}}));
}

TEST(Parse, JoinsFoldedLinesAndTakesBlanksBeforeTheColon) {
  const Message m = ParseOk(
      Crlf("OPTIONS sip:bob@h SIP/2.0\nVia : SIP / 2.0 /\n TCP h ;\n\tbranch = z9hG4bK1\n"
           "FROM:\n  <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID:\n c1\nCSeq: 1\n\tOPTIONS\n\n"));
  EXPECT_EQ(m.vias.at(0).branch(), "z9hG4bK1");
  EXPECT_EQ(m.vias.at(0).transport, "TCP");
  EXPECT_EQ(m.call_id, "c1");
}

TEST(Parse, LeadingEmptyLinesDoNotCount) { EXPECT_EQ(StatusOf("\r\n\r\n" + Request("")), 0); }

TEST(Parse, BodyEndsWhereContentLengthSays) {
  EXPECT_EQ(ParseOk(Request("Content-Length: 3\n", "abcdef")).body, "abc");
  EXPECT_EQ(ParseOk(Request("", "abcdef")).body, "abcdef");
  EXPECT_EQ(ParseOk(Request("l:6\nContent-Length: 6\n", "abcdef")).body, "abcdef");
  EXPECT_EQ(StatusOf(Request("Content-Length: 7\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: 3\nl: 4\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: +3\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: -3\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: 3 3\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: 0x3\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length:\n", "abcdef")), 400);
  EXPECT_EQ(StatusOf(Request("Content-Length: 18446744073709551619\n", "abcdef")), 400);
}

TEST(Parse, AMultipartBodyIsNotLookedInto) {
  const std::string body("--b\r\nContent-Type: a/b\r\n\r\n\0\xFF\n--b--", 32);
  const Message m = ParseOk(Request("Content-Type: Multipart/Mixed;boundary=\"b\"\n", body));
  EXPECT_EQ(m.content_type, "multipart/mixed");
  EXPECT_EQ(m.content_type_params, ";boundary=\"b\"");
  EXPECT_EQ(m.body, body);
}

TEST(Parse, AuthorizationOfAnotherSchemeKeepsItsText) {
  const Message m = ParseOk(Request("Authorization: Bearer eyJ.abc.def==\n"));
  EXPECT_EQ(m.authorizations.at(0).scheme, "Bearer");
  EXPECT_EQ(m.authorizations.at(0).token, "eyJ.abc.def==");
}

TEST(Parse, ABrokenAuthorizationIsNoBrokenMessage) {
  for (std::string_view value : {"Digest", "Digest username=\"unbalanced", "", ",,,",
                                 "Digest ==", "Digest \"\"", "\"", "Digest realm=a b c"}) {
    const Message m = ParseOk(Request("Authorization: " + std::string(value) + "\n"));
    ASSERT_EQ(m.authorizations.size(), 1u) << value;
    EXPECT_FALSE(m.authorizations[0].params.Has("response")) << value;
  }
}

TEST(Parse, UserPartIsUnescapedOnceAndAPasswordIsDropped) {
  const Message m = ParseOk(Request("Contact: <sip:%61%2541%00:secret@h>\n"));
  EXPECT_EQ(m.contacts.at(0).uri.user, std::string("a%41\0", 5));
  EXPECT_EQ(m.contacts.at(0).uri.ToString(), "sip:a%2541%00@h");
}

TEST(Parse, RefusesBadUris) {
  for (std::string_view uri :
       {"sip:",          "sip:@h",        "sip:a@",         "sip:a@b@c", "sip:a@h:",
        "sip:a@h:0",     "sip:a@h:65536", "sip:a@h:-1",     "sip:[::1",  "sip:[zz]",
        "sip:[1.2.3.4]", "sip:::1",       "sip:a@h/path",   "sip:a@h#f", "a@h",
        "<sip:a@h>",     "sip:\"a\"@h",   "sip:a@h>",       ":",         "sip:a@h\\",
        "sip:.h",        "1sip:a@h",      "sip:\xC3\xA4@h", "sip:a@h;=", "sip:a@h;=b"}) {
    EXPECT_FALSE(ParseUri(uri)) << uri;
    const std::string text = "OPTIONS " + std::string(uri) + Request("").substr(17);
    EXPECT_EQ(StatusOf(text), 400) << uri;
  }
}

TEST(Parse, UrisOfOtherSchemesStayAsTheyAre) {
  for (std::string_view uri :
       {"tel:+15;phone-context=a//b", "tel:1/2", "tel:1//2//3", "urn:service:sos/a", "x:/a",
        "x://a", "x://u:p@h:5/a/b;c?d#e", "x:a@b/c", "mailto:a@b?subject=c", "data:,a/b#c"}) {
    const auto read = ParseUri(uri);
    ASSERT_TRUE(read.has_value()) << uri;
    EXPECT_EQ(read->ToString(), uri);
  }
}

TEST(Parse, RequestUriWithHeadersIsRefusedAndAnUnknownSchemeIs416) {
  EXPECT_EQ(StatusOf("OPTIONS sip:a@h?Route=%3Csip:x%3E" + Request("").substr(17)), 400);
  EXPECT_EQ(StatusOf("OPTIONS mailto:a@h" + Request("").substr(17)), 416);
  const Message tel = ParseOk("OPTIONS tel:+1555;phone-context=x" + Request("").substr(17));
  EXPECT_EQ(tel.request_uri.scheme, "tel");
  EXPECT_EQ(tel.request_uri.opaque, "+1555;phone-context=x");
}

TEST(Parse, AStarContactStandsAlone) {
  EXPECT_TRUE(ParseOk(Request("Contact: *\n")).contact_star);
  EXPECT_EQ(StatusOf(Request("Contact: *\nContact: <sip:a@h>\n")), 400);
  EXPECT_EQ(StatusOf(Request("Contact: <sip:a@h>\nContact: *\n")), 400);
  EXPECT_EQ(StatusOf(Request("Contact: *, <sip:a@h>\n")), 400);
  EXPECT_EQ(StatusOf(Request("Contact: *;expires=0\n")), 400);
}

TEST(Parse, UnquotedDisplayNamesOfRealPeersAreQuoted) {
  std::string text = Request("");
  text.replace(text.find("<sip:a@h>"), 9, "Bell, Alexander \xC3\xA4 <sip:a@h>");
  const Message m = ParseOk(text);
  EXPECT_EQ(m.from.display_name, "Bell, Alexander \xC3\xA4");
  EXPECT_EQ(m.from.ToString(), "\"Bell, Alexander \xC3\xA4\" <sip:a@h>;tag=1");
}

TEST(Parse, BytesThatAreNoUtf8BecomeQuestionMarks) {
  const Message m =
      ParseOk(Request("Subject: \xE4\xF6 \xC3\xA4 \xF0\x9F\x98\x80 \xED\xA0\x80 \xC3\n"));
  EXPECT_EQ(*m.FindExtra("Subject"), "?? \xC3\xA4 \xF0\x9F\x98\x80 ??? ?");
}

TEST(Parse, ADateOfAnotherZoneIsDropped) {
  EXPECT_TRUE(ParseOk(Request("Date: Fri, 01 Jan 2010 16:00:00 EST\n")).extra.empty());
  EXPECT_EQ(ParseOk(Request("Date: Fri, 01 Jan 2010 16:00:00 GMT\n")).extra.size(), 1u);
}

TEST(Parse, ExpiresIsClippedOrIgnoredButNeverFatal) {
  EXPECT_EQ(ParseOk(Request("Expires: 99999999999999\n")).expires, UINT32_MAX);
  EXPECT_EQ(ParseOk(Request("Expires: Thu, 01 Dec 1994 16:00:00 GMT\n")).expires, std::nullopt);
}

TEST(Answerable, HasWhatAResponseNeeds) {
  const auto bad = Parse(Crlf(
      "OPTIONS sip:bob@h SIP/2.0\nVia: SIP/2.0/TCP h:5060;branch=z9hG4bK1;rport\n"
      "Via: SIP/2.0/TCP second;branch=z9hG4bK0\n"
      "From: <sip:a@h>;tag=1\nTo: \"unbalanced <sip:b@h>;tag=2\nCall-ID: c1\nCSeq: 7 OPTIONS\n\n"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().status, 400);
  EXPECT_EQ(bad.error().reason, "To: the value cannot be read.");
  ASSERT_TRUE(bad.error().answerable);
  const std::string printed = Print(MakeResponse(*bad.error().answerable, 400, "", "x"));
  EXPECT_EQ(printed, Crlf("SIP/2.0 400 Bad Request\nVia: SIP/2.0/TCP h:5060;branch=z9hG4bK1;rport\n"
                          "Via: SIP/2.0/TCP second;branch=z9hG4bK0\n"
                          "From: <sip:a@h>;tag=1\nTo: <sip:b@h>;tag=2\nCall-ID: c1\n"
                          "CSeq: 7 OPTIONS\nContent-Length: 0\n\n"));
}

TEST(Answerable, KeepsTheBoundsThatTheRequestBroke) {
  const std::string tags(kMaxParams, ';');
  for (const std::string& to : {"<sip:" + std::string(kMaxElements, ',') + "@h>",
                                "<sip:b@h" + tags + ">", "<sip:b@h;a>" + tags + "tag=2",
                                "<sip:b@h" + std::string(kMaxParams - 1, ';') + ">;tag=2"}) {
    const auto bad =
        Parse(Crlf("OPTIONS sip:bob@h SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\n"
                   "From: <sip:a@h>;tag=1\nTo: " +
                   to + "\nCall-ID: c1\nCSeq: 7 OPTIONS\nContent-Length: x\n\n"));
    ASSERT_FALSE(bad);
    ASSERT_TRUE(bad.error().answerable);
    RawMessage raw;
    const auto fault = Precheck(Print(MakeResponse(*bad.error().answerable, 400, "", "t")), raw);
    EXPECT_FALSE(fault) << fault->reason;
  }
}

TEST(Answerable, IsAbsentForResponsesAcksAndMissingHeaders) {
  std::string ack = Request("Content-Length: x\n");
  while (ack.find("OPTIONS") != std::string::npos) ack.replace(ack.find("OPTIONS"), 7, "ACK");
  EXPECT_FALSE(Parse(ack).error().answerable);
  EXPECT_FALSE(
      Parse("SIP/2.0 200 OK" + Request("Content-Length: x\n").substr(25)).error().answerable);
  EXPECT_FALSE(Parse("SIP/7.0 200 OK" + Request("").substr(25)).error().answerable);
  for (std::string_view name : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"}) {
    std::string text = Request("Content-Length: x\n");
    text.replace(text.find(name), name.size(), "X-Gone:");
    EXPECT_FALSE(Parse(text).error().answerable) << name;
  }
  EXPECT_TRUE(Parse(Request("Content-Length: x\n")).error().answerable);
}

TEST(Print, KeepsTheOrderOfTheHeadAndCountsTheBody) {
  Message m;
  m.method = "INVITE";
  m.request_uri.user = "bob";
  m.request_uri.host = "h";
  m.vias.push_back({.transport = "TCP", .sent_by = "g", .params = {{{"branch", "z9hG4bK1"}}}});
  m.from.uri.host = "a";
  m.to.uri.host = "b";
  m.call_id = "c";
  m.cseq = {1, "INVITE"};
  m.max_forwards = 70;
  m.extra = {{"Session-Expires", "90"}};
  m.content_type = "application/sdp";
  m.body = "v=0\r\n";
  m.allow = {"INVITE", "ACK"};
  EXPECT_EQ(Print(m), Crlf("INVITE sip:bob@h SIP/2.0\nVia: SIP/2.0/TCP g;branch=z9hG4bK1\n"
                           "From: <sip:a>\nTo: <sip:b>\nCall-ID: c\nCSeq: 1 INVITE\n"
                           "Max-Forwards: 70\nAllow: INVITE, ACK\nSession-Expires: 90\n"
                           "Content-Type: application/sdp\nContent-Length: 5\n\nv=0\n"));
}

TEST(Print, AnExtraHeaderCannotContradictAFieldOfTheMessage) {
  Message m = ParseOk(Request(""));
  m.extra = {
      {"content-length", "5"}, {"V", "SIP/2.0/TCP x"}, {"X Y", "1"}, {"", "2"}, {"X-A", "3"}};
  const std::string printed = Print(m);
  EXPECT_EQ(ParseOk(printed).extra, (std::vector<Header>{{"X-A", "3"}}));
  EXPECT_EQ(ParseOk(printed).vias.size(), 1u);
}

TEST(RoundTrip, EverySampleComesBackAsTheSameValue) {
  for (const std::string& text : testing::AllSamples()) {
    const Message first = ParseOk(text);
    const std::string printed = Print(first);
    EXPECT_EQ(ParseOk(printed), first) << printed;
    EXPECT_EQ(Print(ParseOk(printed)), printed);
  }
}

TEST(RoundTrip, TheContactOfJsSipIsEchoedByteByByte) {
  EXPECT_NE(Print(ParseOk(testing::JsSipRegister()))
                .find("\r\nContact: <sip:q5jvo8e1@4h1o7u1fvq3k.invalid;transport=ws>;+sip.ice;"
                      "reg-id=1;+sip.instance=\"<urn:uuid:f0f2a2d5-6a3e-4c44-8a0c-0d8f0f1f7f10>\";"
                      "expires=600\r\n"),
            std::string::npos);
}

}  // namespace
}  // namespace lastmile::sip
