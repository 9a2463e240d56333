#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <random>
#include <set>

#include "gateway/sip/privacy.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

// What a carrier sees of a browser's caller and of its headers, and the other way round.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::Not;
using trunk::IdentityHeader;

constexpr uint64_t kAlice = 1;
constexpr char kNumber[] = "+15550001001";  // alice's account
constexpr char kForged[] = "+19995550666";  // in every forged header

CallManagerOptions With(const trunk::CallerIdPolicy& caller_id,
                        const trunk::HeaderPolicy& headers = {}) {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  options.trunk.trunks[0].caller_id = caller_id;
  options.trunk.trunks[0].headers = headers;
  return options;
}

// Alice, who sends what she likes.
class Caller {
 public:
  explicit Caller(CallManagerOptions options) : gw(std::move(options)) {
    gw.Register(kAlice, "alice");
  }

  // The INVITE, with `lines` between its headers; "" or lines with their CRLF. Gives the trunk's
  // INVITE; nothing: the browser was refused with `status`.
  std::optional<sip::Message> Start(const std::string& lines,
                                    const sip::NameAddr& from = sip::NameAddr()) {
    invite_ = gw.MakeInvite("alice", "600");
    if (!from.uri.host.empty()) {
      invite_.from.uri = from.uri;
      invite_.from.display_name = from.display_name;
    }
    std::optional<sip::Message> answer = Send(lines);
    if (answer && answer->status == 401) {
      Acknowledge(*answer);
      invite_.authorizations = {*sip::AnswerChallenge(answer->www_authenticates.at(0),
                                                      {"alice", "secret"}, "INVITE",
                                                      invite_.request_uri.ToString(), gw.random)};
      ++invite_.cseq.number;
      invite_.vias.front().params.Set("branch", "z9hG4bK" + gw.random.Token(12));
      answer = Send(lines);
    }
    status = answer ? answer->status : 0;
    if (!gw.TrunkIsQuiet()) return gw.ToTrunk();
    if (answer && status >= 300) Acknowledge(*answer);
    return std::nullopt;
  }
  // As Start; the trunk is busy.
  std::optional<sip::Message> Place(const std::string& lines,
                                    const sip::NameAddr& from = sip::NameAddr()) {
    auto trunk_invite = Start(lines, from);
    if (!trunk_invite) return std::nullopt;
    gw.FromTrunk(gw.TrunkAnswer(*trunk_invite, 486, ""));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    Acknowledge(gw.ToBrowser(kAlice));
    return trunk_invite;
  }

  GatewayInMemory gw;
  int status = 0;  // of the last answer before the trunk heard of the call

 private:
  std::optional<sip::Message> Send(const std::string& lines) {
    std::string text = sip::Print(invite_);
    text.insert(text.find("\r\n") + 2, lines);
    gw.FromBrowser(kAlice, text);
    std::optional<sip::Message> last;
    while (!gw.BrowserIsQuiet(kAlice)) last = gw.ToBrowser(kAlice);
    return last;
  }
  void Acknowledge(const sip::Message& answer) {
    if (answer.call_id != invite_.call_id) return;
    sip::Message ack = invite_;
    ack.method = ack.cseq.method = "ACK";
    ack.to = answer.to;
    ack.body.clear();
    ack.content_type.clear();
    gw.FromBrowser(kAlice, ack);
  }

  sip::Message invite_;
};

std::set<std::string> NamesOf(const sip::Message& message) {
  std::set<std::string> names;
  for (const sip::Header& header : message.extra) names.insert(header.name);
  return names;
}

// --- S-20: forged identities ---

const char* const kIdentityHeaders[] = {"P-Asserted-Identity",
                                        "P-Preferred-Identity",
                                        "Remote-Party-ID",
                                        "Diversion",
                                        "History-Info",
                                        "Identity",
                                        "Referred-By",
                                        "P-Charge-Info",
                                        "P-Called-Party-ID",
                                        "Reply-To",
                                        "Organization",
                                        "Call-Info",
                                        "Record-Route",
                                        "Proxy-Authorization",
                                        "X-Caller",
                                        "User-to-User"};

std::vector<std::string> SpellingsOf(const std::string& name) {
  const std::string address = std::string("<sip:") + kForged + "@evil.example>";
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return {name + ": " + address + "\r\n",
          upper + ":" + address + ";party=calling;screen=yes\r\n",
          name + " : " + address + "\r\n",
          name + "\t:\t\"" + kForged + "\" " + address + "\r\n",
          name + ":\r\n " + address + "\r\n",
          name + ": <sip:ok@x>\r\n" + name + ": " + address + "\r\n",
          name + ": <tel:" + kForged + ">\r\n",
          name + ": \"x\" <sip:a@b>, " + address + "\r\n",
          "X-A: b\r\n " + name + ": " + address + "\r\n",
          name + ": %0d%0aFrom: " + address + "\r\n"};
}

