#include "gateway/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "gateway/sip/digest.h"
#include "tests/support/jwt_samples.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

// All diagnostics as lines "line:column message [suggestion]".
std::string FaultsOf(const std::string& text) {
  auto config = ParseConfig(text, "test.yaml");
  if (config) return "";
  std::string faults;
  for (const Diagnostic& d : config.error()) {
    faults += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + " " +
              d.message + (d.suggestion.empty() ? "" : " [" + d.suggestion + "]") + "\n";
  }
  return faults;
}

TEST(Config, AnEmptyFileIsAConfiguration) {
  auto config = ParseConfig("", "test.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->domain, "localhost");
  EXPECT_FALSE(config->ws);
  EXPECT_TRUE(config->trunks.empty());
}

TEST(Config, TheExampleParsesAndSaysWhatItSays) {
  setenv("ALICE_PASSWORD", "secret", 1);
  std::string text(ExampleConfig());
  const size_t file = text.find("ha1: file:/etc/lastmile/bob.ha1");
  ASSERT_NE(file, std::string::npos);
  text.replace(file, 31, "ha1: 0123456789abcdef0123456789abcdef");
  EXPECT_EQ(FaultsOf(text), "");
  auto config = ParseConfig(text, "example.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->domain, "voice.example.com");
  EXPECT_EQ(config->wss->ToString(), "0.0.0.0:8443");
  ASSERT_EQ(config->sip.size(), 1u);
  EXPECT_FALSE(config->sip[0].tls);
  ASSERT_EQ(config->users.size(), 2u);
  EXPECT_EQ(config->users[0].ha1, sip::Ha1("alice", "voice.example.com", "secret"));
  EXPECT_EQ(config->users[0].caller_id, "+15550001001");
  ASSERT_EQ(config->trunks.size(), 1u);
  EXPECT_EQ(config->trunks[0].host, "sip.metro.example");
  EXPECT_EQ(config->trunks[0].port, 5060);
  const call::TrunkPolicy& policy = config->trunk_policies.at("metro");
  EXPECT_EQ(policy.codecs, (std::vector<std::string>{"PCMA", "PCMU"}));
  ASSERT_EQ(policy.sdp.rules.size(), 1u);
  EXPECT_EQ(policy.sdp.rules[0].id, "thirty");
  EXPECT_EQ(policy.sdp.rules[0].target.line, "a=ptime:");
  EXPECT_EQ(config->admin->ToString(), "127.0.0.1:9464");
  EXPECT_EQ(config->cdr_jsonl, "/var/log/lastmile/cdr.jsonl");
  ASSERT_EQ(config->trunks[0].accept_from.size(), 1u);
  EXPECT_EQ(config->trunks[0].accept_from[0].prefix_length, 28);
  EXPECT_EQ(config->routing.routes.size(), 5u);
}

TEST(Config, TheDemoParses) { EXPECT_EQ(FaultsOf(std::string(DemoConfig())), ""); }

TEST(Config, UnknownKeysAreToldWithWhatWasMeant) {
  EXPECT_EQ(FaultsOf("domian: x\n"), "1:1 unknown key `domian` [domain]\n");
  EXPECT_EQ(FaultsOf("listen:\n  ws: { adr: \"127.0.0.1:0\" }\n"),
            "2:9 unknown key `adr` in listen.ws [addr]\n");
  EXPECT_EQ(FaultsOf("trunks:\n  acme: { servers: [\"h:1\"], codec: [pcmu] }\n"),
            "2:29 unknown key `codec` in trunks.acme [codecs]\n");
}

TEST(Config, HowLongACarrierMaySayNothing) {
  const auto timeout_of = [](const std::string& text) {
    const auto config = ParseConfig(text, "test.yaml");
    return config ? config->media_timeout : Duration(-1);
  };
  EXPECT_EQ(timeout_of(""), 300s);
  EXPECT_EQ(timeout_of("media: { timeout: 5m }\n"), 300s);
  EXPECT_EQ(timeout_of("media: { timeout: 60s }\n"), 60s);
  EXPECT_EQ(timeout_of("media: { timeout: none }\n"), Duration::max());
  EXPECT_EQ(FaultsOf("media: { timeout: 2s }\n"),
            "1:19 `media.timeout` must be a time from 10s to 86400s\n");
  EXPECT_THAT(FaultsOf("media: { timeout: off }\n"), HasSubstr("from 10s to 86400s"));
}

TEST(Config, DuplicateKeysAreTold) {
  EXPECT_EQ(FaultsOf("domain: a\ndomain: b\n"), "2:1 the key `domain` stands twice\n");
  EXPECT_EQ(FaultsOf("media:\n  browser: { port: 1, port: 2 }\n"),
            "2:23 the key `port` stands twice in media.browser\n");
}

TEST(Config, WrongTypesAreTold) {
  EXPECT_THAT(FaultsOf("listen: 5\n"), HasSubstr("1:9 `listen` must be a mapping"));
  EXPECT_THAT(FaultsOf("domain: [a]\n"), HasSubstr("1:9 `domain` must be a single value"));
  EXPECT_THAT(FaultsOf("listen: { sip: \"tcp:1.2.3.4:1\" }\n"), HasSubstr("must be a list"));
  EXPECT_THAT(FaultsOf("media: { browser: { port: many } }\n"),
              HasSubstr("must be a number from 0 to 65535"));
  EXPECT_THAT(FaultsOf("trunks: { a: { servers: [\"h:1\"], nat: yes } }\n"),
              HasSubstr("must be one of: true, false"));
  EXPECT_THAT(FaultsOf("- a\n- b\n"), HasSubstr("the file must be a mapping"));
}

TEST(Config, AddressesPortsAndNamesAreChecked) {
  EXPECT_THAT(FaultsOf("listen: { ws: { addr: \"localhost:80\" } }\n"), HasSubstr("1:23 "));
  EXPECT_THAT(FaultsOf("listen: { sip: [\"udp:0.0.0.0:5060\"] }\n"), HasSubstr("SIP over UDP"));
  EXPECT_THAT(FaultsOf("listen: { sip: [\"0.0.0.0:5060\"] }\n"), HasSubstr("tcp:ADDRESS:PORT"));
  EXPECT_THAT(FaultsOf("media: { trunk: { ports: 30000-30001 } }\n"), HasSubstr("range"));
  EXPECT_THAT(FaultsOf("media: { trunk: { advertise: \"0.0.0.0\" } }\n"), HasSubstr("auto"));
  EXPECT_THAT(FaultsOf("trunks: { a: { transport: udp, servers: [\"h:1\"] } }\n"),
              HasSubstr("must be one of: tcp, tls"));
  EXPECT_THAT(FaultsOf("trunks: { a: { servers: [\"h:99999\"] } }\n"), HasSubstr("not a port"));
  EXPECT_THAT(FaultsOf("trunks: { a: { transport: tcp } }\n"), HasSubstr("with 1 to 16 servers"));
  EXPECT_THAT(FaultsOf("listen: { wss: { addr: \"127.0.0.1:1\" } }\n"),
              HasSubstr("a TLS listener needs"));
}

TEST(Config, UsersNeedANameAndOneSecret) {
  EXPECT_THAT(FaultsOf("users: { inline: [ { password: x } ] }\n"), HasSubstr("needs a `name`"));
  EXPECT_THAT(FaultsOf("users: { inline: [ { name: a } ] }\n"), HasSubstr("`password` or `ha1`"));
  EXPECT_THAT(FaultsOf("users: { inline: [ { name: a, password: x, ha1: y } ] }\n"),
              HasSubstr("`password` or `ha1`"));
  EXPECT_THAT(
      FaultsOf("users: { inline: [ { name: a, password: x }, { name: a, password: y } ] }\n"),
      HasSubstr("two users called a"));
  unsetenv("LASTMILE_TEST_UNSET");
  EXPECT_THAT(FaultsOf("users: { inline: [ { name: a, password: env:LASTMILE_TEST_UNSET } ] }\n"),
              HasSubstr("LASTMILE_TEST_UNSET is not set"));
  EXPECT_THAT(FaultsOf("users: { inline: [ { name: a, password: file:/nowhere/at/all } ] }\n"),
              HasSubstr("cannot read /nowhere/at/all"));
}

TEST(Config, UsersHaveTheHashesTheyAreGiven) {
  const std::string md5(32, 'a'), sha256(64, 'B');
  const auto user = [&](const std::string& keys) {
    return "users: { inline: [ { name: a, " + keys + " } ] }\n";
  };
  const auto config = ParseConfig(user("ha1: " + md5 + ", ha1_sha256: " + sha256), "test.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->users[0].ha1, md5);
  EXPECT_EQ(config->users[0].ha1_sha256, std::string(64, 'b'));
  const auto plain = ParseConfig(user("password: secret"), "test.yaml");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->users[0].ha1, sip::Ha1("a", "localhost", "secret"));
  EXPECT_EQ(plain->users[0].ha1_sha256,
            sip::Ha1("a", "localhost", "secret", sip::DigestAlgorithm::kSha256));
  EXPECT_THAT(FaultsOf(user("ha1: abc")), HasSubstr("1:36 `ha1` must have 32 hexadecimal digits"));
  EXPECT_THAT(FaultsOf(user("ha1_sha256: " + md5)),
              HasSubstr("`ha1_sha256` must have 64 hexadecimal digits"));
  EXPECT_THAT(FaultsOf(user("password: x, ha1_sha256: " + sha256)),
              HasSubstr("either `password` or `ha1`"));
}

TEST(Config, OneDigestAlgorithmHasToServeAllUsers) {
  const std::string md5(32, 'a'), sha256(64, 'b');
  EXPECT_EQ(FaultsOf("users: { inline: [ { name: a, ha1: " + md5 + " }, { name: b, ha1: " + md5 +
                     ", ha1_sha256: " + sha256 + " } ] }\n"),
            "");
  EXPECT_THAT(FaultsOf("users: { inline: [ { name: a, ha1: " + md5 +
                       " }, { name: b, ha1_sha256: " + sha256 + " } ] }\n"),
              HasSubstr("some users have only `ha1`"));
}

TEST(Config, TokensNeedTheKeyOfTheirAlgorithm) {
  const auto faults = [](const std::string& jwt) {
    return FaultsOf("users:\n  jwt: { " + jwt + " }\n");
  };
  const std::string secret = "secret: " + std::string(32, 's');
  EXPECT_EQ(faults("algorithms: [HS256], " + secret), "");
  EXPECT_EQ(faults("algorithms: [HS256], secret: short"),
            "2:39 `users.jwt.secret` must have at least 32 characters\n");
  EXPECT_EQ(faults("algorithms: [HS512], " + secret),
            "2:23 an algorithm is one of: HS256, RS256, ES256\n");
  EXPECT_THAT(faults("algorithms: [ES257], key: /x"), HasSubstr("[ES256]"));
  EXPECT_THAT(faults(secret), HasSubstr("needs `algorithms`"));
  EXPECT_THAT(faults("algorithms: [HS256, RS256], " + secret), HasSubstr("2:22 HS256 cannot"));
  EXPECT_THAT(faults("algorithms: [HS256], key: /x"), HasSubstr("2:8 HS256 needs `secret`"));
  EXPECT_THAT(faults("algorithms: [RS256], " + secret), HasSubstr("need `key`"));
  EXPECT_EQ(faults("algorithms: [RS256], key: /nowhere/jwt.pub"),
            "2:36 cannot read /nowhere/jwt.pub\n");
  EXPECT_EQ(faults("algorithms: [ES256], key: /etc/passwd"),
            "2:36 /etc/passwd holds no public key in PEM (BEGIN PUBLIC KEY)\n");
  EXPECT_THAT(faults("algorithms: [HS256], isuer: x, " + secret), HasSubstr("[issuer]"));
}

TEST(Config, ThePublicKeyOfTokensIsReadFromItsFile) {
  const std::string path = ::testing::TempDir() + "lastmile_config_test_jwt.pub";
  std::ofstream(path) << testing::EcKeys().public_pem;
  const auto config =
      ParseConfig("users: { jwt: { algorithms: [ES256, RS256], key: " + path + " } }", "test.yaml");
  std::remove(path.c_str());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->bearer.key, testing::EcKeys().public_pem);
}

TEST(Config, UsersWithTokensNeedNoPassword) {
  const auto config = ParseConfig(
      "users:\n  jwt: { algorithms: [HS256], secret: " + std::string(32, 's') +
          ", issuer: i, audience: a, user_claim: c }\n" + "  inline: [ { name: alice } ]\n",
      "test.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->bearer.algorithms, std::vector<std::string>{"HS256"});
  EXPECT_EQ(config->bearer.key, std::string(32, 's'));
  EXPECT_EQ(config->bearer.issuer, "i");
  EXPECT_EQ(config->bearer.audience, "a");
  EXPECT_EQ(config->bearer.user_claim, "c");
  EXPECT_EQ(config->users.at(0).name, "alice");
}

call::TrunkPolicy PolicyOf(const std::string& entries) {
  auto config =
      ParseConfig("trunks: { a: { servers: [\"h:1\"], " + entries + " } }\n", "test.yaml");
  if (config) return config->trunk_policies.at("a");
  ADD_FAILURE() << config.error().front().message;
  return {};
}

TEST(Config, ATrunkSaysWhatItsMediaIsLike) {
  const call::TrunkPolicy plain = PolicyOf("nat: false");
  EXPECT_EQ(plain.codecs, (std::vector<std::string>{"PCMU", "PCMA"}));
  EXPECT_TRUE(plain.video.empty());
  EXPECT_FALSE(plain.sdp.rtcp_mux);
  EXPECT_EQ(plain.dtmf, call::DtmfMode::kRfc4733);
  EXPECT_EQ(plain.sdp.max_sdp_bytes, 1300u);
  EXPECT_EQ(plain.max_invite_bytes, 1300u);
  EXPECT_FALSE(plain.refuse_over_budget);

  const call::TrunkPolicy policy = PolicyOf(
      "codecs: [opus, g722, pcma], video: [h264, vp8], rtcp_mux: true, nat: true,"
      "budget: { sdp: 400, invite: 900, over: refuse }");
  EXPECT_EQ(policy.codecs, (std::vector<std::string>{"opus", "G722", "PCMA"}));
  EXPECT_EQ(policy.video, (std::vector<std::string>{"H264", "VP8"}));
  EXPECT_TRUE(policy.sdp.rtcp_mux);
  EXPECT_TRUE(policy.nat);
  EXPECT_EQ(policy.sdp.max_sdp_bytes, 400u);
  EXPECT_EQ(policy.max_invite_bytes, 900u);
  EXPECT_TRUE(policy.refuse_over_budget);
}

TEST(Config, TheEdgeKnowsTheBudgetOfATrunksInvites) {
  auto config =
      ParseConfig("trunks: { a: { servers: [\"h:1\"], budget: { invite: 900 } } }\n", "test.yaml");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->trunks.at(0).invite_budget, 900u);
}

TEST(Config, ATrunkSaysWhenItsAudioIsTranscoded) {
  EXPECT_EQ(PolicyOf("nat: false").transcode, call::Transcode::kNeeded);
  EXPECT_EQ(PolicyOf("transcode: never").transcode, call::Transcode::kNever);
  EXPECT_EQ(PolicyOf("transcode: always").transcode, call::Transcode::kAlways);
}

TEST(Config, ATrunkSaysHowDigitsReachIt) {
  EXPECT_EQ(PolicyOf("dtmf: rfc4733").dtmf, call::DtmfMode::kRfc4733);
  EXPECT_EQ(PolicyOf("dtmf: info").dtmf, call::DtmfMode::kInfo);
  EXPECT_EQ(PolicyOf("dtmf: inband").dtmf, call::DtmfMode::kInband);
  EXPECT_THAT(FaultsOf("trunks: { a: { servers: [\"h:1\"], dtmf: rfc2833 } }\n"),
              HasSubstr("must be one of: rfc4733, info, inband"));
}

TEST(Config, CodecsAndBudgetsThatCannotBeAreTold) {
  const std::string trunk = "trunks: { a: { servers: [\"h:1\"], ";
  EXPECT_THAT(FaultsOf(trunk + "codecs: [pcmx] } }\n"),
              HasSubstr("1:43 a codec is one of: g722, opus, pcma, pcmu [pcma]"));
  EXPECT_THAT(FaultsOf(trunk + "codecs: [] } }\n"), HasSubstr("at least one audio codec"));
  EXPECT_THAT(FaultsOf(trunk + "video: [vp7] } }\n"), HasSubstr("av1, h264, vp8, vp9"));
  EXPECT_THAT(FaultsOf(trunk + "budget: { sdp: 20 } } }\n"), HasSubstr("from 150 to 65535"));
  EXPECT_THAT(FaultsOf(trunk + "budget: { over: drop } } }\n"), HasSubstr("send, refuse"));
}

TEST(Config, SrtpIsOffUnlessAskedFor) {
  const std::string tls = "transport: tls, ";
  EXPECT_EQ(PolicyOf("nat: true").sdp.srtp, sdp::Srtp::kNone);
  const call::TrunkPolicy usual = PolicyOf(tls + "srtp: optional");
  EXPECT_EQ(usual.sdp.srtp, sdp::Srtp::kOptional);
  EXPECT_THAT(usual.sdp.srtp_suites,
              ::testing::ElementsAre("AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"));
  const call::TrunkPolicy own =
      PolicyOf(tls + "srtp: required, srtp_suites: [AES_CM_128_HMAC_SHA1_32, AEAD_AES_256_GCM]");
  EXPECT_EQ(own.sdp.srtp, sdp::Srtp::kRequired);
  EXPECT_THAT(own.sdp.srtp_suites,
              ::testing::ElementsAre("AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"));
  EXPECT_EQ(PolicyOf("srtp: required, srtp_over_tcp: insecure").sdp.srtp, sdp::Srtp::kRequired);
}

TEST(Config, KeysOfSrtpNeedSignallingThatNobodyReads) {
  const std::string trunk = "trunks:\n  a: { servers: [\"h:1\"], ";
  EXPECT_EQ(FaultsOf(trunk + "srtp: required }\n"),
            "2:32 the keys of SRTP stand in the signalling, and that of this trunk is not "
            "encrypted: say `srtp_over_tcp: insecure` if everybody on the way may have them "
            "[transport: tls]\n");
  EXPECT_THAT(FaultsOf(trunk + "srtp: on }\n"), HasSubstr("none, optional, required"));
  EXPECT_THAT(FaultsOf(trunk + "srtp: optional, srtp_over_tcp: yes }\n"), HasSubstr("insecure"));
  const std::string secure = trunk + "transport: tls, ";
  EXPECT_THAT(FaultsOf(secure + "srtp_suites: [AEAD_AES_128_GCM] }\n"),
              HasSubstr("says nothing without"));
  EXPECT_THAT(FaultsOf(secure + "srtp: required, srtp_suites: [] }\n"), HasSubstr("at least one"));
  EXPECT_THAT(FaultsOf(secure + "srtp: required, srtp_suites: [AES_CM_128_HMAC_SHA1_81] }\n"),
              HasSubstr("[AES_CM_128_HMAC_SHA1_80]"));
  EXPECT_THAT(FaultsOf(secure + "srtp: required, srtp_suites: [AEAD_AES_128_GCM, "
                                "AEAD_AES_128_GCM] }\n"),
              HasSubstr("twice"));
}

TEST(Config, ARuleIsReadWithAllItsParts) {
  const call::TrunkPolicy policy = PolicyOf(
      "sdp_rules: [ { id: r, action: replace, media: audio, index: 1, line: \"m=\", nth: 2,"
      "token: \"8\", token_index: 3, value: \"0\" } ]");
  ASSERT_EQ(policy.sdp.rules.size(), 1u);
  const sdp::Rule& rule = policy.sdp.rules[0];
  EXPECT_EQ(rule.id, "r");
  EXPECT_EQ(rule.action, sdp::RuleAction::kReplace);
  EXPECT_EQ(rule.target.media, "audio");
  EXPECT_EQ(rule.target.index, 1u);
  EXPECT_EQ(rule.target.line, "m=");
  EXPECT_EQ(rule.target.nth, 2u);
  EXPECT_EQ(rule.target.token, "8");
  EXPECT_EQ(rule.target.token_index, 3u);
  EXPECT_EQ(rule.value, "0");
}

TEST(Config, RulesThatCanNeverWorkAreToldWhereTheyStand) {
  const std::string rules = "trunks:\n  a:\n    servers: [\"h:1\"]\n    sdp_rules:\n      - ";
  EXPECT_THAT(FaultsOf(rules + "{ line: \"a=x\", action: delete }\n"),
              HasSubstr("5:9 a rule needs"));
  EXPECT_THAT(FaultsOf(rules + "{ id: r, line: \"o=\", action: delete }\n"), HasSubstr("5:9 "));
  EXPECT_THAT(FaultsOf(rules + "{ id: r, line: \"a=x\", action: remove }\n"),
              HasSubstr("set, delete, insert, replace"));
  EXPECT_THAT(FaultsOf(rules + "{ id: r, lines: \"a=x\" }\n"), HasSubstr("unknown key `lines`"));
  EXPECT_THAT(FaultsOf(rules + "{ id: r, line: \"a=x\", action: delete }\n"
                               "      - { id: r, line: \"a=y\", action: delete }\n"),
              HasSubstr("6:15 there are two rules called r"));
  EXPECT_THAT(FaultsOf("trunks: { a: { servers: [\"h:1\"], sdp_rules: 5 } }\n"),
              HasSubstr("must be a list of rules"));
}

TEST(Config, UsersMayComeFromAFileOrAWebhook) {
  auto config = ParseConfig("users: { source: \"sqlite:/var/lib/users.db\" }\n", "t.yaml");
  ASSERT_TRUE(config);
  ASSERT_TRUE(config->user_source);
  EXPECT_EQ(config->user_source->sqlite, "/var/lib/users.db");
  EXPECT_EQ(config->user_source->webhook.url, "");
  EXPECT_EQ(config->user_source->lookup.ttl, Duration(60s));
  using Algorithms = std::vector<sip::DigestAlgorithm>;
  EXPECT_EQ(config->user_source->lookup.digest, Algorithms{sip::DigestAlgorithm::kMd5});
  setenv("LASTMILE_TEST_HOOK", "token", 1);
  config = ParseConfig(
      "domain: d.example\nusers:\n  source: webhook:https://auth.example.com/sip\n  ttl: 5\n"
      "  digest: [md5, sha-256]\n  webhook: { token: env:LASTMILE_TEST_HOOK, ca: /a.pem }\n",
      "t.yaml");
  ASSERT_TRUE(config);
  const users::WebhookOptions& webhook = config->user_source->webhook;
  EXPECT_EQ(webhook.url, "https://auth.example.com/sip");
  EXPECT_EQ(webhook.token, "token");
  EXPECT_EQ(webhook.ca_file, "/a.pem");
  EXPECT_EQ(webhook.realm, "d.example");
  EXPECT_EQ(config->user_source->lookup.ttl, Duration(5s));
  EXPECT_EQ(config->user_source->lookup.digest,
            (Algorithms{sip::DigestAlgorithm::kSha256, sip::DigestAlgorithm::kMd5}))
      << "MD5 last, whatever the order in the file (J3)";
  EXPECT_FALSE(ParseConfig("users: { source: inline }\n", "t.yaml")->user_source);
}

TEST(Config, ASourceOfUsersThatCannotBeMeantIsTold) {
  const auto faults = [](const std::string& users) {
    return FaultsOf("users:\n  " + users + "\n");
  };
  EXPECT_THAT(faults("source: ldap:x"), HasSubstr("2:11 `users.source` is inline, sqlite:PATH or"));
  EXPECT_THAT(faults("source: \"sqlite:\""), HasSubstr("`users.source` is inline"));
  EXPECT_THAT(faults("source: webhook:http://auth.example.com/"),
              HasSubstr("2:11 a webhook is reached by https; plain http only on this machine"));
  EXPECT_THAT(faults("source: webhook:https://a:b@auth.example.com/"), HasSubstr("no user or"));
  EXPECT_THAT(faults("source: sqlite:x\n  inline: []"), HasSubstr("3:11 `users.inline` is for"));
  EXPECT_THAT(faults("source: sqlite:x\n  webhook: { ca: x }"),
              HasSubstr("`users.webhook` is for"));
  EXPECT_THAT(faults("ttl: 5"), HasSubstr("2:8 `users.ttl` is for users who are looked up"));
  EXPECT_THAT(faults("digest: [md5]"), HasSubstr("`users.digest` is for"));
  EXPECT_THAT(faults("source: sqlite:x\n  ttl: 0"), HasSubstr("a number from 1 to 3600"));
  EXPECT_THAT(faults("source: sqlite:x\n  digest: [sha1]"), HasSubstr("sha-256, md5"));
  EXPECT_THAT(faults("source: sqlite:x\n  digest: [md5, md5]"), HasSubstr("sha-256, md5"));
  EXPECT_THAT(faults("source: sqlite:x\n  digest: []"), HasSubstr("must not be empty"));
  EXPECT_THAT(faults("source: webhook:https://a/\n  webhook: { token: \"a\\nb\" }"),
              HasSubstr("must be one line"));
}

TEST(Config, WhoIsLookedUpMayStandInARoute) {
  EXPECT_EQ(FaultsOf("users: { source: sqlite:x }\ntrunks: { acme: { servers: [\"h:1\"] } }\n"
                     "routes: [ { to: \"1\", from_trunk: \"*\", user: anybody } ]\n"),
            "");
}

TEST(CheckMachine, TellsAFileOfUsersThatIsNotThere) {
  auto config = ParseConfig(
      "users: { source: sqlite:/nowhere/users.db }\nmedia: { browser: { port: 0 } }\n", "t.yaml");
  ASSERT_TRUE(config);
  const auto faults = CheckMachine(*config);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].position.line, 1);
  EXPECT_EQ(faults[0].position.column, 18);
  EXPECT_EQ(faults[0].width, 24u);
  EXPECT_THAT(faults[0].message, HasSubstr("cannot open /nowhere/users.db"));
}

