#include "ws/http_response.h"

#include <gmock/gmock.h>

namespace lastmile::ws {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(HttpResponseTest, EveryResponseCarriesTheSecurityHeaders) {
  for (const int status : {200, 400, 403, 404, 405, 413, 426, 431, 505}) {
    const std::string head = BuildResponseHead({.status = status});
    EXPECT_THAT(head, StartsWith("HTTP/1.1 " + std::to_string(status) + " "));
    EXPECT_THAT(head, Not(HasSubstr(" Error\r\n"))) << "a status without a phrase";
    EXPECT_THAT(head, HasSubstr("Content-Security-Policy: default-src 'self'; script-src 'self';"));
    EXPECT_THAT(head, HasSubstr("connect-src 'self' ws: wss:;"));
    EXPECT_THAT(head, HasSubstr("frame-ancestors 'none'\r\n"));
    EXPECT_THAT(head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(head, HasSubstr("X-Frame-Options: DENY\r\n"));
    EXPECT_THAT(head, HasSubstr("Referrer-Policy: no-referrer\r\n"));
    EXPECT_THAT(head, HasSubstr("Permissions-Policy: microphone=(self),"));
    EXPECT_THAT(head, Not(HasSubstr("unsafe-inline")));
    EXPECT_THAT(head, Not(HasSubstr("Server:")));
    EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  }
}

TEST(HttpResponseTest, TellsLengthTypeAndConnection) {
  const std::string head = BuildResponseHead({.content_type = "image/png",
                                              .content_length = 5000000000,
                                              .keep_alive = true,
                                              .extra = "Allow: GET\r\n"});
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: image/png\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 5000000000\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nAllow: GET\r\n"));
  EXPECT_THAT(BuildResponseHead({}), HasSubstr("\r\nConnection: close\r\n"));
}

}  // namespace
}  // namespace lastmile::ws
