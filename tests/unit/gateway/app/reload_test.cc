#include "gateway/app/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFixed =
    "domain: a.example\ntrunks: { a: { servers: [\"h:1\"], limits: { calls: 5 } } }\n";

class ReloadTest : public ::testing::Test {
 protected:
  ReloadTest() : logger_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(log_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("reload", sink));
    Write(std::string(kFixed) + "routes: [ { name: one, to: \"^1\", trunk: a } ]\n");
    auto config = LoadConfig(path_);
    EXPECT_TRUE(config);
    reload_.emplace(*config);
  }
  ~ReloadTest() override {
    spdlog::set_default_logger(logger_);
    std::filesystem::remove(path_);
  }
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  std::string Log() {
    std::string text = log_.str();
    log_.str("");
    return text;
  }

  const std::string path_ = ::testing::TempDir() + "/reload_test.yaml";
  std::shared_ptr<spdlog::logger> logger_;
  std::ostringstream log_;
  std::optional<Reload> reload_;
};

TEST_F(ReloadTest, NewRoutesNumbersAndLimitsAreTaken) {
  EXPECT_FALSE(reload_->Read());  // it says what it said
  Write(
      "numbering: { country: \"44\", international: \"00\" }\nlimits: { calls: 9 }\n"
      "domain: a.example\ntrunks: { a: { servers: [\"h:1\"], limits: { calls: 6 } } }\n"
      "routes: [ { name: two, to: \"^2\", trunk: a } ]\n");
  const auto router = reload_->Read();
  ASSERT_TRUE(router);
  EXPECT_EQ(router->rules().routes.at(0).name, "two");
  EXPECT_EQ(router->rules().limits.node.calls, 9u);
  EXPECT_EQ(router->LimitOf("a").calls, 6u);
  EXPECT_THAT(Log(), Not(HasSubstr("restart")));
  EXPECT_FALSE(reload_->Read());
}

TEST_F(ReloadTest, MistakesAreToldOnceAndChangeNothing) {
  Write(std::string(kFixed) + "routes:\n  - { name: bad, to: \"(\", trunk: a }\n");
  EXPECT_FALSE(reload_->Read());
  const std::string log = Log();
  EXPECT_THAT(log, HasSubstr("reload_test.yaml:4:22: not a pattern"));
  EXPECT_THAT(log, HasSubstr("the routes stay as they are"));
  EXPECT_FALSE(reload_->Read());
  EXPECT_EQ(Log(), "");
  Write(std::string(kFixed) + "routes: [ { name: good, to: \"^3\", trunk: a } ]\n");
  EXPECT_TRUE(reload_->Read());
}

TEST_F(ReloadTest, WhatNeedsARestartIsTold) {
  Write("domain: b.example\ntrunks: { a: { servers: [\"h:2\"] } }\nroutes: []\n");
  EXPECT_TRUE(reload_->Read());
  const std::string log = Log();
  EXPECT_THAT(log, HasSubstr("`domain` has changed and needs a restart"));
  EXPECT_THAT(log, HasSubstr("`trunks` has changed and needs a restart"));
}

TEST_F(ReloadTest, ARouteToATrunkThatIsNotThereYetChangesNothing) {
  Write(
      "trunks: { a: { servers: [\"h:1\"] }, b: { servers: [\"h:2\"] } }\n"
      "routes:\n  - { name: one, to: \"\", trunk: b }\n");
  EXPECT_FALSE(reload_->Read());
  EXPECT_THAT(Log(), HasSubstr("trunk b needs a restart"));
}

TEST_F(ReloadTest, WithoutAFileNothingIsRead) {
  Config config;
  Reload reload(config);
  EXPECT_FALSE(reload.Read());
  EXPECT_EQ(Log(), "");
}

TEST_F(ReloadTest, AFileThatIsGoneOrEmptyChangesNothing) {
  Write("");
  EXPECT_FALSE(reload_->Read());
  std::filesystem::remove(path_);
  EXPECT_FALSE(reload_->Read());
  EXPECT_THAT(Log(), HasSubstr("cannot be read now"));
}

}  // namespace
}  // namespace lastmile::app
