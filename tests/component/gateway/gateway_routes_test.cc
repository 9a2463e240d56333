#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gateway/app/serve.h"
#include "tests/component/gateway/gateway_fixture.h"

// The configuration file changes while the gateway runs.
namespace lastmile::app {
namespace {

// Under ThreadSanitizer the routes alone take ten seconds, on a machine that does nothing else.
constexpr Duration kDeadline = 90s;

class ChangedRoutesTest : public GatewayTest {
 protected:
  void SetUp() override {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGHUP);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // all threads of the gateway inherit it
    std::filesystem::create_directory(folder_);
    GatewayTest::SetUp();
    serving_ = std::thread([this] { Serve(*gateway_, signals_); });
  }
  void TearDown() override {
    pthread_kill(serving_.native_handle(), SIGTERM);
    serving_.join();
    GatewayTest::TearDown();
    std::filesystem::remove_all(folder_);
  }
  void Configure(Config& config) override { config.file = file_; }

  // A file with so many routes that decides about 600 in its last one.
  std::string WithRoutes(int count, const std::string& last) const {
    std::string text =
        "numbering: { country: \"44\", international: \"00\" }\ntrunks: { carrier: { servers: [\"" +
        carrier_->local().ToString() + "\"] } }\nroutes:\n";
    for (int i = 1; i < count; ++i) {
      text += "  - { name: r" + std::to_string(i) + ", to: '^\\+" + std::to_string(10000 + i) +
              "', trunk: carrier }\n";
    }
    return text + "  - { name: last, to: '^600$', " + last + " }\n";
  }
  // As an editor does it: a new file in the old one's place.
  void Replace(const std::string& text) {
    std::ofstream(file_ + ".new") << text;
    std::filesystem::rename(file_ + ".new", file_);
  }
  // What a call to 600 is answered; 0: it talks.
  int CallTo600(test::BrowserPhone& phone) {
    auto& call = phone.Dial("600");
    EXPECT_TRUE(
        Until([&] { return call.state == State::kTalking || call.state == State::kEnded; }));
    const int status = call.state == State::kEnded ? call.status : 0;
    if (call.state == State::kTalking) {
      phone.HangUp(call);
      EXPECT_TRUE(Until([&] { return call.state == State::kEnded; }));
    }
    return status;
  }
  // Calls until the answer is that one; how long that took.
  bool BecomesAnswered(test::BrowserPhone& phone, int status) {
    const TimePoint give_up = MonotonicNow() + kDeadline;
    while (MonotonicNow() < give_up) {
      if (CallTo600(phone) == status) return true;
    }
    return false;
  }

  const std::string folder_ = ::testing::TempDir() + "lastmile_routes." + std::to_string(getpid());
  const std::string file_ = folder_ + "/lastmile.yaml";
  sigset_t signals_;
  std::thread serving_;
};

TEST_F(ChangedRoutesTest, AFileThatChangesIsForTheNextCall) {
  const auto phone = OpenPhone();
  auto& call = phone->Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  ExpectAudioBothWays(*phone, call, *at_carrier, 5);

  const TimePoint begun = MonotonicNow();
  Replace(WithRoutes(5000, "deny: closed"));
  EXPECT_TRUE(BecomesAnswered(*phone, 403));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(MonotonicNow() - begun);
  std::printf("5000 routes: %lld ms from the file to a call that goes by it\n",
              static_cast<long long>(took.count()));
  ExpectAudioBothWays(*phone, call, *at_carrier, 5);  // it goes on

  Replace(WithRoutes(1, "trunk: nowhere"));  // a mistake
  Replace(WithRoutes(1, "trunk: carrier") + "unknown: 1\n");
  kill(getpid(), SIGHUP);
  EXPECT_EQ(CallTo600(*phone), 403);
  std::ofstream(file_) << WithRoutes(1, "trunk: carrier");  // written in place
  EXPECT_TRUE(BecomesAnswered(*phone, 0));

  phone->HangUp(call);
  EXPECT_TRUE(Until([&] { return call.state == State::kEnded; }));
}

}  // namespace
}  // namespace lastmile::app
