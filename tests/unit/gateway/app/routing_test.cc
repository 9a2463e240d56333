#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/jwt_samples.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

// Routes, limits and failover as calls meet them.
namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;

class RoutedCallTest : public ::testing::Test {
 protected:
  static CallManagerOptions Options() {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.trunk.trunks.push_back({.name = "beta", .host = "198.51.100.9", .port = 5071});
    options.policies["acme"].codecs = {"PCMU"};
    options.policies["beta"].codecs = {"PCMA"};
    options.routing.numbering = {.country = "44", .international = "00", .national = "0"};
    options.routing.routes = {
        {.name = "emergency", .to = "^112$", .trunks = {{"acme"}}, .priority = true},
        {.name = "premium", .to = "^\\+44900", .deny = "premium numbers are barred"},
        {.name = "uk", .to = "^\\+44", .trunks = {{"acme"}, {"beta"}}, .failover = {503, 408}},
        {.name = "short", .to = "^[0-9]{3,5}$", .trunks = {{"beta"}}},
        {.name = "main", .to = "+442079460000", .from_trunk = "*", .user = "alice"},
        {.name = "spam", .to = "^666", .from_trunk = "*", .deny = "not wanted"}};
    return options;
  }
  void Start(CallManagerOptions options = Options()) {
    gw = std::make_unique<GatewayInMemory>(std::move(options));
    gw->Register(kAlice, "alice");
    gw->Register(kBob, "bob");
    Settle();
  }
  // The final answer, or nothing: it is on its way.
  std::optional<sip::Message> Dial(uint64_t conn, const std::string& user,
                                   const std::string& number) {
    const sip::Message answer = gw->Ask(conn, gw->MakeInvite(user, number), "secret");
    if (answer.status < 300) return std::nullopt;
    return answer;
  }
  // The INVITE that a call to that number became.
  sip::Message Placed(const std::string& number, uint64_t conn = kAlice,
                      const std::string& user = "alice") {
    return Placed(gw->MakeInvite(user, number), conn);
  }
  sip::Message Placed(sip::Message invite, uint64_t conn = kAlice) {
    const std::string user = invite.from.uri.user;
    gw->FromBrowser(conn, invite);
    EXPECT_EQ(gw->ToBrowser(conn).status, 100);
    const sip::Message challenge = gw->ToBrowser(conn);
    invite.call_id += "-2";
    invite.vias.front().params.Set("branch", "z9hG4bK" + gw->random.Token(12));
    invite.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.front(),
                                                   {user, "secret"}, "INVITE",
                                                   invite.request_uri.ToString(), gw->random)};
    gw->FromBrowser(conn, invite);
    EXPECT_EQ(gw->ToBrowser(conn).status, 100);
    return gw->ToTrunk();
  }
  void Answer(const sip::Message& invite, int status, const std::string& sdp = "") {
    sip::Message response = gw->TrunkAnswer(invite, status, sdp);
    response.to.params.Set("tag", "there");
    gw->FromTrunk(response);
    if (status >= 300) {
      EXPECT_EQ(gw->ToTrunk().method, "ACK");
    }
  }
  void Settle() { gw->Wait(40s); }

  std::unique_ptr<GatewayInMemory> gw;
};

// --- what is told to whom ---

TEST_F(RoutedCallTest, ATrunkIsToldTheCanonicalNumber) {
  Start();
  const sip::Message invite = Placed("020 7946 0000");
  EXPECT_EQ(invite.request_uri.user, "+442079460000");
  EXPECT_EQ(invite.to.uri.user, "+442079460000");
}

TEST_F(RoutedCallTest, ATrunksFormatIsItsOwn) {
  CallManagerOptions options = Options();
  options.routing.trunks["acme"].format = route::NumberFormat::kNational;
  Start(std::move(options));
  EXPECT_EQ(Placed("+44 20 7946 0000").request_uri.user, "02079460000");
}

TEST_F(RoutedCallTest, TelUrisAreNumbersToo) {
  Start();
  sip::Message invite = gw->MakeInvite("alice", "x");
  invite.request_uri = {.scheme = "tel", .user = "", .host = ""};
  invite.request_uri.opaque = "+44-20-7946-0000;npdi";
  EXPECT_EQ(Placed(invite).request_uri.user, "+442079460000");
}

