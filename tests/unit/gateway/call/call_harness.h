#ifndef LASTMILE_TESTS_UNIT_GATEWAY_CALL_CALL_HARNESS_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_CALL_CALL_HARNESS_H_

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "gateway/call/call.h"
#include "tests/support/sdp_samples.h"

namespace lastmile::call {

inline media::SessionOpened OpenedSession() {
  media::SessionOpened opened{.session = {7}};
  opened.browser.ice_ufrag = "gwUf";
  opened.browser.ice_pwd = "gwPwgwPwgwPwgwPwgwPwgwPw";
  opened.browser.candidates = {*Endpoint::Parse("192.0.2.1:20000")};
  opened.browser.fingerprint = {"sha-256", Bytes(32, 0xab)};
  opened.trunk.rtp = *Endpoint::Parse("192.0.2.1:30000");
  opened.trunk.rtcp = *Endpoint::Parse("192.0.2.1:30001");
  return opened;
}

// Short names, so that expectations read as a list: "update answer:183+sdp".
struct OutputName {
  std::string operator()(const media::MediaCommand& command) const {
    if (std::holds_alternative<media::OpenSession>(command)) return "open";
    if (std::holds_alternative<media::UpdateSession>(command)) return "update";
    if (const auto* digit = std::get_if<media::SendDigit>(&command)) {
      return (digit->tones ? "tones:" : "event:") + std::to_string(digit->event);
    }
    return "close";
  }
  std::string operator()(const PlaceCallee&) const { return "place"; }
  std::string operator()(const AnswerCaller& a) const {
    return "answer:" + std::to_string(a.status) + (a.sdp.empty() ? "" : "+sdp");
  }
  std::string operator()(const AckCallee&) const { return "ack"; }
  std::string operator()(const CancelCallee&) const { return "cancel"; }
  std::string operator()(const HangUp& h) const {
    return h.party == Party::kCaller ? "bye:caller" : "bye:callee";
  }
  std::string operator()(const AnswerReoffer& a) const {
    return "reoffer:" + std::to_string(a.status);
  }
  std::string operator()(const SendOffer&) const { return "offer"; }
  std::string operator()(const AnswerInfo& a) const { return "info:" + std::to_string(a.status); }
  std::string operator()(const SendInfo& s) const {
    return s.party == Party::kCaller ? "send-info:caller" : "send-info:callee";
  }
  std::string operator()(const AnswerRefer& a) const { return "refer:" + std::to_string(a.status); }
  std::string operator()(const NotifyTransferor& n) const {
    return "notify:" + std::to_string(n.status);
  }
  std::string operator()(const PlaceTarget&) const { return "place-target"; }
  std::string operator()(const AckTarget&) const { return "ack-target"; }
  std::string operator()(const CancelTarget&) const { return "cancel-target"; }
  std::string operator()(const HangUpTarget&) const { return "bye:target"; }
  std::string operator()(const AnswerReplacing& a) const {
    return "replacing:" + std::to_string(a.status);
  }
  std::string operator()(const SwapTrunk&) const { return "swap"; }
  std::string operator()(const LetTrunkGo&) const { return "let-go"; }
  std::string operator()(const Ended&) const { return "ended"; }
};

// One call under a fake clock, with the two peers' SDP at hand.
class CallHarness {
 public:
  explicit CallHarness(CallDirection direction, TrunkPolicy policy = {})
      : call_({1}, {7}, SettingsOf(direction, std::move(policy))) {}

  static CallSettings SettingsOf(CallDirection direction, TrunkPolicy policy) {
    SeededRandom random(7);
    TrunkKeys keys = MakeTrunkKeys(policy, random);
    return {.direction = direction,
            .trunk = std::move(policy),
            .sdp_session_id = 1000,
            .trunk_keys = std::move(keys)};
  }

  std::string Feed(const CallInput& input) {
    outputs.clear();
    call_.On(input, now, outputs);
    return Names();
  }
  std::string Wait(Duration duration) {
    outputs.clear();
    now += duration;
    call_.OnTimer(now, outputs);
    return Names();
  }
  // By the shortest way.
  void DriveTo(CallState state) {
    if (state == CallState::kIdle) return;
    if (state == CallState::kReserving) {
      // Of a carrier whose resources are not there yet.
      Feed(Invited{.offer = testing::TrunkSdp() + "a=des:qos mandatory local sendrecv\r\n",
                   .reliable = true});
      Feed(MediaOpened{OpenedSession()});
      return;
    }
    Feed(Invited{CallerOffer()});
    if (state == CallState::kOpeningMedia) return;
    Feed(MediaOpened{OpenedSession()});
    if (state == CallState::kCalling) return;
    if (state == CallState::kAnswered || state == CallState::kConnected) {
      Feed(CalleeAnswered{CalleeAnswer()});
      if (state == CallState::kConnected) Feed(CallerAcked{});
      return;
    }
    Feed(CallerCancelled{});
    if (state == CallState::kEnded) Feed(MediaClosed{});
  }

  // "bye:trunk" as the name of the output that it is in this direction.
  std::string ByParty(std::string names) const {
    for (const char* of : {"trunk", "browser"}) {
      const bool caller = (of == std::string("browser")) == from_browser();
      const std::string wanted = std::string("bye:") + of;
      if (const size_t at = names.find(wanted); at != std::string::npos) {
        names.replace(at, wanted.size(), caller ? "bye:caller" : "bye:callee");
      }
    }
    return names;
  }

  bool from_browser() const { return call_.direction() == CallDirection::kFromBrowser; }
  std::string CallerOffer() const {
    return from_browser() ? testing::BrowserSdp() : testing::TrunkSdp();
  }
  std::string CalleeAnswer() const {
    return from_browser() ? testing::TrunkSdp("0 101") : testing::BrowserSdp("active", "0 101");
  }
  template <class T>
  const T& Output() const {
    for (const CallOutput& output : outputs) {
      if (const T* wanted = std::get_if<T>(&output)) return *wanted;
    }
    static const T kNone{};
    return kNone;
  }
  template <class T>
  const T& Media() const {
    for (const CallOutput& output : outputs) {
      const auto* command = std::get_if<media::MediaCommand>(&output);
      if (!command) continue;
      if (const T* wanted = std::get_if<T>(command)) return *wanted;
    }
    static const T kNone{};
    return kNone;
  }
  Call& call() { return call_; }

  TimePoint now{};
  std::vector<CallOutput> outputs;

 private:
  std::string Names() const {
    std::string names;
    for (const CallOutput& output : outputs) {
      if (!names.empty()) names += ' ';
      names += std::visit(OutputName{}, output);
    }
    return names;
  }

  Call call_;
};

}  // namespace lastmile::call

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_CALL_CALL_HARNESS_H_
