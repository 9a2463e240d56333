#ifndef LASTMILE_GATEWAY_NET_LOOP_H_
#define LASTMILE_GATEWAY_NET_LOOP_H_

#include <functional>
#include <memory>

#include "base/time.h"

namespace lastmile::net {

// The libuv loop of the signalling thread, without its header. Thread: the one that calls Run(),
// before and after Run() its owner's; Wake() and Stop() from any thread.
class Loop {
 public:
  Loop();
  ~Loop();  // every stream hub on it is gone by then
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Turns until Stop(). After each batch of I/O, wake-up or timer, `on_turn` runs once; it returns
  // when it wants to be called at the latest (kNever: no timer).
  void Run(std::function<TimePoint()> on_turn);
  void Wake();  // on_turn runs soon; async-signal-unsafe, any thread
  void Stop();

  struct Impl;
  Impl& impl() { return *impl_; }  // for gateway/net/*.cc only

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_LOOP_H_
