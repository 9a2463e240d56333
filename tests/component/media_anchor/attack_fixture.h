#ifndef LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ATTACK_FIXTURE_H_
#define LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ATTACK_FIXTURE_H_

#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "media_anchor/io/udp_socket.h"
#include "tests/component/media_anchor/engine_fixture.h"

namespace lastmile::media {

// Attacks on the media engine, from other addresses of the loopback network and from parties of a
// call that do what they should not. A call that stands talks meanwhile. What an attacker sends is
// bounded, and sent in portions that a kernel buffer holds, so that what is lost was lost by the
// gateway. Every test ends with nothing left behind.
class AttackTest : public EngineTest {
 protected:
  AttackTest();
  ~AttackTest() override;
  void SetUp() override;
  // Who had calls has let go of them.
  void TearDown() override;

  // Portions of an attack between two packets of the calls.
  using Attack = std::function<void()>;
  struct Heard {
    int spoken = 0;   // packets of the calls, both ways
    int lost = 0;     // of those
    int foreign = 0;  // packets that none of the two parties has sent
    bool perfect() const { return lost == 0 && foreign == 0; }
  };
  // Each call says a packet each way, as fast as may pass, and waits at most a second until it was
  // heard, so often.
  Heard Talk(
      const std::vector<TestCall*>& calls, int rounds, const Attack& attack = [] {});
  Heard Talk(
      TestCall& call, int rounds, const Attack& attack = [] {}) {
    return Talk(std::vector{&call}, rounds, attack);
  }
  // Calls that talk.
  std::vector<std::unique_ptr<TestCall>> ConnectedCalls(int count);
  static std::vector<TestCall*> PointersTo(const std::vector<std::unique_ptr<TestCall>>& calls);

  // A stream of audio as anybody could make it up. The payload is no party's.
  static test::TestRtp Forged(uint8_t type, uint16_t sequence, uint32_t ssrc = 0xbad);
  static UdpSocket SocketAt(uint8_t last);
  // How many datagrams came to it.
  static int Received(UdpSocket& socket);
  std::vector<Endpoint> TrunkPorts() const;  // all of the engine
  // CPU time of the engine's threads up to now, if the test has no other threads than this one.
  static Duration EngineCpu();
  size_t lines_logged() const;

  MediaOptions options_;
  std::mt19937 random_{1};

 private:
  // What is there now; which of the two packets of this round it was.
  struct Round {
    bool at_carrier = false;
    bool at_browser = false;
  };
  static void Hear(TestCall& call, Round& round, Heard& heard);
  static void Speak(TestCall& call);

  class LineCounter;
  const std::shared_ptr<LineCounter> lines_;
  size_t descriptors_ = 0;
  TimePoint next_round_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_ATTACK_FIXTURE_H_
