#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using test::WsClient;
using testing::HasSubstr;

class PageTest : public ServerTest {
 protected:
  void SetUp() override {
    folder_.Write("secret.txt", "secret");
    folder_.Write("page/index.html", "<!doctype html>");
    folder_.Write("page/app.js", std::string(1 << 20, 'j'));
    folder_.Write("page/empty.css", "");
    folder_.Write("page/img/logo.svg", "<svg/>");
    folder_.Write("page/.env", "secret");
    options_.page_dir = folder_.path() / "page";
  }
  std::optional<WsClient::Response> Ask(const std::string& method, const std::string& target) {
    WsClient client(plain());
    client.SendRaw(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.ReadResponse(method == "HEAD");
  }
};

TEST_F(PageTest, ServesFilesWithTypeAndSecurityHeaders) {
  Start();
  auto response = Ask("GET", "/img/logo.svg?x=1");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "<svg/>");
  EXPECT_EQ(response->Header("Content-Type"), "image/svg+xml");
  EXPECT_THAT(response->Header("Content-Security-Policy"),
              HasSubstr("connect-src 'self' ws: wss:"));
  EXPECT_EQ(response->Header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(response->Header("X-Frame-Options"), "DENY");
  EXPECT_EQ(response->Header("Referrer-Policy"), "no-referrer");
  EXPECT_THAT(response->Header("Permissions-Policy"), HasSubstr("microphone=(self)"));
  EXPECT_EQ(response->Header("Connection"), "keep-alive");
  response = Ask("GET", "/empty.css");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");
}

TEST_F(PageTest, ServesABigFileWholeOverBothListeners) {
  Start();
  for (const bool tls : {false, true}) {
    WsClient client(at(tls), {.tls = tls});
    client.SendRaw("GET /app.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto response = client.ReadResponse();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body.size(), size_t{1} << 20);
    EXPECT_EQ(response->body, std::string(1 << 20, 'j'));
  }
}

TEST_F(PageTest, AnswersManyRequestsOnOneConnection) {
  Start();
  WsClient client(plain());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /img/logo.svg HTTP/1.1\r\nHost: a\r\n\r\n";
  client.SendRaw(requests);
  for (int i = 0; i < 20; ++i) {
    const auto response = client.ReadResponse();
    ASSERT_TRUE(response) << i;
    EXPECT_EQ(response->body, "<svg/>");
  }
  EXPECT_TRUE(client.Open()) << "and becomes a WebSocket then";
}

TEST_F(PageTest, HeadHasNoBody) {
  Start();
  WsClient client(plain());
  client.SendRaw("HEAD /app.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto response = client.ReadResponse(true);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->Header("Content-Length"), "1048576");
  EXPECT_EQ(response->Header("Connection"), "close");
  EXPECT_TRUE(client.ReadToEnd());
  EXPECT_EQ(client.pending(), "");
}

TEST_F(PageTest, OtherMethodsAndBodiesAreRefused) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"}) {
    const auto response = Ask(method, "/");
    ASSERT_TRUE(response) << method;
    EXPECT_EQ(response->status, 405) << method;
    EXPECT_EQ(response->Header("Allow"), "GET, HEAD");
  }
  WsClient client(plain());
  client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
                 std::string(1000000, 'x'));
  const auto response = client.ReadResponse();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
}

TEST_F(PageTest, NothingOutsideTheFolderIsReachable) {
  std::filesystem::create_symlink(folder_.path() / "secret.txt", folder_.path() / "page/link.txt");
  std::filesystem::create_directory_symlink(folder_.path(), folder_.path() / "page/up");
  Start();
  for (const char* target : {"/../secret.txt",
                             "/..%2fsecret.txt",
                             "/%2e%2e/secret.txt",
                             "/%2e%2e%2fsecret.txt",
                             "/img/../../secret.txt",
                             "/img/..%5c..%5csecret.txt",
                             "/..\\secret.txt",
                             "/./../secret.txt",
                             "//secret.txt",
                             "/link.txt",
                             "/up/secret.txt",
                             "/.env",
                             "/img",
                             "/img/",
                             "/.",
                             "/....//secret.txt",
                             "/%c0%ae%c0%ae/secret.txt",
                             "/index.html%00.js",
                             "/etc/passwd",
                             "/..;/secret.txt",
                             "/none.html"}) {
    const auto response = Ask("GET", target);
    ASSERT_TRUE(response) << target;
    EXPECT_EQ(response->status, 404) << target;
    EXPECT_THAT(response->body, testing::Not(HasSubstr("secret"))) << target;
  }
}

TEST_F(PageTest, APageThatIsNotBuiltNamesTheCommand) {
  options_.page_dir.clear();
  Start();
  auto response = Ask("GET", "/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_THAT(response->body, HasSubstr("npm run build"));
  EXPECT_THAT(response->body, HasSubstr("web-demo"));
  EXPECT_EQ(response->Header("Content-Type"), "text/plain; charset=utf-8");
}

TEST_F(PageTest, APageBuiltLaterIsServedWithoutARestart) {
  options_.page_dir = folder_.path() / "later";
  Start();
  auto response = Ask("GET", "/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_THAT(response->body, HasSubstr("npm run build"));
  folder_.Write("later/index.html", "built");
  response = Ask("GET", "/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "built");
}

}  // namespace
}  // namespace lastmile::ws