TEST_F(RoutedCallTest, WhoIsDeniedHearsWhy) {
  Start();
  const auto answer = Dial(kAlice, "alice", "0900 123 4567");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 403);
  EXPECT_THAT(*answer->FindExtra("Warning"), HasSubstr("premium numbers are barred"));
  const auto nowhere = Dial(kAlice, "alice", "+1555");
  ASSERT_TRUE(nowhere);
  EXPECT_EQ(nowhere->status, 404);
  EXPECT_TRUE(gw->TrunkIsQuiet());
  Settle();
  EXPECT_TRUE(gw->IsEmpty());
}

TEST_F(RoutedCallTest, ATrunksCallMayBeDenied) {
  Start();
  gw->ConnectTrunk("198.51.100.9:40000");
  gw->FromTrunk(gw->MakeTrunkInvite("666"));
  sip::Message answer = gw->ToTrunk();
  if (answer.status == 100) answer = gw->ToTrunk();
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(*answer.FindExtra("Warning"), HasSubstr("not wanted"));
}

TEST_F(RoutedCallTest, ARouteWithoutANameDeniesATrunksCallToo) {
  CallManagerOptions options = Options();
  options.routing.routes = {{.to = "^alice$", .from_trunk = "*", .deny = "not wanted"}};
  Start(std::move(options));
  gw->ConnectTrunk("198.51.100.9:40000");
  gw->FromTrunk(gw->MakeTrunkInvite("alice"));
  sip::Message answer = gw->ToTrunk();
  if (answer.status == 100) answer = gw->ToTrunk();
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(gw->BrowserIsQuiet(kAlice));
}

// --- toll fraud ---

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

// Spellings of 0900 numbers of the United Kingdom: 10,000 different ones.
class Spellings {
 public:
  std::string Next() {
    for (;;) {
      std::string uri = Make();
      if (seen_.insert(uri).second) return uri;
    }
  }

 private:
  size_t Draw(size_t below) { return random_() % below; }
  template <size_t kSize>
  std::string Pick(const char* const (&choices)[kSize]) {
    return choices[Draw(kSize)];
  }
  std::string Hex(unsigned char byte) {
    char text[4];
    std::snprintf(text, sizeof text, Draw(2) != 0 ? "%%%02x" : "%%%02X", byte);
    return text;
  }

  std::string Make() {
    std::string digits = Pick({"+44", "0044", "+44(0)", "+440", "0", "00440", "+4400", "(0)",
                               "00 44", "+44 00", "004400", "+ 44", "((+44))", "0.0.4.4"}) +
                         "900";
    const size_t subscriber = 6 + Draw(2);
    for (size_t i = 0; i < subscriber; ++i) digits += static_cast<char>('0' + Draw(10));
    std::string user;
    const bool separated = Draw(2) != 0;
    const bool escaped = Draw(2) != 0;
    const bool foreign = Draw(8) == 0;
    for (const char c : digits) {
      const auto byte = static_cast<unsigned char>(c);
      if (separated && Draw(3) == 0) user += Pick({"-", ".", "(", ")", "%20", "%2D"});
      if (foreign && c >= '0' && c <= '9' && Draw(4) == 0) {
        user += "%EF%BC%" + Hex(static_cast<unsigned char>(0x90 + c - '0')).substr(1);  // fullwidth
      } else if (c == ' ' || (escaped && Draw(2) == 0)) {
        user += Hex(byte);
      } else {
        user += c;
      }
    }
    if (Draw(6) == 0) user += Pick({"%00", "%23", "*", "#", "%0D%0A", "a", "%40x", "%25", "x7"});
    if (Draw(4) == 0) {
      user += Pick({";phone-context=+44", ";Phone-Context=+44-900", ";npdi", ";isub=1", ";ext=4",
                    ";phone-context=example.com", ";phone-context=+44;phone-context=+1"});
    }
    const std::string scheme = Pick({"sip:", "sip:", "SIP:", "tel:", "TEL:"});
    if (scheme[0] == 't' || scheme[0] == 'T') return scheme + user;
    return scheme + user + "@gw.example" + Pick({"", ";user=phone", ":5060", ";transport=ws"});
  }

  std::mt19937 random_{2023};
  std::set<std::string> seen_;
};

class TollFraudTest : public RoutedCallTest {
 protected:
  void StartWithTokens() {
    CallManagerOptions options = Options();
    options.browser.bearer = {.algorithms = {"HS256"}, .key = std::string(kSecret)};
    options.browser.wall_clock = [] { return std::chrono::sys_days(std::chrono::days(20000)); };
    gw = std::make_unique<GatewayInMemory>(std::move(options));
    gw->OpenBrowser(kAlice);
  }
  // The final status of an INVITE for that URI.
  int Dial(const std::string& uri) {
    sip::Message invite = gw->MakeInvite("alice", "TARGET");
    invite.to.uri.user = "x";
    invite.authorizations = {{.scheme = "Bearer", .params = {}, .token = token_}};
    std::string text = sip::Print(invite);
    const std::string line = "INVITE sip:TARGET@gw.example";
    EXPECT_TRUE(text.starts_with(line));
    gw->FromBrowser(kAlice, text.replace(0, line.size(), "INVITE " + uri));
    sip::Message answer = gw->ToBrowser(kAlice);
    if (answer.status == 100) answer = gw->ToBrowser(kAlice);
    return answer.status;
  }
  const std::string token_ =
      testing::MakeToken("HS256", kSecret, R"({"sub":"alice","exp":1728003600})");
};

