#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_MEDIA_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_MEDIA_H_

#include <map>

#include "media_anchor/core/leg_plan.h"
#include "tests/unit/gateway/simulation/world.h"

namespace lastmile::simulation {

// The media engine's side of the contract in leg_plan.h: opens, refuses, is late, fails in
// mid-call. Judges that each session is opened once, closed once, and not touched after.
class Media {
 public:
  explicit Media(World& world) : world_(world) {}

  // False: refused for lack of room.
  bool Execute(const media::MediaCommand& command);
  void FailAll();  // every browser is gone
  bool AllClosed() const;

 private:
  enum class State { kRefused, kOpen, kClosed };

  bool Open(media::SessionId session, bool bridge);
  void Close(media::SessionId session);
  void Report(Duration delay, media::MediaEvent event, bool last = false);

  World& world_;
  std::map<media::SessionId, State> sessions_;
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_MEDIA_H_