TEST(Config, RoutesNameTrunksAndUsersThatExist) {
  const std::string base =
      "users: { inline: [ { name: alice, password: x } ] }\n"
      "trunks: { acme: { servers: [\"h:1\"] } }\n";
  EXPECT_EQ(FaultsOf(base + "routes:\n  - { to: \"^1\", trunk: acme }\n"), "");
  EXPECT_THAT(FaultsOf(base + "routes: [ { to: \"^1\", trunk: amce } ]\n"),
              HasSubstr("there is no trunk amce [acme]"));
  EXPECT_THAT(FaultsOf(base + "routes: [ { to: \"1\", from_trunk: \"*\", user: alcie } ]\n"),
              HasSubstr("there is no user alcie; $0 is the one who was dialled [alice]"));
  EXPECT_THAT(FaultsOf(base + "routes: [ { to: \"(\", trunk: acme } ]\n"),
              HasSubstr("not a pattern that is understood here: missing )"));
  for (const char* way : {"", ", trunk: acme, user: alice", ", from_trunk: acme"}) {
    EXPECT_THAT(FaultsOf(base + "routes: [ { to: \"1\"" + way + " } ]\n"),
                HasSubstr("a route needs one of"))
        << way;
  }
}

TEST(Config, ARouteMayLeadToAUser) {
  const std::string users = "users: { inline: [ { name: alice, password: x } ] }\n";
  auto config = ParseConfig(users +
                                "routes:\n  - { name: browsers, to: \"^[a-z]\", user: \"$0\" }\n"
                                "  - { name: desk, to: \"^100$\", user: alice }\n",
                            "t.yaml");
  ASSERT_TRUE(config);
  const std::vector<route::Route>& routes = config->routing.routes;
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].user, "$0");
  EXPECT_EQ(routes[1].user, "alice");
  EXPECT_TRUE(config->trunks.empty());

  EXPECT_THAT(FaultsOf(users + "routes: [ { to: \"1\", user: alcie } ]\n"),
              HasSubstr("there is no user alcie; $0 is the one who was dialled [alice]"));
  EXPECT_THAT(FaultsOf(users + "routes: [ { to: \"1\", user: $1 } ]\n"),
              HasSubstr("there is no user $1"));
  EXPECT_EQ(FaultsOf("users: { source: sqlite:x }\nroutes: [ { to: \"1\", user: bob } ]\n"), "");
  EXPECT_THAT(FaultsOf(users + "trunks: { local: { servers: [\"h:1\"] } }\n"),
              HasSubstr("2:18 `local` is the trunk that leads to users of this gateway"));
  EXPECT_THAT(FaultsOf(users + "routes: [ { to: \"1\", trunk: local } ]\n"),
              HasSubstr("there is no trunk local"));
}

