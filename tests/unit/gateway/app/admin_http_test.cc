#include "gateway/app/admin_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lastmile::app {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr net::StreamId kStream{1};

ByteView Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class AdminHttpTest : public ::testing::Test {
 protected:
  std::string Ask(const std::string& request) {
    EXPECT_TRUE(admin.OnOpen(kStream, now));
    const auto response = admin.OnBytes(kStream, Bytes(request));
    admin.OnClosed(kStream);
    return response.value_or("");
  }

  TimePoint now{};
  AdminHttp admin{[] { return std::string("lastmile_calls_active 3\n"); }};
};

TEST_F(AdminHttpTest, MetricsAreServedAsPrometheusReadsThem) {
  const std::string response = Ask("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(response, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(response, HasSubstr("Content-Length: 24\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nlastmile_calls_active 3\n"));
}

TEST_F(AdminHttpTest, HealthIsToldInOneWord) {
  EXPECT_THAT(Ask("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"), EndsWith("\r\n\r\nok\n"));
}

TEST_F(AdminHttpTest, WhatIsNotThereIsRefusedWithWhatIs) {
  EXPECT_THAT(Ask("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("DELETE /metrics HTTP/1.1\r\nHost: h\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminHttpTest, ARequestMayComeInPieces) {
  ASSERT_TRUE(admin.OnOpen(kStream, now));
  EXPECT_FALSE(admin.OnBytes(kStream, Bytes("GET /healthz HT")));
  EXPECT_FALSE(admin.OnBytes(kStream, Bytes("TP/1.1\r\nHost: h\r\n")));
  EXPECT_TRUE(admin.OnBytes(kStream, Bytes("\r\n")));
}

TEST_F(AdminHttpTest, AHeadWithoutEndIsRefusedAt8KiB) {
  ASSERT_TRUE(admin.OnOpen(kStream, now));
  const auto response = admin.OnBytes(kStream, Bytes("GET /" + std::string(8 * 1024, 'a')));
  ASSERT_TRUE(response);
  EXPECT_THAT(*response, StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminHttpTest, MoreStreamsThanTheBoundAreTurnedAway) {
  for (uint64_t i = 1; i <= AdminHttp::kMaxStreams; ++i) ASSERT_TRUE(admin.OnOpen({i}, now));
  EXPECT_FALSE(admin.OnOpen({1000}, now));
  EXPECT_FALSE(admin.Has({1000}));
  admin.OnClosed({1});
  EXPECT_TRUE(admin.OnOpen({1000}, now));
}

TEST_F(AdminHttpTest, WhoAsksForNothingMakesRoom) {
  EXPECT_EQ(admin.next_timeout(), kNever);
  ASSERT_TRUE(admin.OnOpen({1}, now));
  now += 4s;
  ASSERT_TRUE(admin.OnOpen({2}, now));
  EXPECT_FALSE(admin.OnBytes({1}, Bytes("GET /metrics HTTP/1.1\r\n")));
  EXPECT_EQ(admin.next_timeout(), TimePoint(AdminHttp::kMaxIdle));
  EXPECT_THAT(admin.TakeIdle(now), ::testing::IsEmpty());
  EXPECT_THAT(admin.TakeIdle(admin.next_timeout()), ::testing::ElementsAre(net::StreamId{1}));
  EXPECT_FALSE(admin.Has({1}));
  EXPECT_TRUE(admin.Has({2}));
}

}  // namespace
}  // namespace lastmile::app