TEST(CallerIdentity, TheTrunkSeesTheAccountsNumberWhateverIsForged) {
  int forged = 0;
  int placed = 0;
  for (const auto header : {IdentityHeader::kFrom, IdentityHeader::kPAssertedIdentity,
                            IdentityHeader::kPPreferredIdentity, IdentityHeader::kRemotePartyId}) {
    Caller alice(With({.header = header}));
    for (const char* name : kIdentityHeaders) {
      for (const std::string& lines : SpellingsOf(name)) {
        ++forged;
        const auto invite = alice.Place(lines);
        if (!invite) continue;
        ++placed;
        const std::string text = sip::Print(*invite);
        EXPECT_EQ(invite->from.uri.user, kNumber) << lines;
        EXPECT_THAT(text, Not(HasSubstr(kForged))) << lines;
        EXPECT_THAT(text, Not(HasSubstr("evil.example"))) << lines;
        if (header != IdentityHeader::kFrom) {
          EXPECT_THAT(NamesOf(*invite),
                      IsSubsetOf({"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID",
                                  "Session-Expires", "Min-SE", "User-Agent"}));
        }
      }
    }
    alice.gw.Wait(70s);
    EXPECT_TRUE(alice.gw.IsEmpty());
  }
  std::cout << forged << " forged INVITEs, " << placed << " of them became calls\n";
  EXPECT_GE(forged, 500);
  EXPECT_GE(placed, forged * 3 / 4);
}

TEST(CallerIdentity, AnotherUsersFromIsRefused) {
  Caller alice(With({}));
  sip::NameAddr from;
  from.uri.host = "gw.example";
  for (const char* user : {"bob", kForged, "alice%00", "ALICE", ""}) {
    from.uri.user = user;
    EXPECT_FALSE(alice.Place("", from)) << user;
    EXPECT_EQ(alice.status, 403) << user;
  }
}

TEST(CallerIdentity, TheDisplayNameOfAFromStaysBehind) {
  Caller alice(With({}));
  sip::NameAddr from;
  from.display_name = kForged;
  from.uri.user = "alice";
  from.uri.host = "evil.example";
  const auto invite = alice.Place("", from);
  ASSERT_TRUE(invite);
  EXPECT_EQ(invite->from.display_name, "");
  EXPECT_THAT(sip::Print(*invite), Not(HasSubstr("evil")));
}

// --- the wish to be anonymous ---

// What JsSIP 3.13 sends for `anonymous: true`.
TEST(CallerIdentity, AnAnonymousCallIsPlacedWhereTheTrunkTakesIt) {
  Caller alice(With({.header = IdentityHeader::kPAssertedIdentity}));
  const auto invite = alice.Place("P-Preferred-Identity: <sip:alice@gw.example>\r\nPrivacy: id\r\n",
                                  sip::AnonymousAddress());
  ASSERT_TRUE(invite);
  EXPECT_EQ(invite->from.uri.host, sip::kAnonymousHost);
  EXPECT_EQ(*invite->FindExtra("P-Asserted-Identity"),
            std::string("<sip:") + kNumber + "@198.51.100.1>");
  EXPECT_EQ(*invite->FindExtra("Privacy"), "id");
  EXPECT_EQ(invite->FindExtra("P-Preferred-Identity"), nullptr);
}

TEST(CallerIdentity, AnAnonymousCallIsRefusedWhereItWouldShowTheCaller) {
  Caller alice(With({.header = IdentityHeader::kFrom}));
  EXPECT_FALSE(alice.Place("Privacy: id\r\n"));
  EXPECT_EQ(alice.status, 433);
  EXPECT_TRUE(alice.gw.raw_to_trunk.empty());
}

TEST(CallerIdentity, ANumberThatTheTrunkDoesNotOwnIsRefused) {
  Caller alice(With({.allow = {"+15550009999"}}));
  EXPECT_FALSE(alice.Place(""));
  EXPECT_EQ(alice.status, 403);
  EXPECT_THAT(alice.gw.raw_to_browsers,
              Contains(HasSubstr("the user's number may not be shown to the trunk")));
}

TEST(CallerIdentity, ARedirectionOfAnAnonymousCallerStaysAnonymous) {
  CallManagerOptions options = With({.header = IdentityHeader::kPAssertedIdentity});
  options.trunk.trunks[0].caller_id.diversion = trunk::DiversionHeader::kDiversion;
  options.trunk.trunks[0].follow_redirects = true;
  Caller alice(std::move(options));
  GatewayInMemory& gw = alice.gw;
  const auto first = alice.Start("Privacy: id\r\n");
  ASSERT_TRUE(first);
  sip::Message moved = gw.TrunkAnswer(*first, 302, "");
  moved.contacts.emplace_back();
  moved.contacts.back().uri.user = "601";
  moved.contacts.back().uri.host = "evil.example";
  gw.FromTrunk(moved);
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message second = gw.ToTrunk();
  EXPECT_EQ(second.request_uri.user, "601");
  EXPECT_EQ(second.from.uri.host, sip::kAnonymousHost);
  EXPECT_EQ(*second.FindExtra("Diversion"),
            "<sip:600@198.51.100.1>;reason=deflection;privacy=full");
  EXPECT_EQ(first->FindExtra("Diversion"), nullptr);
}