TEST(Config, ATrunkSaysWhichExtensionsItTakes) {
  const std::string base =
      "listen: { sip: [ \"tcp:127.0.0.1:0\" ] }\n"
      "trunks: { acme: { servers: [ \"a.example\" ]";
  auto config = ParseConfig(base + " } }\n", "t.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->trunks[0].prack, sip::Prack::kSupported);
  EXPECT_EQ(config->trunks[0].session_timer, trunk::SessionTimers::kSupported);
  config = ParseConfig(base + ", prack: required, session_timer: none } }\n", "t.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->trunks[0].prack, sip::Prack::kRequired);
  EXPECT_EQ(config->trunks[0].session_timer, trunk::SessionTimers::kNone);
  config = ParseConfig(base + ", prack: none, session_timer: required } }\n", "t.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->trunks[0].prack, sip::Prack::kNone);
  EXPECT_EQ(config->trunks[0].session_timer, trunk::SessionTimers::kRequired);
  EXPECT_THAT(FaultsOf(base + ", prack: maybe } }\n"), HasSubstr("prack"));
}

TEST(Config, ATrunksRedirectsAreRefusedUnlessItSaysOtherwise) {
  const std::string base = "trunks:\n  acme:\n    servers: [ \"a.example\" ]\n";
  EXPECT_FALSE(ParseConfig(base, "t.yaml")->trunks.at(0).follow_redirects);
  EXPECT_FALSE(
      ParseConfig(base + "    redirect: refuse\n", "t.yaml")->trunks.at(0).follow_redirects);
  EXPECT_TRUE(
      ParseConfig(base + "    redirect: follow\n", "t.yaml")->trunks.at(0).follow_redirects);
  const std::string faults = FaultsOf(base + "    redirect: folow\n");
  EXPECT_THAT(faults, HasSubstr("4:15 "));
  EXPECT_THAT(faults, HasSubstr("follow"));
}

TEST(Config, AUserMayHaveAnAccountAtAPbx) {
  setenv("LASTMILE_TEST_PBX", "of the PBX", 1);
  const std::string trunks = "trunks: { office: { servers: [pbx.example] } }\n";
  const auto users = [](const std::string& pbx) {
    return "users: { inline: [ { name: a, password: x, pbx: " + pbx + " } ] }\n";
  };
  auto config = ParseConfig(
      users("{ trunk: office, username: a201, password: env:LASTMILE_TEST_PBX }") + trunks, "");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->pbx_users.size(), 1u);
  const trunk::PbxUser& pbx = config->pbx_users[0];
  EXPECT_EQ(pbx.user, "a");
  EXPECT_EQ(pbx.trunk, "office");
  EXPECT_EQ(pbx.aor, "a201");
  EXPECT_EQ(pbx.host, "");
  EXPECT_EQ(pbx.credentials.user, "a201");
  EXPECT_EQ(pbx.credentials.password, "of the PBX");
  EXPECT_EQ(pbx.credentials.realm, "");
  config = ParseConfig(users("{ trunk: office, username: u, password: p, aor: 201@corp.example, "
                             "realm: corp }") +
                           trunks,
                       "");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->pbx_users[0].aor, "201");
  EXPECT_EQ(config->pbx_users[0].host, "corp.example");
  EXPECT_EQ(config->pbx_users[0].credentials.realm, "corp");
  config = ParseConfig(users("{ trunk: office, username: u, realm: r, ha1: "
                             "0123456789ABCDEF0123456789abcdef }") +
                           trunks,
                       "");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->pbx_users[0].credentials.ha1, "0123456789abcdef0123456789abcdef");
}

