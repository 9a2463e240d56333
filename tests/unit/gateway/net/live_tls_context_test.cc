#include "gateway/net/live_tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {
namespace {

using ::testing::HasSubstr;

class LiveTls : public ::testing::Test {
 protected:
  LiveTls() : usual_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
  }
  ~LiveTls() override { spdlog::set_default_logger(usual_); }

  const TlsContext* Get() {
    auto context = live_.Get(now_);
    EXPECT_TRUE(context);
    return context ? *context : nullptr;
  }
  size_t LinesWith(const std::string& text) const {
    std::istringstream lines(log_.str());
    size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
      count += line.find(text) != std::string::npos ? 1 : 0;
    }
    return count;
  }
  void Break(const std::string& file) { std::ofstream(file) << "no certificate\n"; }

  std::shared_ptr<spdlog::logger> usual_;
  std::ostringstream log_;
  TestCertificate shown_{{}, nullptr};
  TestCertificate renewed_{{}, nullptr};
  const TlsServerOptions options_{.cert_file = shown_.cert_file(), .key_file = shown_.key_file()};
  int made_ = 0;
  LiveTlsContext live_{TlsContext::FilesOf(options_), [this] {
                         ++made_;
                         return TlsContext::ForServer(options_);
                       }};
  TimePoint now_{};
};

TEST_F(LiveTls, ReadsTheFilesOnceUntilTheyChange) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_NE(Get(), nullptr);
    now_ += 5s;
  }
  EXPECT_EQ(made_, 1);
  shown_.ReplaceFilesBy(renewed_);
  Get();
  Get();
  EXPECT_EQ(made_, 2);
  EXPECT_EQ(LinesWith("have changed and are in use"), 1u);
}

TEST_F(LiveTls, LooksAtTheFilesOnceASecond) {
  Get();
  shown_.ReplaceFilesBy(renewed_);
  now_ += FileWatch::kInterval - 1ms;
  Get();
  EXPECT_EQ(made_, 1);
  now_ += 1ms;
  Get();
  EXPECT_EQ(made_, 2);
}

TEST_F(LiveTls, ABrokenFileChangesNothingAndIsToldOnceByItsName) {
  const auto* before = Get()->get();
  Break(shown_.cert_file());
  for (int i = 0; i < 10; ++i) {
    now_ += 5s;
    EXPECT_EQ(Get()->get(), before);
  }
  EXPECT_EQ(LinesWith("the old ones stay in use: cannot use the certificate " + shown_.cert_file()),
            1u);
  shown_.ReplaceFilesBy(renewed_);
  now_ += 5s;
  EXPECT_NE(Get()->get(), before);
}

TEST_F(LiveTls, ACertificateWhoseKeyComesLaterIsTakenWithItsKey) {
  const auto* before = Get()->get();
  std::filesystem::copy_file(renewed_.cert_file(), shown_.cert_file(),
                             std::filesystem::copy_options::overwrite_existing);
  now_ += 5s;
  EXPECT_EQ(Get()->get(), before);
  EXPECT_THAT(log_.str(), HasSubstr("cannot use the key " + shown_.key_file()));
  shown_.ReplaceFilesBy(renewed_);
  now_ += 5s;
  EXPECT_NE(Get()->get(), before);
}

TEST_F(LiveTls, FilesThatWereNeverGoodAreAnErrorUntilTheyAre) {
  Break(shown_.key_file());
  auto failed = live_.Get(now_);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr(shown_.key_file()));
  shown_.ReplaceFilesBy(renewed_);
  EXPECT_TRUE(live_.Get(now_)) << "the next connection need not wait a second";
}

}  // namespace
}  // namespace lastmile::net