TEST_F(TollFraudTest, NoSpellingOfADeniedPrefixReachesATrunk) {
  StartWithTokens();
  Spellings spellings;
  std::map<int, int> answers;
  const size_t before = gw->raw_to_trunk.size();
  for (int i = 0; i < 10000; ++i) {
    const std::string uri = spellings.Next();
    const int status = Dial(uri);
    ++answers[status];
    ASSERT_GE(status, 300) << uri;
    ASSERT_TRUE(gw->TrunkIsQuiet()) << uri;
    if (i % 500 == 499) Settle();  // transactions end
  }
  for (size_t i = before; i < gw->raw_to_trunk.size(); ++i) {
    EXPECT_FALSE(gw->raw_to_trunk[i].starts_with("INVITE"));
  }
  // Most of them are known for what they are, all others are no number: 404, or 400 of the parser.
  EXPECT_GT(answers[403], 6000);
  for (const auto& [status, count] : answers) {
    EXPECT_TRUE(status == 403 || status == 404 || status == 400) << status << " x" << count;
  }
}

TEST_F(RoutedCallTest, ATenantHasRoutesOfItsOwn) {
  CallManagerOptions options = Options();
  auto& routes = options.routing.routes;
  routes.insert(routes.begin(),
                {.name = "bolt", .to = "^\\+44", .tenants = {"bolt"}, .trunks = {{"beta"}}});
  for (browser::User& user : options.browser.users) {
    if (user.name == "bob") user.tenant = "bolt";
  }
  Start(std::move(options));
  EXPECT_THAT(Placed("02079460000").body, HasSubstr("PCMU"));
  EXPECT_THAT(Placed("02079460000", kBob, "bob").body, HasSubstr("PCMA"));  // of that trunk
}

// --- limits ---

TEST_F(RoutedCallTest, LimitsRefuseWithASentenceAndATime) {
  CallManagerOptions options = Options();
  options.routing.trunks["acme"].limit.calls = 1;
  options.routing.routes[2].trunks = {{"acme"}};
  Start(std::move(options));
  const sip::Message invite = Placed("02079460000");
  const auto refused = Dial(kBob, "bob", "02079460001");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(*refused->FindExtra("Retry-After"), "5");
  EXPECT_THAT(*refused->FindExtra("Warning"), HasSubstr("the trunk has as many calls"));
  EXPECT_EQ(gw->manager.gauges().limit_refusals[1], 1u);
  // An emergency call is never too many.
  EXPECT_EQ(Placed("112", kBob, "bob").request_uri.user, "112");
  Answer(invite, 486);
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 486);
}

TEST_F(RoutedCallTest, ACallThatIsOverCountsNoMore) {
  CallManagerOptions options = Options();
  options.routing.limits.user.calls = 1;
  Start(std::move(options));
  const sip::Message first = Placed("02079460000");
  const auto refused = Dial(kAlice, "alice", "02079460001");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  Answer(first, 486);
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 486);
  Settle();
  EXPECT_EQ(Placed("02079460001").request_uri.user, "+442079460001");
}

TEST_F(RoutedCallTest, AFullTrunkIsPassedOver) {
  CallManagerOptions options = Options();
  options.routing.trunks["acme"].limit.calls = 1;
  Start(std::move(options));
  EXPECT_EQ(gw->records.size(), 0u);
  Placed("02079460000");
  Placed("02079460001", kBob, "bob");
  EXPECT_EQ(gw->streams_opened, 2);  // the second call went to the other trunk
}

TEST_F(RoutedCallTest, ABusyUserIsNotRung) {
  CallManagerOptions options = Options();
  options.routing.limits.user_calls["alice"] = 1;
  Start(std::move(options));
  Placed("02079460000");
  gw->ConnectTrunk("198.51.100.9:40000");
  gw->FromTrunk(gw->MakeTrunkInvite("+442079460000"));
  sip::Message answer = gw->ToTrunk();
  if (answer.status == 100) answer = gw->ToTrunk();
  EXPECT_EQ(answer.status, 486);
}