TEST(Config, FaultsOfAPbxAccountAreToldWhereTheyStand) {
  const auto faults = [](const std::string& pbx, const std::string& more = "") {
    return FaultsOf("users:\n  inline:\n    - name: a\n      password: x\n      pbx: " + pbx +
                    "\n" + more + "trunks: { office: { servers: [pbx.example] } }\n");
  };
  EXPECT_EQ(faults("{ trunk: ofice, username: u, password: p }"),
            "5:21 there is no trunk ofice [office]\n");
  EXPECT_EQ(faults("{ username: u, password: p }"),
            "5:12 `users.inline[0].pbx` needs `trunk`, the PBX the account is at\n");
  EXPECT_EQ(faults("{ trunk: office, username: u }"),
            "5:12 `users.inline[0].pbx` needs `username`, and `password` or `ha1`\n");
  EXPECT_EQ(faults("{ trunk: office, usernam: u, username: u, password: p }"),
            "5:29 unknown key `usernam` in users.inline[0].pbx [username]\n");
  EXPECT_EQ(faults("201"),
            "5:12 `users.inline[0].pbx` must be a mapping of keys to values, not a single value\n");
  for (const char* aor : {"201@", "\"@pbx.example\"", "\"201@pbx example\"", "\"\""}) {
    EXPECT_THAT(
        faults("{ trunk: office, username: u, password: p, aor: " + std::string(aor) + " }"),
        HasSubstr("5:60 `users.inline[0].pbx.aor` must be USER or USER@HOST"));
  }
  const std::string hash = "ha1: 0123456789abcdef0123456789abcdef";
  EXPECT_THAT(faults("{ trunk: office, username: u, " + hash + " }"),
              HasSubstr("is of one `realm`"));
  EXPECT_THAT(faults("{ trunk: office, username: u, realm: r, password: p, " + hash + " }"),
              HasSubstr("`password` or `ha1`"));
  EXPECT_THAT(faults("{ trunk: office, username: \"u\\nv\", password: p }"),
              HasSubstr("control character"));
  EXPECT_EQ(faults("{ trunk: office, username: u, password: p }",
                   "    - name: b\n      password: x\n"
                   "      pbx: { trunk: office, username: v, password: p, aor: u }\n"),
            "8:12 users a and b have the same address at trunk office\n");
}

