#include "gateway/sip/message.h"

#include <gtest/gtest.h>

#include "gateway/sip/codec.h"
#include "tests/unit/gateway/sip/sample_messages.h"

namespace lastmile::sip {
namespace {

TEST(Params, NamesCompareWithoutCaseAndSetReplacesInPlace) {
  Params params;
  params.Set("Tag", "1");
  params.Set("ob", "");
  params.Set("tAG", "2");
  ASSERT_EQ(params.list.size(), 2u);
  EXPECT_EQ(*params.Find("TAG"), "2");
  EXPECT_TRUE(params.Has("OB"));
  EXPECT_EQ(params.Find("no"), nullptr);
}

TEST(UriText, EscapesTheUserPartAndNothingElse) {
  Uri uri;
  uri.user = "a b;c=1@x\"\r\n%\xC3\xA4";
  uri.host = "[2001:db8::1]";
  uri.port = 5061;
  uri.params.Set("transport", "ws");
  uri.params.Set("ob", "");
  EXPECT_EQ(uri.ToString(),
            "sip:a%20b;c=1%40x%22%0D%0A%25%C3%A4@[2001:db8::1]:5061;transport=ws;ob");
}

TEST(UriText, AnotherSchemeIsPrintedAsItIs) {
  Uri uri;
  uri.scheme = "tel";
  uri.opaque = "+1-555;phone-context=example.com";
  EXPECT_EQ(uri.ToString(), "tel:+1-555;phone-context=example.com");
}

TEST(NameAddrText, QuotesNamesAndParametersWhereNeeded) {
  NameAddr address;
  address.display_name = "Bob \"the\\builder\"";
  address.uri.user = "bob";
  address.uri.host = "h";
  address.params.Set("tag", "a.b");
  address.params.Set("+sip.instance", "<urn:uuid:1>");
  address.params.Set("+sip.ice", "");
  address.params.Set("+g.x", "token");
  address.params.Set("note", "two words");
  EXPECT_EQ(address.ToString(),
            "\"Bob \\\"the\\\\builder\\\"\" <sip:bob@h>;tag=a.b;+sip.instance=\"<urn:uuid:1>\""
            ";+sip.ice;+g.x=\"token\";note=\"two words\"");
}

TEST(ViaText, ReceivedMayBeAnAddressWithOrWithoutBrackets) {
  Via via{.transport = "TLS", .sent_by = "h:5061", .params = {}};
  via.params.Set("received", "2001:db8::1");
  via.params.Set("rport", "");
  via.params.Set("x", "[::1]");
  via.params.Set("y", "2001:db8::1");
  EXPECT_EQ(via.ToString(),
            "SIP/2.0/TLS h:5061;received=2001:db8::1;rport;x=[::1];y=\"2001:db8::1\"");
}

TEST(AuthHeaderText, QuotesAsRfc7616Section35Says) {
  AuthHeader credentials{.scheme = "Digest", .params = {}, .token = ""};
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"username", "al\"ice"},
                                                                  {"realm", "r"},
                                                                  {"nonce", "n"},
                                                                  {"uri", "sip:h"},
                                                                  {"response", "00"},
                                                                  {"algorithm", "MD5"},
                                                                  {"cnonce", "c"},
                                                                  {"opaque", "o"},
                                                                  {"qop", "auth"},
                                                                  {"nc", "00000001"}}) {
    credentials.params.Set(name, value);
  }
  EXPECT_EQ(credentials.ToString(),
            "Digest username=\"al\\\"ice\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", "
            "response=\"00\", algorithm=MD5, cnonce=\"c\", opaque=\"o\", qop=auth, nc=00000001");

  AuthHeader challenge{.scheme = "Digest", .params = {}, .token = ""};
  challenge.params.Set("realm", "r");
  challenge.params.Set("domain", "sip:h");
  challenge.params.Set("qop", "auth");
  challenge.params.Set("stale", "true");
  challenge.params.Set("algorithm", "SHA-256");
  EXPECT_EQ(challenge.ToString(),
            "Digest realm=\"r\", domain=\"sip:h\", qop=\"auth\", stale=true, algorithm=SHA-256");

  const AuthHeader bearer{.scheme = "Bearer", .params = {}, .token = "a.b.c"};
  EXPECT_EQ(bearer.ToString(), "Bearer a.b.c");
}

TEST(Response, TakesOverWhatRfc3261Section826Names) {
  const auto request = Parse(testing::JsSipInvite());
  ASSERT_TRUE(request);
  const Message response = MakeResponse(*request, 486, "", "totag");
  EXPECT_EQ(response.status, 486);
  EXPECT_EQ(response.reason_phrase, "Busy Here");
  EXPECT_FALSE(response.is_request());
  EXPECT_EQ(response.vias, request->vias);
  EXPECT_EQ(response.from, request->from);
  EXPECT_EQ(response.to.tag(), "totag");
  EXPECT_EQ(response.to.uri, request->to.uri);
  EXPECT_EQ(response.call_id, request->call_id);
  EXPECT_EQ(response.cseq, request->cseq);
  EXPECT_TRUE(response.body.empty());
  EXPECT_TRUE(response.contacts.empty());
  EXPECT_TRUE(response.extra.empty());
}

TEST(Response, KeepsATagThatIsThereAndAddsNoneIfNotAsked) {
  Message request;
  EXPECT_EQ(MakeResponse(request, 100, "", "").to.tag(), "");
  request.to.params.Set("tag", "theirs");
  EXPECT_EQ(MakeResponse(request, 200, "Fine", "ours").to.tag(), "theirs");
  EXPECT_EQ(MakeResponse(request, 200, "Fine", "ours").reason_phrase, "Fine");
}

TEST(Response, ACodeWithoutAPhraseIsUnknown) {
  EXPECT_EQ(DefaultReasonPhrase(180), "Ringing");
  EXPECT_EQ(DefaultReasonPhrase(488), "Not Acceptable Here");
  EXPECT_EQ(DefaultReasonPhrase(699), "Unknown");
}

TEST(Extras, FindTakesTheFirstAndSetReplacesAll) {
  Message message;
  message.extra = {{"Reason", "a"}, {"Warning", "w"}, {"reason", "b"}};
  EXPECT_EQ(*message.FindExtra("REASON"), "a");
  message.SetExtra("Reason", "c");
  EXPECT_EQ(message.extra, (std::vector<Header>{{"Warning", "w"}, {"Reason", "c"}}));
  EXPECT_EQ(message.FindExtra("None"), nullptr);
}

}  // namespace
}  // namespace lastmile::sip