// --- failover ---

TEST_F(RoutedCallTest, TheNextTrunkIsCalledWithItsOwnOffer) {
  Start();
  const sip::Message first = Placed("02079460000");
  EXPECT_THAT(first.body, HasSubstr("PCMU"));
  Answer(first, 503);
  const sip::Message second = gw->ToTrunk();
  ASSERT_EQ(second.method, "INVITE");
  EXPECT_NE(second.call_id, first.call_id);
  EXPECT_THAT(second.body, HasSubstr("PCMA"));
  EXPECT_THAT(second.body, ::testing::Not(HasSubstr("PCMU")));
  EXPECT_TRUE(gw->BrowserIsQuiet(kAlice));
  sip::Message answer = gw->TrunkAnswer(second, 200, testing::TrunkSdp("8"));
  answer.to.params.Set("tag", "there");
  gw->FromTrunk(answer);
  EXPECT_EQ(gw->ToTrunk().method, "ACK");
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 200);
}

TEST_F(RoutedCallTest, EachTrunkIsToldTheCallerAndTheHeadersInItsOwnWay) {
  CallManagerOptions options = Options();
  options.trunk.trunks[0].headers.to_trunk = {{"X-Account", "X-Cust-Id"}};
  options.trunk.trunks[1].headers.to_trunk = {{"X-Account", "X-Beta"}};
  options.trunk.trunks[1].caller_id.header = trunk::IdentityHeader::kPAssertedIdentity;
  Start(std::move(options));
  sip::Message invite = gw->MakeInvite("alice", "02079460000");
  invite.extra.push_back({"X-Account", "4711"});
  const sip::Message first = Placed(invite);
  EXPECT_EQ(*first.FindExtra("X-Cust-Id"), "4711");
  EXPECT_FALSE(first.FindExtra("P-Asserted-Identity"));
  Answer(first, 503);
  const sip::Message second = gw->ToTrunk();
  ASSERT_EQ(second.method, "INVITE");
  ASSERT_TRUE(second.FindExtra("X-Beta"));
  EXPECT_EQ(*second.FindExtra("X-Beta"), "4711");
  EXPECT_FALSE(second.FindExtra("X-Cust-Id"));
  ASSERT_TRUE(second.FindExtra("P-Asserted-Identity"));
  EXPECT_THAT(*second.FindExtra("P-Asserted-Identity"), HasSubstr("+15550001001"));
}

TEST_F(RoutedCallTest, ATrunkThatMayNotShowTheCallerIsPassedOver) {
  CallManagerOptions options = Options();
  options.trunk.trunks[0].caller_id.allow = {"+15550009999"};
  Start(options);
  EXPECT_THAT(Placed("02079460000").body, HasSubstr("PCMA"));  // of the other trunk
  options.trunk.trunks[1].caller_id.allow = {"+15550009999"};
  Start(std::move(options));
  const auto refused = Dial(kAlice, "alice", "02079460000");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_TRUE(gw->TrunkIsQuiet());
}

TEST_F(RoutedCallTest, WhoMayNotBeShownByTheNextTrunkHearsTheAnswerOfTheFirst) {
  CallManagerOptions options = Options();
  options.trunk.trunks[1].caller_id.allow = {"+15550009999"};
  Start(std::move(options));
  Answer(Placed("02079460000"), 503);
  EXPECT_GE(gw->ToBrowser(kAlice).status, 500);
  EXPECT_TRUE(gw->TrunkIsQuiet());
}

TEST_F(RoutedCallTest, TheNextTrunkHasItsOwnKeysOrNone) {
  CallManagerOptions options = Options();
  for (const char* trunk : {"acme", "beta"}) {
    call::TrunkPolicy& policy = options.policies[trunk];
    policy.sdp.srtp = sdp::Srtp::kRequired;
    policy.sdp.srtp_suites = {"AES_CM_128_HMAC_SHA1_80"};
    policy.srtp_over_tcp = true;
  }
  const auto key_in = [](const std::string& sdp) {
    const size_t at = sdp.find("inline:");
    return at == std::string::npos ? "" : sdp.substr(at + 7, 40);
  };
  for (const bool secure : {true, false}) {
    if (!secure) options.policies["beta"].sdp.srtp = sdp::Srtp::kNone;
    Start(options);
    const sip::Message first = Placed("02079460000");
    ASSERT_NE(key_in(first.body), "");
    Answer(first, 503);
    const sip::Message second = gw->ToTrunk();
    EXPECT_NE(key_in(second.body), key_in(first.body));
    EXPECT_EQ(key_in(second.body).empty(), !secure);
  }
}