TEST(Config, ATrunkMayHaveAnAccountForItsCalls) {
  auto config = ParseConfig(
      "trunks: { m: { servers: [h], auth: { username: gw, password: p, realm: r } }, n: { servers: "
      "[h] } }\n",
      "");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->trunks[0].auth->user, "gw");
  EXPECT_EQ(config->trunks[0].auth->password, "p");
  EXPECT_EQ(config->trunks[0].auth->realm, "r");
  EXPECT_FALSE(config->trunks[1].auth);
  EXPECT_EQ(FaultsOf("trunks:\n  m:\n    servers: [h]\n    auth: { username: gw }\n"),
            "4:11 `trunks.m.auth` needs `username`, and `password` or `ha1`\n");
  EXPECT_EQ(FaultsOf("trunks:\n  m:\n    servers: [h]\n    auth: { username: gw, pasword: p }\n"),
            "4:11 `trunks.m.auth` needs `username`, and `password` or `ha1`\n"
            "4:27 unknown key `pasword` in trunks.m.auth [password]\n");
}

TEST(Config, BrokenYamlIsOneFaultWithItsPlace) {
  EXPECT_THAT(FaultsOf("listen: { ws: \n"), HasSubstr("2:1 "));
  EXPECT_THAT(FaultsOf("a: \"b\n"), ::testing::Not(""));
}

