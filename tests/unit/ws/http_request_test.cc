#include "ws/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace lastmile::ws {
namespace {

using Kind = HeadResult::Kind;

std::string Get(const std::string& headers) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

int StatusOf(const std::string& bytes) {
  const HeadResult result = ParseHead(bytes);
  return result.kind == Kind::kRefused ? result.status : result.kind == Kind::kComplete ? 200 : 0;
}

TEST(HttpRequestTest, ReadsAHead) {
  const std::string bytes =
      "GET /app.js?v=1 HTTP/1.1\r\nHost: localhost:8080\r\nX-Empty:\r\nConnection: a, "
      "Upgrade\r\n\r\n"
      "rest";
  const HeadResult result = ParseHead(bytes);
  ASSERT_EQ(result.kind, Kind::kComplete);
  EXPECT_EQ(result.consumed, bytes.size() - 4);
  EXPECT_EQ(result.request.method, "GET");
  EXPECT_EQ(result.request.target, "/app.js?v=1");
  EXPECT_TRUE(result.request.http_1_1);
  EXPECT_TRUE(result.request.keep_alive());
  EXPECT_EQ(result.request.Find("host"), "localhost:8080");
  EXPECT_EQ(result.request.Find("x-empty"), "");
  EXPECT_EQ(result.request.Find("none"), std::nullopt);
  EXPECT_TRUE(result.request.HasToken("connection", "upgrade"));
  EXPECT_FALSE(result.request.HasToken("connection", "up"));
}

TEST(HttpRequestTest, WaitsForTheWholeHeadAtEveryByte) {
  const std::string bytes = Get("A: b\r\n");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseHead(bytes.substr(0, size)).kind, Kind::kIncomplete) << size;
  }
  EXPECT_EQ(ParseHead(bytes).kind, Kind::kComplete);
}

TEST(HttpRequestTest, KnowsWhenTheConnectionStays) {
  EXPECT_FALSE(ParseHead(Get("Connection: close\r\n")).request.keep_alive());
  const std::string old = "GET / HTTP/1.0\r\n\r\n";
  const HeadResult result = ParseHead(old);
  ASSERT_EQ(result.kind, Kind::kComplete);
  EXPECT_FALSE(result.request.keep_alive());
}

TEST(HttpRequestTest, RefusesBrokenRequestLines) {
  for (const char* line : {"GET", "GET /", "GET  HTTP/1.1", "GET / x HTTP/1.1", "G(T / HTTP/1.1",
                           "GET * HTTP/1.1", "GET http://a/ HTTP/1.1", "GET \x01 HTTP/1.1",
                           "GET /\t HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1", "CONNECT a:1 HTTP/1.1"}) {
    EXPECT_EQ(StatusOf(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
  }
  for (const char* version : {"HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.1x", "HTTP/11", "x"}) {
    EXPECT_EQ(StatusOf("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), 505) << version;
  }
}

TEST(HttpRequestTest, RefusesNoiseAtItsFirstByte) {
  EXPECT_EQ(StatusOf("\x16\x03\x01"), 400);
  EXPECT_EQ(StatusOf("\r\n"), 400);
  EXPECT_EQ(StatusOf(std::string(1, '\0')), 400);
}

TEST(HttpRequestTest, RefusesBrokenHeaders) {
  const std::string nul(1, '\0');
  for (const std::string& header :
       {std::string("no colon"), std::string("A : b"), std::string(" folded: x"),
        std::string("\tfolded"), std::string(": b"), "A: b" + nul, std::string("A: b\rc"),
        std::string("A: b\nB: c"), std::string("A: \x7f"), std::string("\xc3\xa4: b")}) {
    EXPECT_EQ(StatusOf(Get(header + "\r\n")), 400) << header;
  }
}

TEST(HttpRequestTest, NeedsExactlyOneHost) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(Get("host: b\r\n")), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 200);
}

TEST(HttpRequestTest, TakesNoBodies) {
  EXPECT_EQ(StatusOf(Get("Content-Length: 0\r\n")), 200);
  for (const char* header : {"Content-Length: 1", "Content-Length: -1", "Content-Length: 00",
                             "Content-Length: 0\r\nContent-Length: 0", "Transfer-Encoding: chunked",
                             "Transfer-Encoding: identity"}) {
    EXPECT_EQ(StatusOf(Get(std::string(header) + "\r\n")), 413) << header;
  }
}

TEST(HttpRequestTest, BoundsTheHeadersInNumber) {
  std::string headers;
  for (size_t i = 1; i < kMaxHeaders; ++i) headers += "A: b\r\n";  // Host is one
  EXPECT_EQ(StatusOf(Get(headers)), 200);
  EXPECT_EQ(StatusOf(Get(headers + "A: b\r\n")), 431);
}

TEST(HttpRequestTest, BoundsTheHeadInBytes) {
  const size_t others = Get("A: \r\n").size();
  EXPECT_EQ(StatusOf(Get("A: " + std::string(kMaxHeadBytes - others, 'b') + "\r\n")), 200);
  EXPECT_EQ(StatusOf(Get("A: " + std::string(kMaxHeadBytes - others + 1, 'b') + "\r\n")), 431);
  EXPECT_EQ(StatusOf("GET /" + std::string(kMaxHeadBytes - 6, 'a')), 0);
  EXPECT_EQ(StatusOf("GET /" + std::string(kMaxHeadBytes - 5, 'a')), 431);
}

}  // namespace
}  // namespace lastmile::ws