// A trunk of one server: without another trunk it would be waited for.
TEST_F(RoutedCallTest, ATrunkThatSaysNothingIsGivenUpForTheNext) {
  CallManagerOptions options = Options();
  options.routing.routes[2].failover = {route::kNoAnswer};
  Start(std::move(options));
  const sip::Message first = Placed("02079460000");
  ASSERT_THAT(first.body, HasSubstr("PCMU"));
  gw->Wait(trunk::TrunkEdge::kUnheardTimeout - 1s);
  EXPECT_TRUE(gw->TrunkIsQuiet());
  gw->Wait(1s);
  const sip::Message second = gw->ToTrunk();
  ASSERT_EQ(second.method, "INVITE");
  EXPECT_THAT(second.body, HasSubstr("PCMA"));
  EXPECT_TRUE(gw->BrowserIsQuiet(kAlice));
}

TEST_F(RoutedCallTest, AfterTheLastTrunkTheCallerHearsTheAnswer) {
  Start();
  Answer(Placed("02079460000"), 503);
  Answer(gw->ToTrunk(), 503);
  EXPECT_GE(gw->ToBrowser(kAlice).status, 500);
  Settle();
  EXPECT_TRUE(gw->IsEmpty());
  ASSERT_EQ(gw->records.size(), 1u);
  EXPECT_EQ(gw->records[0].parties.trunk, "beta");
}

TEST_F(RoutedCallTest, OtherAnswersAndProgressEndTheSearch) {
  Start();
  Answer(Placed("02079460000"), 486);
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 486);
  EXPECT_TRUE(gw->TrunkIsQuiet());
  const sip::Message rings = Placed("02079460001", kBob, "bob");
  Answer(rings, 180);
  gw->Wait(call::Call::kMergeProgress);
  EXPECT_EQ(gw->ToBrowser(kBob).status, 180);
  Answer(rings, 503);
  EXPECT_GE(gw->ToBrowser(kBob).status, 500);
  EXPECT_TRUE(gw->TrunkIsQuiet());
}

// --- how long it rings ---

TEST_F(RoutedCallTest, ATrunkRingsAsLongAsItsRouteSays) {
  CallManagerOptions options = Options();
  options.routing.routes[2].ring = 20s;
  Start(std::move(options));
  const sip::Message invite = Placed("02079460000");
  Answer(invite, 180);
  gw->Wait(19s);
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 180);
  EXPECT_TRUE(gw->BrowserIsQuiet(kAlice));
  gw->Wait(1s);
  EXPECT_EQ(gw->ToTrunk().method, "CANCEL");
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 408);
}

TEST_F(RoutedCallTest, AUserRingsAsLongAsTheRouteSays) {
  CallManagerOptions options = Options();
  options.routing.routes[4].ring = 20s;
  Start(std::move(options));
  gw->ConnectTrunk("198.51.100.9:40000");
  gw->FromTrunk(gw->MakeTrunkInvite("+442079460000"));
  EXPECT_EQ(gw->ToTrunk().status, 100);
  const sip::Message ring = gw->ToBrowser(kAlice);
  ASSERT_EQ(ring.method, "INVITE");
  gw->FromBrowser(kAlice, sip::MakeResponse(ring, 180, "", "tagalice"));
  gw->Wait(19s);
  EXPECT_EQ(gw->ToTrunk().status, 180);
  EXPECT_TRUE(gw->TrunkIsQuiet());
  gw->Wait(1s);
  EXPECT_EQ(gw->ToBrowser(kAlice).method, "CANCEL");
  EXPECT_EQ(gw->ToTrunk().status, 480);
}

// --- routes that change ---

TEST_F(RoutedCallTest, NewRoutesAreForTheNextCallAndNoOther) {
  Start();
  const sip::Message ringing = Placed("02079460000");
  auto routes =
      route::Router::Make({.numbering = Options().routing.numbering,
                           .routes = {{.name = "none", .to = "", .deny = "closed for today"}}});
  ASSERT_TRUE(routes);
  gw->manager.ExchangeRoutes(*routes);
  EXPECT_EQ(routes->rules().routes.size(), 6u);  // the old ones
  const auto refused = Dial(kBob, "bob", "02079460001");
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused->FindExtra("Warning"), HasSubstr("closed for today"));
  Answer(ringing, 180);
  gw->Wait(call::Call::kMergeProgress);
  EXPECT_EQ(gw->ToBrowser(kAlice).status, 180);
}

}  // namespace
}  // namespace lastmile::app