TEST(Config, AMissingFileIsTold) {
  auto config = LoadConfig("/nowhere/lastmile.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().front().message, "cannot read the file");
}

TEST(Config, FormattedFaultsShowTheLineAndTheCaret) {
  const std::string text = "domain: x\nlisten:\n  ws: { adr: \"127.0.0.1:0\" }\n";
  auto config = ParseConfig(text, "lastmile.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(FormatDiagnostic(config.error().front(), "lastmile.yaml", text),
            "lastmile.yaml:3:9: error[listen]: unknown key `adr` in listen.ws\n"
            " 3 |   ws: { adr: \"127.0.0.1:0\" }\n"
            "   |         ^^^ did you mean `addr`?\n");
}

TEST(Config, TheCaretUnderlinesAQuotedValueWithItsQuotes) {
  const std::string text = "listen: { ws: { addr: \"nowhere\" } }\n";
  auto config = ParseConfig(text, "t.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().front().width, 9u);
}

TEST(CheckMachine, TellsAMissingCertificateAtItsKey) {
  const std::string text =
      "listen: { wss: { addr: \"127.0.0.1:0\" } }\ntls: { cert: /nowhere/a.pem, key: "
      "/nowhere/b.pem }\nmedia: { browser: { port: 0 } }\n";
  auto config = ParseConfig(text, "t.yaml");
  ASSERT_TRUE(config);
  const auto faults = CheckMachine(*config);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].position.line, 2);
  EXPECT_EQ(faults[0].position.column, 14);
  EXPECT_THAT(faults[0].message, HasSubstr("cannot read /nowhere/a.pem"));
}