// --- of a carrier ---

struct Rung {
  sip::Message invite;
  sip::Message ring;  // alice's INVITE
};

Rung RingWith(CallManagerOptions options, const std::vector<sip::Header>& headers) {
  GatewayInMemory gw(std::move(options));
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  sip::Message invite = gw.MakeTrunkInvite(kNumber);
  invite.extra = headers;
  gw.FromTrunk(invite);
  return {invite, gw.ToBrowser(kAlice)};
}

TEST(CallerIdentity, TheBrowserSeesWhomATrustedTrunkAsserts) {
  const std::vector<sip::Header> asserted = {
      {"P-Asserted-Identity", "\"Carol\" <sip:+15550002002@carrier.example>"}};
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  EXPECT_EQ(RingWith(options, asserted).ring.from.uri.user, "+15559990000");
  options.trunk.trunks[0].trust_identity = true;
  const sip::Message ring = RingWith(options, asserted).ring;
  EXPECT_EQ(ring.from.uri.user, "+15550002002");
  EXPECT_EQ(ring.from.display_name, "Carol");
  EXPECT_EQ(ring.FindExtra("P-Asserted-Identity"), nullptr);
  const sip::Message hidden = RingWith(options, {asserted[0], {"Privacy", "id"}}).ring;
  EXPECT_EQ(hidden.from.uri.user, "anonymous");
  EXPECT_THAT(sip::Print(hidden), Not(HasSubstr("+15550002002")));
}

// --- headers ---

const trunk::HeaderPolicy kPasses{.to_trunk = {{"X-Account", "X-Cust-Id"}},
                                  .to_browser = {{"X-Carrier-Id", "X-Id"}},
                                  .user_to_user = true};

TEST(PassedHeaders, GoToTheTrunkUnderTheirNewNames) {
  Caller alice(With({}, kPasses));
  const auto invite = alice.Place(
      "X-Account: 17\r\nX-Other: other\r\nUser-to-User: 4865;encoding=hex\r\n"
      "X-Cust-Id: forged\r\nX-Carrier-Id: mine\r\n");
  ASSERT_TRUE(invite);
  EXPECT_EQ(*invite->FindExtra("X-Cust-Id"), "17");
  EXPECT_EQ(*invite->FindExtra("User-to-User"), "4865;encoding=hex");
  const std::string text = sip::Print(*invite);
  for (const char* behind : {"X-Account", "X-Other", "other", "forged", "mine"}) {
    EXPECT_THAT(text, Not(HasSubstr(behind)));
  }
}

TEST(PassedHeaders, GoToTheBrowserUnderTheirNewNames) {
  const sip::Message ring = RingWith(With({}, kPasses), {{"X-Carrier-Id", "c1"},
                                                         {"X-Account", "17"},
                                                         {"User-to-User", "4865"},
                                                         {"Identity", "eyJ"}})
                                .ring;
  EXPECT_EQ(*ring.FindExtra("X-Id"), "c1");
  EXPECT_EQ(*ring.FindExtra("User-to-User"), "4865");
  EXPECT_EQ(ring.FindExtra("X-Account"), nullptr);
  EXPECT_EQ(ring.FindExtra("Identity"), nullptr);
}

// S-23. Every byte at the begin, in the middle and at the end of name and value.
TEST(PassedHeaders, NoByteInThemMakesAnotherHeader) {
  Caller alice(With({}, kPasses));
  const auto plain = alice.Place("");
  ASSERT_TRUE(plain);
  std::set<std::string> allowed = NamesOf(*plain);
  allowed.insert({"X-Cust-Id", "User-to-User"});
  int sent = 0;
  int placed = 0;
  for (const std::string name : {"X-Account", "User-to-User"}) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string b(1, static_cast<char>(byte));
      for (const std::string& line :
           {b + name + ": 1", name.substr(0, 3) + b + name.substr(3) + ": 1", name + b + ": 1",
            name + ":" + b + "X-Evil: 1", name + ": 1" + b + "X-Evil: 1", name + ": 1" + b}) {
        ++sent;
        const auto invite = alice.Place(line + "\r\n");
        if (!invite) continue;
        ++placed;
        EXPECT_THAT(NamesOf(*invite), IsSubsetOf(allowed)) << byte << " in " << line;
        for (const sip::Header& header : invite->extra) {
          EXPECT_TRUE(std::ranges::none_of(header.value, [](unsigned char c) {
            return c < 0x20 || c == 0x7f;
          })) << byte;
        }
      }
    }
  }
  std::cout << sent << " INVITEs, " << placed << " of them became calls\n";
  EXPECT_EQ(sent, 2 * 256 * 6);
  EXPECT_GT(placed, sent / 2);
}

