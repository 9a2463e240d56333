#include "tests/component/gateway/gateway_fixture.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "gateway/sip/digest.h"
#include "tests/support/loopback.h"

namespace lastmile::app {
namespace {

using test::Loopback;

constexpr char kDomain[] = "gw.example";
constexpr char kOrigin[] = "http://phone.example";
constexpr int kTrunkPorts = 60;  // room for 30 calls

std::string UserName(int user) { return "user" + std::to_string(user); }

Config MakeConfig(const Endpoint& carrier, int users) {
  Config config;
  config.domain = kDomain;
  config.ws = Endpoint{Loopback(1), 0};
  config.origins = {kOrigin};
  config.sip = {{.tls = false, .address = {Loopback(1), 0}, .path = "listen.sip[0]"}};
  config.browser_media.bind = Loopback(1);
  config.browser_media.port = 0;
  config.trunk_media.bind = Loopback(1);
  config.trunk_media.port_min = test::FindFreeRange(kTrunkPorts);
  config.trunk_media.port_max =
      static_cast<uint16_t>(config.trunk_media.port_min + kTrunkPorts - 1);
  for (int user = 0; user < users; ++user) {
    const std::string name = UserName(user);
    config.users.push_back(
        {.name = name, .ha1 = sip::Ha1(name, kDomain, "secret of " + name), .caller_id = ""});
  }
  config.trunks.push_back(
      {.name = "carrier", .host = carrier.address.ToString(), .port = carrier.port});
  config.routing.routes.push_back({.name = "all", .to = "^[0-9]+$", .trunks = {{"carrier"}}});
  return config;
}

// The address at the end of the line that starts so.
Endpoint Told(const std::vector<std::string>& greeting, const std::string& start) {
  for (const std::string& line : greeting) {
    if (!line.starts_with(start)) continue;
    const auto endpoint = Endpoint::Parse(line.substr(start.size()));
    EXPECT_TRUE(endpoint) << line;
    return endpoint.value_or(Endpoint{});
  }
  ADD_FAILURE() << "the greeting has no " << start;
  return {};
}

}  // namespace

void GatewayTest::SetUp() {
  carrier_ = std::make_unique<test::SipCarrier>();
  Config config = MakeConfig(carrier_->local(), kUsers);
  Configure(config);
  gateway_ = std::make_unique<Gateway>(std::move(config));
  const auto started = gateway_->Start();
  ASSERT_TRUE(started) << started.error().message;
  ws_ = Told(gateway_->Greeting(), "page and ws: http://");
  carrier_->set_gateway(Told(gateway_->Greeting(), "sip from carriers: tcp "));
  Add(*carrier_);
}

void GatewayTest::TearDown() { gateway_->Stop(); }

std::unique_ptr<test::BrowserPhone> GatewayTest::OpenPhone(int user) {
  auto phone = std::make_unique<test::BrowserPhone>(
      test::BrowserPhone::Options{.server = ws_,
                                  .origin = kOrigin,
                                  .domain = kDomain,
                                  .user = UserName(user),
                                  .password = "secret of " + UserName(user)});
  EXPECT_TRUE(phone->connected());
  Add(*phone);
  return phone;
}

std::unique_ptr<test::BrowserPhone> GatewayTest::RegisteredPhone(int user) {
  auto phone = OpenPhone(user);
  phone->Register();
  EXPECT_TRUE(Until([&] { return phone->register_status() != 0; }));
  EXPECT_EQ(phone->register_status(), 200);
  return phone;
}

bool GatewayTest::Until(const std::function<bool()>& done, Duration limit) {
  const TimePoint give_up = MonotonicNow() + limit;
  std::vector<pollfd> descriptors;
  while (!done()) {
    if (MonotonicNow() > give_up) return false;
    descriptors.clear();
    for (const test::SipPhone* phone : phones_) phone->AddDescriptors(descriptors);
    poll(descriptors.data(), descriptors.size(), 5);  // ms: how late a check of ICE may be
    for (test::SipPhone* phone : phones_) phone->OnTurn(MonotonicNow());
  }
  return true;
}

test::SipPhone::Call* GatewayTest::CarrierCall() {
  const auto find = [this]() -> test::SipPhone::Call* {
    const auto found = std::ranges::find_if(
        carrier_->calls(), [](const auto& call) { return call.state != State::kEnded; });
    return found == carrier_->calls().end() ? nullptr : &*found;
  };
  EXPECT_TRUE(Until([&] { return find() != nullptr; }));
  return find();
}

void GatewayTest::ExpectAudioBothWays(test::BrowserPhone& phone, test::SipPhone::Call& at_browser,
                                      test::SipPhone::Call& at_carrier, int packets) {
  ASSERT_TRUE(Until([&] {
    return at_browser.state == State::kTalking && at_carrier.state == State::kTalking &&
           at_browser.media->ready() && at_carrier.media->ready();
  }));
  std::vector<Bytes> from_browser;
  std::vector<Bytes> from_carrier;
  for (int i = 0; i < packets; ++i) {
    from_browser.push_back(Bytes(160, static_cast<uint8_t>(i)));
    from_carrier.push_back(Bytes(160, static_cast<uint8_t>(0x80 + i)));
    carrier_->Speak(at_carrier, from_carrier.back());
    phone.Speak(at_browser, from_browser.back());
    EXPECT_TRUE(Until([&] {
      return at_browser.heard.size() >= from_carrier.size() &&
             at_carrier.heard.size() >= from_browser.size();
    }));
  }
  EXPECT_EQ(at_carrier.heard, from_browser);
  EXPECT_EQ(at_browser.heard, from_carrier);
}

void GatewayTest::CallOnce(test::BrowserPhone& phone, bool browser_ends) {
  auto& call = phone.Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  ASSERT_NO_FATAL_FAILURE(ExpectAudioBothWays(phone, call, *at_carrier, 2));
  if (browser_ends) {
    phone.HangUp(call);
  } else {
    carrier_->HangUp(*at_carrier);
  }
  ASSERT_TRUE(
      Until([&] { return call.state == State::kEnded && at_carrier->state == State::kEnded; }));
  EXPECT_EQ(at_carrier->ended_by_peer, browser_ends);
  EXPECT_EQ(call.ended_by_peer, !browser_ends);
  phone.ForgetEnded();
  carrier_->ForgetEnded();
}

void GatewayTest::ExpectIdle() {
  TimePoint next_look{};
  const bool idle = Until([&] {
    if (MonotonicNow() < next_look) return false;
    next_look = MonotonicNow() + 20ms;
    const auto [signalling, media, ws] = gateway_->gauges();
    return signalling.calls == 0 && signalling.dialogs == 0 && signalling.transactions == 0 &&
           media.sessions == 0 && media.ports_in_use == 0;
  });
  const auto [signalling, media, ws] = gateway_->gauges();
  EXPECT_TRUE(idle) << "calls=" << signalling.calls << " dialogs=" << signalling.dialogs
                    << " transactions=" << signalling.transactions << " sessions=" << media.sessions
                    << " ports=" << media.ports_in_use;
}

}  // namespace lastmile::app
