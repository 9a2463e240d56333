#include "gateway/users/webhook_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/component/users/answers.h"
#include "tests/component/users/http_peer.h"
#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::users {
namespace {

using net::TestCertificate;
using test::HttpPeer;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kMd5(32, 'a');
const std::string kAlice =
    R"({"ha1":")" + kMd5 + R"(","ha1_sha256":null,"caller_id":"+1555","tenant":"acme"})";

class WebhookSourceTest : public ::testing::Test {
 protected:
  WebhookOptions OptionsFor(const HttpPeer& peer, const std::string& scheme = "http") {
    return {.url = scheme + "://localhost:" + std::to_string(peer.port()) + "/sip",
            .token = "a-token",
            .realm = "gw.example"};
  }
  // What becomes of one look-up that is answered so.
  UserAnswer AnswerTo(const std::string& response) {
    HttpPeer peer({.answer = [&](const auto&) { return response; }});
    return AskOnce(OptionsFor(peer), "alice");
  }
  UserAnswer AskOnce(const WebhookOptions& options, const std::string& name) {
    WebhookSource source(options, answers.mailbox);
    EXPECT_TRUE(source.Start());
    return answers.Ask(source, name);
  }

  Answers answers;
};

TEST_F(WebhookSourceTest, AsksByPostAndTakesTheUserFromJson) {
  HttpPeer peer({.answer = [](const auto&) { return HttpPeer::Ok(kAlice); }});
  const UserAnswer answer = AskOnce(OptionsFor(peer), "alice");
  EXPECT_EQ(answer.verdict, Verdict::kFound);
  EXPECT_EQ(answer.user.ha1, kMd5);
  EXPECT_EQ(answer.user.ha1_sha256, "");
  EXPECT_EQ(answer.user.caller_id, "+1555");
  EXPECT_EQ(answer.user.tenant, "acme");
  const auto request = peer.requests().at(0);
  EXPECT_THAT(request.head, HasSubstr("POST /sip HTTP/"));
  EXPECT_THAT(request.head, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(request.head, HasSubstr("\r\nAuthorization: Bearer a-token\r\n"));
  EXPECT_EQ(request.body, R"({"realm":"gw.example","user":"alice"})");
}

TEST_F(WebhookSourceTest, ANameIsOnlyEverATextOfJson) {
  HttpPeer peer({.answer = [](const auto&) { return HttpPeer::Status(404); }});
  const std::string name = "a\"}\r\nX: y/../?&\xff";
  EXPECT_EQ(AskOnce(OptionsFor(peer), name).verdict, Verdict::kNotFound);
  const auto request = peer.requests().at(0);
  EXPECT_THAT(request.head, HasSubstr("POST /sip HTTP/"));
  EXPECT_THAT(request.head, Not(HasSubstr("X: y")));
  EXPECT_THAT(request.body, HasSubstr(R"("user":"a\"}\r\nX: y/../?&)"));
}

TEST_F(WebhookSourceTest, WhatIsNotAgreedOnIsAFailure) {
  for (const std::string& response :
       {HttpPeer::Status(500), HttpPeer::Status(302), HttpPeer::Status(401), HttpPeer::Ok(""),
        HttpPeer::Ok("[]"), HttpPeer::Ok("{\"ha1\":5}"), HttpPeer::Ok("{\"ha1\""),
        std::string("nonsense\r\n\r\n")}) {
    EXPECT_EQ(AnswerTo(response).verdict, Verdict::kFailed) << response;
  }
  EXPECT_EQ(AnswerTo(HttpPeer::Status(404)).verdict, Verdict::kNotFound);
  EXPECT_EQ(AnswerTo(HttpPeer::Ok("{}")).verdict, Verdict::kFound) << "tokens need no password";
}

TEST_F(WebhookSourceTest, AHugeAnswerIsNotReadToItsEnd) {
  const std::string huge =
      R"({"caller_id":")" + std::string(WebhookSource::kMaxAnswer, '1') + "\"}";
  EXPECT_EQ(AnswerTo(HttpPeer::Ok(huge)).verdict, Verdict::kFailed);
  EXPECT_EQ(AnswerTo("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + huge).verdict,
            Verdict::kFailed)
      << "also without a length";
}

TEST_F(WebhookSourceTest, SilenceIsAFailureAfterTwoSeconds) {
  const TimePoint asked = MonotonicNow();
  EXPECT_EQ(AnswerTo("").verdict, Verdict::kFailed);
  EXPECT_GE(MonotonicNow() - asked, WebhookSource::kLimit);
}

TEST_F(WebhookSourceTest, NobodyThereIsAFailureAtOnce) {
  WebhookOptions options;
  {
    HttpPeer peer({.answer = {}});
    options = OptionsFor(peer);
  }
  const TimePoint asked = MonotonicNow();
  EXPECT_EQ(AskOnce(options, "alice").verdict, Verdict::kFailed);
  EXPECT_LT(MonotonicNow() - asked, WebhookSource::kLimit);
}

TEST_F(WebhookSourceTest, ManyAreAskedForAtATimeButNotAll) {
  HttpPeer peer({.answer = [](const auto&) { return HttpPeer::Ok(kAlice); }});
  WebhookSource source(OptionsFor(peer), answers.mailbox);
  ASSERT_TRUE(source.Start());
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("user" + std::to_string(i));
  for (const auto& [name, answer] : answers.Ask(source, names)) {
    EXPECT_EQ(answer.verdict, Verdict::kFound);
    EXPECT_EQ(answer.user.name, name);
  }
  EXPECT_EQ(peer.requests().size(), 200u);
  EXPECT_LE(peer.most_at_once(), 2 * static_cast<int>(WebhookSource::kMaxConcurrent))
      << "the peer may see an old connection a little longer than we do";
}

TEST_F(WebhookSourceTest, StopsInTheMiddleOfARequest) {
  HttpPeer peer({.answer = [](const auto&) { return ""; }});
  WebhookSource source(OptionsFor(peer), answers.mailbox);
  ASSERT_TRUE(source.Start());
  EXPECT_TRUE(source.Ask("alice"));
  while (peer.requests().empty()) std::this_thread::yield();
  const TimePoint stopped = MonotonicNow();
  source.Stop();
  EXPECT_LT(MonotonicNow() - stopped, WebhookSource::kLimit / 2);
}

TEST_F(WebhookSourceTest, ACertificateHasToFit) {
  const TestCertificate ca({.common_name = "CA", .is_ca = true}, nullptr);
  const TestCertificate stranger({.common_name = "CA", .is_ca = true}, nullptr);
  const TestCertificate right({.alternatives = "DNS:localhost"}, &ca);
  const TestCertificate wrong({.common_name = "other", .alternatives = "DNS:other.example"}, &ca);
  const auto ask = [&](const TestCertificate& certificate, const std::string& trusted) {
    HttpPeer peer({.answer = [](const auto&) { return HttpPeer::Ok(kAlice); },
                   .cert_file = certificate.cert_file(),
                   .key_file = certificate.key_file()});
    WebhookOptions options = OptionsFor(peer, "https");
    options.ca_file = trusted;
    const Verdict verdict = AskOnce(options, "alice").verdict;
    if (verdict == Verdict::kFailed) {
      EXPECT_TRUE(peer.requests().empty()) << "told nothing";
    }
    return verdict;
  };
  EXPECT_EQ(ask(right, ca.cert_file()), Verdict::kFound);
  EXPECT_EQ(ask(right, stranger.cert_file()), Verdict::kFailed);
  EXPECT_EQ(ask(wrong, ca.cert_file()), Verdict::kFailed);
  EXPECT_EQ(ask(right, ""), Verdict::kFailed) << "the system knows no such authority";
}

TEST(WebhookUrl, IsHttpsOrOfThisMachine) {
  for (const char* good : {"https://auth.example.com/sip", "http://127.0.0.1:80/", "http://[::1]/x",
                           "http://localhost:9/"}) {
    EXPECT_TRUE(CheckWebhookUrl(good)) << good;
  }
  for (const char* bad : {"http://auth.example.com/sip", "ftp://127.0.0.1/", "auth.example.com",
                          "https://user:pw@auth.example.com/", "https://", "file:///etc/passwd",
                          "http://127.0.0.1.example.com/"}) {
    EXPECT_FALSE(CheckWebhookUrl(bad)) << bad;
  }
}

}  // namespace
}  // namespace lastmile::users
