#ifndef LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ENGINE_FIXTURE_H_
#define LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ENGINE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/mailbox.h"
#include "base/strong_id.h"
#include "media_anchor/io/media_engine.h"
#include "tests/support/loopback.h"
#include "tests/support/plain_rtp_peer.h"
#include "tests/support/webrtc_peer.h"

namespace lastmile::media {

using test::FindFreeRange;
using test::Loopback;
using test::OpenDescriptors;

// Turns `step` until `done` or ten seconds are over.
bool WaitFor(const std::function<bool()>& done, const std::function<void()>& step);

// The mappings of the tests: the numbers differ on purpose.
std::vector<PayloadMapping> TestPayloads();
constexpr uint8_t kBrowserAudio = 109;
constexpr uint8_t kTrunkAudio = 8;

class EngineTest : public testing::Test {
 protected:
  // Options for an engine on loopback with free ports.
  static MediaOptions LoopbackOptions();
  void StartEngine(MediaOptions options = LoopbackOptions());

  // A call of one test browser and one test carrier.
  struct TestCall {
    explicit TestCall(test::WebrtcPeer::Options options) : browser(options), carrier(Loopback(1)) {}
    SessionId id;
    test::WebrtcPeer browser;
    test::PlainRtpPeer carrier;
    SessionOpened opened;
    uint16_t next = 1000;  // sequence number of both senders
  };
  static test::WebrtcPeer::Options PeerOptions(DtlsRole gateway_role = DtlsRole::kServer);
  // Opens a session with both sides known and waits for SessionOpened.
  std::unique_ptr<TestCall> OpenCall(DtlsRole gateway_role = DtlsRole::kServer);
  std::unique_ptr<TestCall> OpenCall(const test::WebrtcPeer::Options& browser);
  SessionOpened Open(OpenSession command);
  // Waits until media can flow; false: it cannot.
  bool Connect(TestCall& call);
  // Sends one packet each way and tells whether both arrived, mapped.
  bool AudioFlowsBothWays(TestCall& call);
  std::optional<test::TestRtp> BrowserToTrunk(TestCall& call, const test::TestRtp& packet);
  std::optional<test::TestRtp> TrunkToBrowser(TestCall& call, const test::TestRtp& packet);
  SessionStats CloseCall(SessionId id);
  // An update that changes nothing yet.
  static UpdateSession UpdateOf(const TestCall& call) {
    return {.session = call.id, .browser = {}, .trunk = {}, .payloads = {}};
  }

  // Waits for the next event of that kind of that session; others stay where they are.
  template <class Event>
  std::optional<Event> WaitEvent(SessionId id, const std::function<void()>& step = {}) {
    std::optional<Event> found;
    WaitFor([&] { return (found = TakeEvent<Event>(id)).has_value(); },
            step ? step : [] { WaitABit(); });
    return found;
  }
  template <class Event>
  std::optional<Event> TakeEvent(SessionId id) {
    DrainEvents();
    for (auto it = seen_.begin(); it != seen_.end(); ++it) {
      auto* event = std::get_if<Event>(&*it);
      if (event == nullptr || event->session != id) continue;
      Event taken = std::move(*event);
      seen_.erase(it);
      return taken;
    }
    return std::nullopt;
  }
  static void WaitABit();
  void DrainEvents();

  Mailbox<MediaEvent> events_{4096};
  std::vector<MediaEvent> seen_;
  std::unique_ptr<MediaEngine> engine_;
  IdSource<SessionId> ids_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ENGINE_FIXTURE_H_