TEST(Config, BrowsersComeOverTcpOnlyIfAPortIsNamed) {
  EXPECT_FALSE(ParseConfig("", "test.yaml")->browser_media.tcp_port);
  const auto config = ParseConfig("media: { browser: { tcp_port: 443 } }\n", "test.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->browser_media.tcp_port, 443);
  EXPECT_EQ(FaultsOf("media: { browser: { tcp_port: 0 } }\n"),
            "1:31 `media.browser.tcp_port` must be a number from 1 to 65535\n");
}

TEST(Config, FullIceHasItsServers) {
  EXPECT_FALSE(ParseConfig("", "test.yaml")->full_ice);
  EXPECT_FALSE(ParseConfig("media: { ice: { mode: lite } }\n", "test.yaml")->full_ice);
  const auto config = ParseConfig(
      "media:\n"
      "  ice:\n"
      "    mode: full\n"
      "    stun: [\"stun.example.com:3479\", 192.0.2.1, \"[2001:db8::1]:3480\"]\n"
      "    turn: [{ server: turn.example.com, username: gw, password: hush }]\n"
      "    private_peers: true\n",
      "test.yaml");
  ASSERT_TRUE(config);
  ASSERT_TRUE(config->full_ice);
  const media::FullIceOptions& ice = *config->full_ice;
  ASSERT_EQ(ice.stun.size(), 3u);
  EXPECT_EQ(ice.stun[0].host, "stun.example.com");
  EXPECT_EQ(ice.stun[0].port, 3479);
  EXPECT_EQ(ice.stun[1].host, "192.0.2.1");
  EXPECT_EQ(ice.stun[1].port, 3478);
  EXPECT_EQ(ice.stun[2].host, "2001:db8::1");
  EXPECT_EQ(ice.stun[2].port, 3480);
  ASSERT_EQ(ice.turn.size(), 1u);
  EXPECT_EQ(ice.turn[0].server.host, "turn.example.com");
  EXPECT_EQ(ice.turn[0].server.port, 3478);
  EXPECT_EQ(ice.turn[0].username, "gw");
  EXPECT_EQ(ice.turn[0].password, "hush");
  EXPECT_TRUE(ice.private_peers);
}

TEST(Config, MistakesOfFullIceAreTold) {
  EXPECT_THAT(FaultsOf("media: { ice: { mode: ful } }\n"), HasSubstr("full"));
  EXPECT_EQ(FaultsOf("media: { ice: { stun: [stun.example.com] } }\n"),
            "1:23 `media.ice.stun` says nothing without `mode: full`\n");
  EXPECT_EQ(FaultsOf("media: { ice: { mode: full, stun: [\"stun.example.com:0\"] } }\n"),
            "1:36 not a port (1 to 65535) in stun.example.com:0\n");
  EXPECT_EQ(FaultsOf("media: { ice: { mode: full, turn: [{ server: turn.example.com }] } }\n"),
            "1:36 a TURN server is { server: HOST:PORT, username:, password: }\n");
  for (const std::string key : {"advertise: 192.0.2.1", "port: 20002", "tcp_port: 443"}) {
    EXPECT_THAT(FaultsOf("media: { browser: { " + key + " }, ice: { mode: full } }\n"),
                HasSubstr("is ICE-lite's"))
        << key;
  }
}

// What `config effective` says of either mode is a configuration again, and hides the password.
TEST(Config, FullIceIsWrittenDownAsItIsRead) {
  for (const std::string& text :
       {std::string(), std::string("media:\n  ice:\n    mode: full\n    stun: [stun.example.com]\n"
                                   "    turn: [{ server: turn.example.com, username: gw, password: "
                                   "hushhush }]\n")}) {
    const auto effective = EffectiveConfig(text, "test.yaml");
    ASSERT_TRUE(effective);
    EXPECT_THAT(*effective, Not(HasSubstr("hushhush")));
    const auto again = ParseConfig(*effective, "effective.yaml");
    ASSERT_TRUE(again) << *effective;
    EXPECT_EQ(again->full_ice.has_value(), !text.empty());
    if (!again->full_ice) continue;
    EXPECT_EQ(again->full_ice->stun.size(), 1u);
    EXPECT_EQ(again->full_ice->turn.size(), 1u);
  }
}

TEST(CheckMachine, TellsATcpPortForMediaThatIsTaken) {
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t size = Endpoint{*IpAddress::Parse("127.0.0.1"), 0}.ToSockaddr(storage);
  auto* const name = reinterpret_cast<sockaddr*>(&storage);
  ASSERT_TRUE(bind(other, name, size) == 0 && listen(other, 1) == 0);
  size = sizeof storage;
  ASSERT_EQ(getsockname(other, name, &size), 0);
  const Endpoint taken = Endpoint::FromSockaddr(storage);
  const auto config = ParseConfig("media:\n  browser: { bind: 127.0.0.1, port: 0, tcp_port: " +
                                      std::to_string(taken.port) + " }\n",
                                  "test.yaml");
  ASSERT_TRUE(config);
  const auto faults = CheckMachine(*config);
  close(other);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].position.line, 2);
  EXPECT_EQ(faults[0].position.column, 50);
  EXPECT_EQ(faults[0].message,
            "cannot listen on " + taken.ToString() + ": another program has it already");
}

TEST(CheckMachine, TellsWorkersThatHaveNoPortLeft) {
  const auto config = ParseConfig(
      "media:\n  workers: 2\n  browser: { bind: 127.0.0.1, port: 65535, tcp_port: 65535 }\n",
      "test.yaml");
  ASSERT_TRUE(config);
  const auto faults = CheckMachine(*config);
  ASSERT_EQ(faults.size(), 2u);
  for (const Diagnostic& fault : faults) {
    EXPECT_EQ(fault.position.line, 3);
    EXPECT_EQ(fault.message,
              "media worker 1 would need the port 65536: each takes one more than the one before");
  }
}

TEST(CheckMachine, TellsAnAddressThatIsNotOurs) {
  auto config = ParseConfig(
      "listen: { ws: { addr: \"192.0.2.1:8080\" } }\nmedia: { browser: { port: 0 } }\n", "t.yaml");
  ASSERT_TRUE(config);
  const auto faults = CheckMachine(*config);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].position.line, 1);
  EXPECT_THAT(faults[0].message, HasSubstr("not one of this machine"));
}

}  // namespace
}  // namespace lastmile::app
