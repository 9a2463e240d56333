#include <gtest/gtest.h>

#include <fstream>

#include "base/file_watch.h"
#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using test::WsClient;

class CertificateTest : public ServerTest {
 protected:
  std::string Shown() { return WsClient(secure(), {.tls = true}).server_certificate(); }

  const std::filesystem::path cert_ = folder_.path() / "cert.pem";
  const std::filesystem::path key_ = folder_.path() / "key.pem";
};

TEST_F(CertificateTest, ANewOneIsForNewConnectionsAndDropsNone) {
  Start();
  WsClient standing(secure(), {.tls = true});
  ASSERT_TRUE(standing.Open());
  const std::string before = Shown();
  ASSERT_FALSE(before.empty());
  WriteCertificate(cert_, key_);
  ASSERT_TRUE(Eventually([&] { return Shown() != before; }));
  EXPECT_FALSE(Shown().empty());
  ASSERT_TRUE(standing.SendFrame(9, "still here"));
  const auto pong = standing.ReadFrame();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->payload, "still here");
}

TEST_F(CertificateTest, ABrokenFileChangesNothing) {
  Start();
  const std::string before = Shown();
  std::ofstream(cert_) << "no certificate\n";
  const auto end = std::chrono::steady_clock::now() + FileWatch::kInterval * 3 / 2;
  while (std::chrono::steady_clock::now() < end) ASSERT_EQ(Shown(), before);
  // Nor does what follows suffer from it.
  WriteCertificate(cert_, key_);
  EXPECT_TRUE(Eventually([&] { return Shown() != before && !Shown().empty(); }));
}

}  // namespace
}  // namespace lastmile::ws
