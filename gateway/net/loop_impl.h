#ifndef LASTMILE_GATEWAY_NET_LOOP_IMPL_H_
#define LASTMILE_GATEWAY_NET_LOOP_IMPL_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>

#include "gateway/net/loop.h"
#include "gateway/net/uv_handle.h"

struct uv_async_s;
struct uv_prepare_s;

namespace lastmile::net {

// What the other files of gateway/net see of the loop. Thread: the loop's.
struct Loop::Impl {
  Impl();
  ~Impl();

  uv_loop_s* uv() { return loop.get(); }
  // Runs `task` on the loop's thread after the current callback has returned, before the next
  // on_turn: how hub methods call their sink without doing it from inside.
  void Defer(const void* owner, std::function<void()> task);
  // Drops what `owner` has deferred: call it from the owner's destructor.
  void Forget(const void* owner);
  void RunDeferred();
  void ArmTimer(TimePoint deadline);

  struct Task {
    const void* owner;
    std::function<void()> run;
  };
  std::unique_ptr<uv_loop_s> loop;
  std::unique_ptr<uv_async_s> wake;
  std::unique_ptr<uv_prepare_s> before_sleep;
  UvTimer timer;
  bool timer_fired = false;
  std::deque<Task> deferred;
  std::atomic<bool> stop = false;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_LOOP_IMPL_H_