TEST(PassedHeaders, AReasonIsOneAndBounded) {
  const std::vector<std::pair<std::string, bool>> reasons = {
      {"SIP;cause=200;text=\"done\"", true},
      {"Q.850;cause=16", true},
      {"no reason at all", false},
      {"SIP;text=\"" + std::string(300, 'x') + "\"", false}};
  for (const auto& [reason, crosses] : reasons) {
    GatewayInMemory gw;
    const auto dialled = gw.Dial(kAlice, "alice", "600");
    gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 180, ""));
    sip::Message cancel = dialled.invite;
    cancel.method = cancel.cseq.method = "CANCEL";
    cancel.body.clear();
    cancel.content_type.clear();
    cancel.authorizations.clear();
    cancel.extra = {{"Reason", reason}};
    gw.FromBrowser(kAlice, cancel);
    const sip::Message sent = gw.ToTrunk();
    ASSERT_EQ(sent.method, "CANCEL");
    const std::string* crossed = sent.FindExtra("Reason");
    EXPECT_EQ(crossed && *crossed == reason, crosses) << reason;
    EXPECT_THAT(sip::Print(sent), Not(HasSubstr("xxxx")));
  }
}

// --- S-42: STIR ---

constexpr char kIdentity[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwicHB0Ijoic2hha2VuIn0.eyJhdHRlc3QiOiJBIn0.c2ln"
    ";info=<https://cert.example/shaken.pem>;alg=ES256;ppt=\"shaken\"";

TEST(Stir, IdentityPassesVerbatimIfItMay) {
  trunk::HeaderPolicy passes;
  passes.stir = true;
  const auto rung = RingWith(With({}, passes), {{"Identity", kIdentity}});
  EXPECT_EQ(*rung.ring.FindExtra("Identity"), kIdentity);
  EXPECT_EQ(RingWith(With({}), {{"Identity", kIdentity}}).ring.FindExtra("Identity"), nullptr);
}

TEST(Stir, NoMutationOfItIsFatal) {
  trunk::HeaderPolicy passes;
  passes.stir = true;
  GatewayInMemory gw(With({}, passes));
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  std::mt19937 random(42);
  int rang = 0;
  int passed = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string value = kIdentity;
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0; --edits) {
      const size_t at = random() % value.size();
      switch (random() % 5) {
        case 0:
          value[at] = static_cast<char>(random());
          break;
        case 1:
          value.erase(at, random() % 40);
          break;
        case 2:
          value.insert(at, value.substr(random() % value.size(), random() % 60));
          break;
        case 3:
          value.insert(at, std::string(random() % 3000, "<>;\"=.,"[random() % 7]));
          break;
        default:
          value.insert(at, "\r\n ");
      }
      if (value.empty()) value = ";";
    }
    std::string text = sip::Print(gw.MakeTrunkInvite(kNumber));
    text.insert(text.find("\r\n") + 2, "Identity: " + value + "\r\n");
    if (text.find("\r\n\r\n") < text.find("Call-ID")) continue;  // no INVITE any more
    gw.FromTrunkBytes(text);
    if (gw.BrowserIsQuiet(kAlice)) {
      // Refused, or what is left of it ended the stream.
      while (!gw.TrunkIsQuiet()) gw.ToTrunk();
      gw.ConnectTrunk("198.51.100.9:33333");
      continue;
    }
    ++rang;
    const sip::Message ring = gw.ToBrowser(kAlice);
    ASSERT_EQ(ring.method, "INVITE");
    passed += ring.FindExtra("Identity") != nullptr;
    while (!gw.TrunkIsQuiet()) gw.ToTrunk();
    sip::Message busy = sip::MakeResponse(ring, 486, "", "alice");
    gw.FromBrowser(kAlice, busy);
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
    const sip::Message answer = gw.ToTrunk();
    EXPECT_EQ(answer.status, 486);
    sip::Message ack = gw.MakeTrunkRequest("ACK", *sip::Parse(text), answer, 1, "");
    ack.vias = answer.vias;
    gw.FromTrunk(ack);
  }
  std::cout << "1000 mutations: " << rang << " rang, " << passed << " with an Identity\n";
  EXPECT_GT(rang, 500);
  EXPECT_GT(passed, 100);
  gw.Wait(70s);
  EXPECT_TRUE(gw.IsEmpty());
}

}  // namespace
}  // namespace lastmile::app
