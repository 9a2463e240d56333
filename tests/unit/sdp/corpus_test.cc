#include <gtest/gtest.h>

#include <cstdlib>

#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

void ExpectIdentity(const std::filesystem::path& path) {
  const std::string text = ReadFile(path);
  auto parsed = Parse(text);
  ASSERT_TRUE(parsed) << path << ": " << parsed.error().ToString();
  EXPECT_EQ(Print(*parsed), text) << path;
}

TEST(Corpus, OwnCapturesPrintAsTheyWere) {
  const auto files = OwnCaptures();
  EXPECT_GE(files.size(), 6u);
  for (const auto& path : files) ExpectIdentity(path);
}

TEST(Corpus, ForeignFilesPrintAsTheyWere) {
  const char* corpora = std::getenv("LASTMILE_CORPORA");
  if (!corpora) GTEST_SKIP() << "LASTMILE_CORPORA is not set";
  const auto files = SdpFiles(std::filesystem::path(corpora) / "sdp");
  EXPECT_GE(files.size(), 30u);
  for (const auto& path : files) ExpectIdentity(path);
}

}  // namespace
}  // namespace lastmile::sdp
